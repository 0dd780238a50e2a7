"""Splits in which nothing leaks: sentences of one article stay on one side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

SEED = 20260217  # the only seed: of folds, solvers, samples and resampling
FOLDS = 4

# The frozen test split, `corpus/test`: whoever changes a sentence or a label of it makes a new version.
TEST_VERSION = 1
TEST_DIGEST = "9e872c137b9f16086cf488958bb3635de6d228e734ce25dfd9cf3cbc7809fd2c"


def folds(groups: Sequence[str], seed: int, n_folds: int = FOLDS) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row numbers (train, held out) of each fold; every row is held out exactly once.

    Args:
        groups: the article of each row.

    Raises:
        ValueError: fewer than two articles.
    """
    from sklearn.model_selection import GroupKFold

    articles = len(set(groups))
    if articles < 2:
        raise ValueError(f"expected sentences of at least 2 articles to hold some out, found {articles}")
    splitter = GroupKFold(n_splits=min(n_folds, articles), shuffle=True, random_state=seed)
    yield from splitter.split(np.zeros((len(groups), 1)), groups=list(groups))
