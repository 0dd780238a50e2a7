"""Evaluation: pure functions from labels and decisions to figures. Nothing here reads files, trains or tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from models.decision import REVIEW, YES

RESAMPLES = 1000


@dataclass(frozen=True)
class Score:
    """Precision, recall and F1 of the decided `yes`; `support` is how many sentences carry the label."""

    precision: float
    recall: float
    f1: float
    support: int
    average_precision: float | None = None  # None where no sentence carries the label


@dataclass(frozen=True)
class Evaluation:
    """How decisions compare with labels.

    Attributes:
        micro: over all (sentence, label) pairs.
        micro_interval: 95 % bootstrap interval of micro F1, articles resampled.
        macro_f1: mean F1 over labels that the sentences carry.
        exact_match: share of sentences whose labels are all right.
        likeliest: share of the sentences with a label whose likeliest label is one of theirs; where each has exactly one, the
            accuracy of choosing one.
        review: share of sentences with a label that goes to review.
        labels: per label, in label order.
    """

    sentences: int
    micro: Score
    micro_interval: tuple[float, float]
    macro_f1: float
    exact_match: float
    likeliest: float
    review: float
    labels: dict[str, Score]


def evaluate(
    targets: np.ndarray, probabilities: np.ndarray, decisions: np.ndarray, labels: Sequence[str], articles: Sequence[str], seed: int
) -> Evaluation:
    """Compare decisions with labels.

    Args:
        targets: 0/1, shape (n, n_labels).
        probabilities, decisions: what a model gave, same shape.
        articles: the article of each sentence; sentences of one article are resampled together.

    Raises:
        ValueError: no sentences, or shapes that differ.
    """
    if not len(targets) or not targets.shape == probabilities.shape == decisions.shape:
        raise ValueError(f"expected equal shapes and at least one row, found {targets.shape}, {probabilities.shape}, {decisions.shape}")
    given = decisions == YES
    true = targets.astype(bool)
    precision, recall, f1, support = precision_recall_fscore_support(true, given, average=None, zero_division=0.0)
    per_label = {
        label: Score(
            float(precision[i]),
            float(recall[i]),
            float(f1[i]),
            int(support[i]),
            float(average_precision_score(true[:, i], probabilities[:, i])) if support[i] else None,
        )
        for i, label in enumerate(labels)
    }
    carried = support > 0
    average = float(average_precision_score(true.ravel(), probabilities.ravel())) if true.any() else None
    return Evaluation(
        sentences=len(true),
        micro=Score(*_micro(true, given), int(true.sum()), average),
        micro_interval=_interval(true, given, articles, seed),
        macro_f1=float(f1[carried].mean()) if carried.any() else 0.0,
        exact_match=float((true == given).all(axis=1).mean()),
        likeliest=float(true[np.arange(len(true)), probabilities.argmax(axis=1)][true.any(axis=1)].mean()) if true.any() else 0.0,
        review=float((decisions == REVIEW).any(axis=1).mean()),
        labels=per_label,
    )


def _micro(true: np.ndarray, given: np.ndarray) -> tuple[float, float, float]:
    hits, said, there = (true & given).sum(), given.sum(), true.sum()
    return float(hits / max(said, 1)), float(hits / max(there, 1)), float(2 * hits / max(said + there, 1))


def _interval(true: np.ndarray, given: np.ndarray, articles: Sequence[str], seed: int) -> tuple[float, float]:
    """Percentile bootstrap of micro F1 over articles (Efron and Tibshirani 1993, chapter 13)."""
    _, article = np.unique(np.asarray(articles, dtype=str), return_inverse=True)
    counts = np.stack([(true & given).sum(axis=1), given.sum(axis=1), true.sum(axis=1)], axis=1)
    sums = np.zeros((article.max() + 1, 3))
    np.add.at(sums, article, counts)
    drawn = np.random.default_rng(seed).integers(len(sums), size=(RESAMPLES, len(sums)))
    totals = np.stack([sums[rows].sum(axis=0) for rows in drawn])
    f1 = 2 * totals[:, 0] / np.maximum(totals[:, 1] + totals[:, 2], 1)
    low, high = np.percentile(f1, [2.5, 97.5])
    return float(low), float(high)
