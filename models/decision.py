"""The decision: raw probabilities to calibrated ones, and those to labels, with a band between yes and no for a person.

Calibration and thresholds are learned from out-of-fold predictions and live in the model folder; they stand nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, Self

import numpy as np

from models.calibration import Calibration
from models.promise import NEVER, Promise, threshold

NO, REVIEW, YES = 0, 1, 2
WORDS: tuple[Literal["no", "review", "yes"], ...] = ("no", "review", "yes")
UNCHANGED, NOTHING = Calibration(), Promise()
ENOUGH = 1000  # positives of a label from which its own threshold weighs as much as everybody's; chosen out of fold


@dataclass(frozen=True)
class Decision:
    """Calibration, and thresholds of each label in label order.

    Attributes:
        yes: from this probability on a label is given, shape (n_labels,).
        review: from this probability on, below `yes`, a person should look, shape (n_labels,).
        exclusive: the set that a label belongs to, or -1; of a set only the likeliest label can be given (the two
            sides of a claim), shape (n_labels,).
        calibration: makes a model's probabilities hold; thresholds are on calibrated ones.
        promise: what the thresholds were chosen to keep.
    """

    yes: np.ndarray
    review: np.ndarray
    exclusive: np.ndarray
    calibration: Calibration = UNCHANGED
    promise: Promise = NOTHING

    @classmethod
    def fit(
        cls,
        raw: np.ndarray,
        targets: np.ndarray,
        exclusive: np.ndarray,
        articles: Sequence[str] | None = None,
        alike: bool = False,
        promise: Promise = NOTHING,
    ) -> Self:
        """Calibrate on out-of-fold predictions, and choose thresholds on the calibrated ones.

        A promised precision chooses `yes`, a promised recall `review`. Where nothing is promised, `yes` lies where F1 is best, `review`
        where F2 is, which counts a missed label four times (van Rijsbergen 1979). A label's own best threshold is drawn toward the one
        that is best for all labels together, the more the fewer examples it has: the best of few examples is mostly chance.

        Args:
            raw, targets: probabilities as the model gave them, and 0/1; shape (n, n_labels).
            articles: the article of each row; none where each is its own.
            alike: every label has the calibration and thresholds that are best for all together.
            promise: what is to be kept. A precision that cannot be promised makes no label `yes`; with a recall that cannot be, all
                goes to review.
        """
        articles = [str(row) for row in range(len(raw))] if articles is None else articles
        calibration = Calibration.fit(raw, targets, articles, alike)
        probabilities = calibration(raw)
        pooled = [_best(probabilities.ravel(), targets.ravel(), beta) for beta in (1.0, 2.0)]
        found = np.tile(np.array(pooled), (targets.shape[1], 1))
        for label, positives in enumerate(targets.sum(axis=0)):
            if positives and not alike:
                own = np.array([_best(probabilities[:, label], targets[:, label], beta) for beta in (1.0, 2.0)])
                weight = positives / (positives + ENOUGH)
                found[label] = weight * own + (1 - weight) * found[label]
        yes, review = found.T
        likeliest = np.where(_losers(probabilities, exclusive), 0.0, probabilities)
        if promise.precision:
            kept = threshold(likeliest, targets, "precision", promise.precision, promise.confidence)
            yes = np.full_like(yes, NEVER if kept is None else kept)
        if promise.recall:
            kept = threshold(likeliest, targets, "recall", promise.recall, promise.confidence)
            review = np.full_like(review, 0.0 if kept is None else kept)
        return cls(yes, np.minimum(review, yes), exclusive, calibration, promise)

    def over(self, exclusive: np.ndarray) -> Self:
        """The same decision over other labels, in sets as `exclusive` has them, where all labels have the same thresholds."""
        return replace(self, yes=np.full(len(exclusive), self.yes[0]), review=np.full(len(exclusive), self.review[0]), exclusive=exclusive)

    def calibrate(self, raw: np.ndarray) -> np.ndarray:
        """Calibrated probabilities for those that a model gave, same shape."""
        return self.calibration(raw)

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """NO, REVIEW or YES for each calibrated probability, int8 of shape (n, n_labels)."""
        decided = (probabilities >= self.review).astype(np.int8) + (probabilities >= self.yes)
        return np.where(_losers(probabilities, self.exclusive), NO, decided).astype(np.int8)

    def save(self, path: Path, labels: list[str]) -> None:
        """Write calibration and thresholds as JSON."""
        columns = zip(labels, self.yes.tolist(), self.review.tolist(), self.exclusive.tolist(), strict=True)
        entries = [{"label": name, "yes": yes, "review": review, "exclusive": group} for name, yes, review, group in columns]
        content = {"calibration": self.calibration.as_dict(), "promise": asdict(self.promise), "labels": entries}
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        read = json.loads(path.read_text(encoding="utf-8"))
        entries = read["labels"]
        return cls(
            np.array([entry["yes"] for entry in entries], dtype=float),
            np.array([entry["review"] for entry in entries], dtype=float),
            np.array([entry["exclusive"] for entry in entries], dtype=int),
            Calibration.from_dict(read["calibration"]),
            Promise(**read["promise"]),
        )


def _losers(probabilities: np.ndarray, exclusive: np.ndarray) -> np.ndarray:
    """Which labels another one of their set is likelier than, bool of the same shape."""
    losers = np.zeros(probabilities.shape, dtype=bool)
    for name in set(exclusive.tolist()) - {-1}:
        columns = np.flatnonzero(exclusive == name)
        losers[:, columns] = np.arange(len(columns)) != probabilities[:, columns].argmax(axis=1)[:, None]
    return losers


def _best(probabilities: np.ndarray, targets: np.ndarray, beta: float) -> float:
    """A threshold with the best F-beta. With no positive at all, none is low enough: 1."""
    if not targets.any():
        return 1.0
    from sklearn.metrics import precision_recall_curve

    precision, recall, thresholds = precision_recall_curve(targets, probabilities)
    score = (1 + beta**2) * precision * recall / np.maximum(beta**2 * precision + recall, 1e-12)
    best = int(np.argmax(score[:-1]))
    below = thresholds[best - 1] if best else 0.0
    return float((thresholds[best] + below) / 2)  # halfway to the next lower probability: as much room as there is
