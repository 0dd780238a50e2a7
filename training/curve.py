"""The learning curve: what more sentences bring, so that one knows whether to label more."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from data.splits import folds
from models.base import Model

PARTS = (0.125, 0.25)  # of the articles that a fold learns from; more of them would take longer than the training itself


@dataclass(frozen=True)
class Point:
    """Average precision over all labels, on held-out articles, after so many sentences."""

    sentences: int
    average_precision: float


def curve(
    model: Model,
    texts: Sequence[str],
    targets: np.ndarray,
    articles: Sequence[str],
    vectors: np.ndarray | None,
    probabilities: np.ndarray,
    seed: int,
) -> list[Point]:
    """Learn from parts of one fold, and measure on its held-out articles; the last point is the whole fold.

    Args:
        texts: normalised.
        targets: 0/1, shape (n, n_labels).
        articles: the article of each sentence.
        vectors: what the model's encoder made of the texts, where it has one.
        probabilities: what `model.cross_fit` gave, shape (n, n_labels).
    """
    from sklearn.metrics import average_precision_score

    kept, new = next(folds(articles, seed))
    names = list(dict.fromkeys(articles[i] for i in kept))
    order = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]

    def after(sentences: int, found: np.ndarray) -> Point:
        return Point(sentences, float(average_precision_score(targets[new].ravel(), found.ravel())))

    points = []
    for part in PARTS:
        chosen = set(order[: max(2, round(part * len(order)))])
        seen = [i for i in kept if articles[i] in chosen]
        learner = copy(model).fit([texts[i] for i in seen], targets[seen], None if vectors is None else vectors[seen])
        points.append(after(len(seen), learner.predict_proba([texts[i] for i in new], None if vectors is None else vectors[new])))
    return [*points, after(len(kept), probabilities[new])]
