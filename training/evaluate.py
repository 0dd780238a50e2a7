"""Evaluation: pure functions from labels and decisions to figures. Nothing here reads files, trains or tracks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from data.codebook import SIDES
from data.pairs import STANCES
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


@dataclass(frozen=True)
class PairEvaluation:
    """How the likeliest stances of pairs compare with the given ones.

    Attributes:
        rows: how many pairs.
        accuracy: share of them that are right.
        macro_f1: mean F1 over the stances that are given.
        macro_interval: 95 % bootstrap interval of it, texts resampled with all their pairs.
        sides_f1: mean F1 of support and oppose.
        stances: per stance.
    """

    rows: int
    accuracy: float
    macro_f1: float
    macro_interval: tuple[float, float]
    sides_f1: float
    stances: dict[str, Score]


def evaluate_pairs(stances: Sequence[str], probabilities: np.ndarray, groups: Sequence[str], seed: int) -> PairEvaluation:
    """Compare the likeliest stances with the given ones.

    Args:
        stances: given, of n pairs.
        probabilities: of support, oppose and none, shape (n, 3).
        groups: the text of each pair.

    >>> evaluate_pairs(["support", "oppose"], np.eye(3)[[0, 2]], ["a", "b"], 0).macro_f1
    0.5

    Raises:
        ValueError: no pairs, or shapes that differ.
    """
    if not len(stances) or probabilities.shape != (len(stances), len(STANCES)):
        raise ValueError(f"expected at least one pair and three probabilities each, found {len(stances)} and {probabilities.shape}")
    true = np.array([STANCES.index(stance) for stance in stances])
    given = probabilities.argmax(axis=1)
    precision, recall, f1, support = precision_recall_fscore_support(true, given, labels=range(len(STANCES)), zero_division=0.0)
    scores = {name: Score(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i])) for i, name in enumerate(STANCES)}
    there = support > 0
    hits, said, given_true = (np.eye(len(STANCES))[rows] for rows in (true, given, true))
    counts = np.hstack([hits * said, said, given_true])

    def macro(totals: np.ndarray) -> float:
        right, claimed, wanted = np.split(totals, 3)
        return float((2 * right / np.maximum(claimed + wanted, 1))[there].mean())

    return PairEvaluation(
        rows=len(true),
        accuracy=float((true == given).mean()),
        macro_f1=float(f1[there].mean()),
        macro_interval=_bootstrap(counts, groups, macro, seed),
        sides_f1=float(f1[: len(SIDES)].mean()),
        stances=scores,
    )


def _micro(true: np.ndarray, given: np.ndarray) -> tuple[float, float, float]:
    hits, said, there = (true & given).sum(), given.sum(), true.sum()
    return float(hits / max(said, 1)), float(hits / max(there, 1)), float(2 * hits / max(said + there, 1))


def _interval(true: np.ndarray, given: np.ndarray, articles: Sequence[str], seed: int) -> tuple[float, float]:
    """Interval of micro F1 over articles."""
    counts = np.stack([(true & given).sum(axis=1), given.sum(axis=1), true.sum(axis=1)], axis=1)
    return _bootstrap(counts, articles, lambda totals: float(2 * totals[0] / max(totals[1] + totals[2], 1)), seed)


def _bootstrap(counts: np.ndarray, groups: Sequence[str], figure: Callable[[np.ndarray], float], seed: int) -> tuple[float, float]:
    """95 % percentile bootstrap of a figure of summed counts, groups resampled (Efron and Tibshirani 1993, chapter 13)."""
    _, group = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    sums = np.zeros((group.max() + 1, counts.shape[1]))
    np.add.at(sums, group, counts)
    drawn = np.random.default_rng(seed).integers(len(sums), size=(RESAMPLES, len(sums)))
    low, high = np.percentile([figure(sums[rows].sum(axis=0)) for rows in drawn], [2.5, 97.5])
    return float(low), float(high)
