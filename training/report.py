"""The report of a run: pictures that people look at. Takes plain data, gives figures of matplotlib; `training.tracking` logs them."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from models.decision import YES
from training.curve import Point
from training.evaluate import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

NOTHING = "nothing"
ACROSS = 4  # curves side by side


def pictures(
    targets: np.ndarray, chances: np.ndarray, decisions: np.ndarray, evaluation: Evaluation, curve: Sequence[Point] = ()
) -> dict[str, Picture]:
    """All pictures of a run, by file name.

    Args:
        targets, chances, decisions: 0/1, calibrated probabilities and decisions, shape (n, n_labels).
        evaluation: their figures.
        curve: the learning curve; none where there is none.
    """
    labels = list(evaluation.labels)
    found = {
        "precision_recall.png": precision_recall(targets, chances, evaluation),
        "reliability.png": reliability(evaluation),
        "confusion.png": confused(confusion(targets, decisions), labels),
    }
    return found | ({"learning_curve.png": learning_curve(curve)} if curve else {})


def confusion(targets: np.ndarray, decisions: np.ndarray) -> np.ndarray:
    """How often which label was there (row), and which was said instead (column); the last row and column stand for nothing.

    A label that is there and said counts on the diagonal. One that was missed counts once for each label that was wrongly said of the
    sentence, or as nothing said; one that was wrongly said where none was missed, as nothing there.

    >>> confusion(np.array([[1, 0], [0, 1], [0, 0]]), np.array([[YES, 0], [YES, 0], [0, YES]])).tolist()
    [[1, 0, 0], [1, 0, 0], [0, 1, 0]]
    """
    there, said = targets.astype(bool), decisions == YES
    missed, wrong = (there & ~said).astype(int), (said & ~there).astype(int)
    n = targets.shape[1]
    found = np.zeros((n + 1, n + 1), dtype=int)
    found[:n, :n] = missed.T @ wrong + np.diag((there & said).sum(axis=0))
    found[:n, n] = missed[~wrong.any(axis=1)].sum(axis=0)
    found[n, :n] = wrong[~missed.any(axis=1)].sum(axis=0)
    return found


def precision_recall(targets: np.ndarray, chances: np.ndarray, evaluation: Evaluation) -> Picture:
    """A curve for each label that occurs, with its average precision, and a dot where the decision stands."""
    from sklearn.metrics import precision_recall_curve

    carried = [(i, label, score) for i, (label, score) in enumerate(evaluation.labels.items()) if score.support]
    down = ceil(max(1, len(carried)) / ACROSS)
    picture = _picture(3 * ACROSS, 2.4 * down)
    places = picture.subplots(down, ACROSS, sharex=True, sharey=True, squeeze=False).ravel()
    for place in places[len(carried) :]:
        place.set_axis_off()
    for place in places[: len(carried)][-ACROSS:]:  # the lowest of each column
        place.xaxis.set_tick_params(labelbottom=True)
    for axes, (i, label, score) in zip(places, carried, strict=False):
        precision, recall, _ = precision_recall_curve(targets[:, i], chances[:, i])
        axes.plot(recall, precision, linewidth=1.2)
        axes.plot(score.recall.value, score.precision.value, "o", markersize=4)
        rank = f"{score.average_precision.value:.2f}" if score.average_precision else ""
        axes.set_title(f"{label}\nAP {rank} of {score.support:,}", fontsize=8)
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
        axes.tick_params(labelsize=7)
    picture.supxlabel("recall", fontsize=9)
    picture.supylabel("precision", fontsize=9)
    return picture


def reliability(evaluation: Evaluation) -> Picture:
    """Whether probabilities hold: the share that is right over the probability, and how many pairs of sentence and label there are."""
    picture = _picture(5, 5.5)
    above, below = picture.subplots(2, 1, height_ratios=[4, 1], sharex=True)
    chances, right, many = zip(*((bar.probability, bar.right, bar.pairs) for bar in evaluation.reliability), strict=True)
    above.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle="--")
    above.plot(chances, right, "o-")
    above.set(ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    errors = f"calibration error {evaluation.calibration_error.value:.3f}; of shown labels {evaluation.shown_error.value:.3f}"
    above.set_title(errors, fontsize=9)
    below.bar(chances, many, width=0.06)
    below.set(xlabel="probability", ylabel="pairs", yscale="log")
    return picture


def confused(counts: np.ndarray, labels: Sequence[str]) -> Picture:
    """What `confusion` found, as a map; each row by its share."""
    names = [*labels, NOTHING]
    size = 3 + 0.32 * len(names)
    picture = _picture(size, size)
    axes = picture.subplots()
    axes.imshow(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts):
        dark = counts[row, column] > counts[row].sum() / 2
        axes.text(column, row, counts[row, column], ha="center", va="center", fontsize=5.5, color="white" if dark else "black")
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set(xlabel="said", ylabel="there")
    return picture


def learning_curve(points: Sequence[Point]) -> Picture:
    """What more sentences bring."""
    picture = _picture(5, 3.6)
    axes = picture.subplots()
    axes.plot([point.sentences for point in points], [point.average_precision for point in points], "o-")
    axes.set(xlabel="sentences learned from", ylabel="average precision, held-out articles", ylim=(0, 1), xscale="log")
    return picture


def _picture(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", dpi=110)
