"""Splits in which nothing leaks: sentences of one article stay on one side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

FOLDS = 4


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
