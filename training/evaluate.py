"""Evaluation: pure functions from labels, probabilities and decisions to figures. Nothing here reads files, trains or tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from data.codebook import SIDES
from data.pairs import STANCES
from models.decision import NO, REVIEW, YES
from training.bootstrap import MISTAKEN, Bootstrap, Figure, ratio

BINS = 10  # of the reliability diagram, equally wide


@dataclass(frozen=True)
class Score:
    """Precision, recall and F1 of the decided `yes`; `support` is how many sentences carry the label.

    `average_precision` is None where none does, or where the figure is a mean of others.
    """

    precision: Figure
    recall: Figure
    f1: Figure
    support: int
    average_precision: Figure | None = None


@dataclass(frozen=True)
class Bin:
    """A bar of the reliability diagram: pairs of sentence and label with about the same probability."""

    probability: float
    right: float
    pairs: int


@dataclass(frozen=True)
class Evaluation:
    """How probabilities and decisions compare with labels. Every figure has a 95 % bootstrap interval, articles resampled.

    Attributes:
        micro: over all (sentence, label) pairs.
        macro: mean over labels that the sentences carry.
        exact_match: share of sentences whose labels are all right.
        likeliest: share of the sentences with a label whose likeliest label is one of theirs; where each has exactly one, the
            accuracy of choosing one.
        review: share of sentences with a label that goes to review.
        kept: share of the true labels that are `yes` or go to review; the others are lost.
        calibration_error: how far probabilities are from the share that is right, over all pairs (expected calibration error with
            equal bins: Naeini et al. 2015, https://doi.org/10.1609/aaai.v29i1.9602).
        shown_error: the same over the pairs that a user is shown, `yes` or review; most others are near 0 and easily right.
        reliability: bars of the diagram, over all pairs.
        labels: per label, in label order.
        claims: mean F1 of support and oppose, per claim that the sentences take a side on; empty for topics.
        languages: the same evaluation per language, where there is more than one.
    """

    sentences: int
    micro: Score
    macro: Score
    exact_match: Figure
    likeliest: Figure
    review: Figure
    kept: Figure
    calibration_error: Figure
    shown_error: Figure
    reliability: list[Bin]
    labels: dict[str, Score]
    claims: dict[str, Figure]
    languages: dict[str, Evaluation] = field(default_factory=dict)


def evaluate(
    targets: np.ndarray,
    probabilities: np.ndarray,
    decisions: np.ndarray,
    labels: Sequence[str],
    articles: Sequence[str],
    seed: int,
    languages: Sequence[str] = (),
) -> Evaluation:
    """Compare probabilities and decisions with labels.

    Args:
        targets: 0/1, shape (n, n_labels).
        probabilities, decisions: what a model gave, same shape.
        articles: the article of each sentence; sentences of one article are resampled together.
        languages: the language of each sentence; none where that does not matter.

    >>> right = evaluate(np.eye(2), np.eye(2), np.eye(2) * YES, ["a", "b"], ["1", "2"], seed=0)
    >>> right.micro.f1.value, right.calibration_error.value
    (1.0, 0.0)

    Raises:
        ValueError: no sentences, or shapes that differ.
    """
    if not len(targets) or not targets.shape == probabilities.shape == decisions.shape:
        raise ValueError(f"expected equal shapes and at least one row, found {targets.shape}, {probabilities.shape}, {decisions.shape}")
    true: np.ndarray = targets.astype(bool)
    given: np.ndarray = np.equal(decisions, YES)
    drawn = Bootstrap(articles, seed)
    counts = _counts(drawn, true, given)
    support = true.sum(axis=0)
    carried: np.ndarray = np.greater(support, 0)
    per_label = _scores(counts)
    anywhere: np.ndarray = np.any(true, axis=1)
    best: np.ndarray = true[np.arange(len(true)), probabilities.argmax(axis=1)]
    kept = np.stack([(true & (decisions != NO)).sum(axis=1), true.sum(axis=1)], axis=1)
    names = sorted(set(languages))
    return Evaluation(
        sentences=len(true),
        micro=_score(_scores(counts.sum(axis=2, keepdims=True)), 0, int(true.sum()), _average_precision(drawn, true, probabilities)),
        macro=_score(_macro(per_label, carried), 0, int(carried.sum())),
        exact_match=drawn.mean((true == given).all(axis=1)),
        likeliest=drawn.figure(np.stack([best & anywhere, anywhere], axis=1), _share),
        review=drawn.mean((decisions == REVIEW).any(axis=1)),
        kept=drawn.figure(kept, _share),
        calibration_error=Figure.of(_calibration_errors(drawn, true, probabilities, np.ones(true.shape, dtype=bool))),
        shown_error=Figure.of(_calibration_errors(drawn, true, probabilities, decisions != NO)),
        reliability=_bins(true, probabilities),
        labels={
            label: _score(per_label, i, int(support[i]), _average_precision(drawn, true[:, i], probabilities[:, i]))
            for i, label in enumerate(labels)
        },
        claims=_claims(labels, per_label[2], carried),
        languages={
            name: evaluate(targets[here], probabilities[here], decisions[here], labels, np.asarray(articles)[here].tolist(), seed)
            for name in names
            for here in [np.asarray(languages) == name]
        }
        if len(names) > 1
        else {},
    )


def gains(
    targets: np.ndarray,
    decisions: Sequence[np.ndarray],
    probabilities: Sequence[np.ndarray],
    labels: Sequence[str],
    articles: Sequence[str],
    seed: int,
) -> dict[str, Figure]:
    """By how much micro F1, average precision, calibration and the F1 of each label are better with the second model.

    A paired bootstrap (Koehn 2004, https://aclanthology.org/W04-3250/): where the interval holds 0, it may be noise. Intervals are as much
    wider as there are figures (Bonferroni), so that in nineteen of twenty comparisons of equal models all of them hold 0.

    Args:
        targets: 0/1, shape (n, n_labels).
        decisions, probabilities: of the first and the second model, each of the same shape.
        labels: names of the columns.
        articles: the article of each sentence.
    """
    true, drawn = targets.astype(bool), Bootstrap(articles, seed)
    (micro, each), (micro_then, each_then) = (_f1(drawn, true, np.equal(decided, YES)) for decided in decisions)
    ranked, ranked_then = (drawn.rankings(true, chances) for chances in probabilities)
    everywhere = np.ones(true.shape, dtype=bool)
    error, error_then = (_calibration_errors(drawn, true, chances, everywhere) for chances in probabilities)
    found = {"micro F1": micro_then - micro, "average precision": ranked_then - ranked, "calibration": error - error_then}
    found |= {label: np.nan_to_num(each_then[:, i]) - np.nan_to_num(each[:, i]) for i, label in enumerate(labels) if true[:, i].any()}
    return {name: Figure.of(values, MISTAKEN / len(found)) for name, values in found.items()}


@dataclass(frozen=True)
class PairEvaluation:
    """How the likeliest stances of pairs compare with the given ones; intervals as in `Evaluation`, texts resampled.

    Attributes:
        rows: how many pairs.
        accuracy: share of them that are right.
        macro_f1: mean F1 over the stances that are given.
        sides_f1: mean F1 of support and oppose.
        stances: per stance.
    """

    rows: int
    accuracy: Figure
    macro_f1: Figure
    sides_f1: Figure
    stances: dict[str, Score]


def evaluate_pairs(stances: Sequence[str], probabilities: np.ndarray, groups: Sequence[str], seed: int) -> PairEvaluation:
    """Compare the likeliest stances with the given ones.

    Args:
        stances: given, of n pairs.
        probabilities: of support, oppose and none, shape (n, 3).
        groups: the text of each pair.

    >>> evaluate_pairs(["support", "oppose"], np.eye(3)[[0, 2]], ["a", "b"], 0).macro_f1.value
    0.5

    Raises:
        ValueError: no pairs, or shapes that differ.
    """
    if not len(stances) or probabilities.shape != (len(stances), len(STANCES)):
        raise ValueError(f"expected at least one pair and three probabilities each, found {len(stances)} and {probabilities.shape}")
    true, given = (np.eye(len(STANCES), dtype=bool)[rows] for rows in ([STANCES.index(name) for name in stances], probabilities.argmax(1)))
    drawn, support = Bootstrap(groups, seed), true.sum(axis=0)
    per_stance = _scores(_counts(drawn, true, given))
    f1 = np.nan_to_num(per_stance[2])
    return PairEvaluation(
        rows=len(true),
        accuracy=drawn.mean(np.any(true & given, axis=1)),
        macro_f1=Figure.of(f1[:, support > 0].mean(axis=1)),
        sides_f1=Figure.of(f1[:, : len(SIDES)].mean(axis=1)),
        stances={name: _score(per_stance, i, int(support[i])) for i, name in enumerate(STANCES)},
    )


def _counts(drawn: Bootstrap, true: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Hits, what was said, what is there; shape (1 + resamples, 3, n_labels)."""
    return drawn.sums(np.hstack([true & given, given, true])).reshape(len(drawn.weights), 3, -1)


def _scores(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1 from `_counts`, each of shape (1 + resamples, n_labels)."""
    hits, said, there = counts.transpose(1, 0, 2)
    return ratio(hits, said), ratio(hits, there), ratio(2 * hits, said + there)


def _f1(drawn: Bootstrap, true: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Micro F1, shape (1 + resamples,), and that of each label, shape (1 + resamples, n_labels)."""
    counts = _counts(drawn, true, given)
    return _scores(counts.sum(axis=2, keepdims=True))[2][:, 0], _scores(counts)[2]


def _score(scores: Sequence[np.ndarray], column: int, support: int, average_precision: Figure | None = None) -> Score:
    precision, recall, f1 = (Figure.of(values[:, column]) for values in scores)
    return Score(precision, recall, f1, support, average_precision)


def _average_precision(drawn: Bootstrap, true: np.ndarray, probabilities: np.ndarray) -> Figure | None:
    return Figure.of(drawn.rankings(true, probabilities)) if true.any() else None


def _macro(scores: Sequence[np.ndarray], carried: np.ndarray) -> list[np.ndarray]:
    """Means over the labels that are carried, shape (1 + resamples, 1): what is undefined in a resample counts as 0."""
    return [np.nan_to_num(values[:, carried]).mean(axis=1, keepdims=True) if carried.any() else values[:, :1] * 0 for values in scores]


def _claims(labels: Sequence[str], f1: np.ndarray, carried: np.ndarray) -> dict[str, Figure]:
    """Mean F1 of the two sides, for each claim on which some sentence takes one."""
    columns: dict[str, list[int]] = {}
    for i, label in enumerate(labels):
        claim, _, side = label.partition("/")
        if side and carried[i]:
            columns.setdefault(claim, []).append(i)
    return {claim: Figure.of(np.nan_to_num(f1[:, sides]).mean(axis=1)) for claim, sides in columns.items()}


def _calibration_errors(drawn: Bootstrap, true: np.ndarray, probabilities: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Mean distance of probability and share that is right, over bins, each by how many pairs it has; shape (1 + resamples,)."""
    bins = _bin_of(probabilities)
    counts = [
        (part * ((bins == number) & shown)).sum(axis=1) for number in range(BINS) for part in (probabilities, true, np.ones(true.shape))
    ]
    expected, right, many = drawn.sums(np.stack(counts, axis=1)).reshape(len(drawn.weights), BINS, 3).transpose(2, 0, 1)
    return ratio(np.abs(expected - right).sum(axis=1), many.sum(axis=1))


def _bins(true: np.ndarray, probabilities: np.ndarray) -> list[Bin]:
    bins = _bin_of(probabilities)
    return [
        Bin(float(probabilities[here].mean()), float(true[here].mean()), int(here.sum()))
        for number in range(BINS)
        for here in [bins == number]
        if here.any()
    ]


def _bin_of(probabilities: np.ndarray) -> np.ndarray:
    return np.minimum((probabilities * BINS).astype(int), BINS - 1)


def _share(totals: np.ndarray) -> np.ndarray:
    part, whole = totals.T
    return ratio(part, whole)
