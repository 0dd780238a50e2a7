"""The decision: raw probabilities to calibrated ones, and those to labels, with a band between yes and no for a person.

Calibration and thresholds are learned from out-of-fold predictions and live in the model folder; they stand nowhere else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

import numpy as np

from models.logistic import expit, logit

NO, REVIEW, YES = 0, 1, 2
WORDS: tuple[Literal["no", "review", "yes"], ...] = ("no", "review", "yes")
ENOUGH = 1000  # positives of a label from which its own threshold weighs as much as everybody's; chosen out of fold


@dataclass(frozen=True)
class Decision:
    """Calibration, and thresholds of each label in label order.

    Attributes:
        slope, intercept: a calibrated probability is sigmoid(slope * logit(raw) + intercept), the same for all labels.
        yes: from this probability on a label is given, shape (n_labels,).
        review: from this probability on, below `yes`, a person should look, shape (n_labels,).
        exclusive: the set that a label belongs to, or -1; of a set only the likeliest label can be given (the two
            sides of a claim), shape (n_labels,).
    """

    yes: np.ndarray
    review: np.ndarray
    exclusive: np.ndarray
    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def fit(cls, raw: np.ndarray, targets: np.ndarray, exclusive: np.ndarray, alike: bool = False) -> Self:
        """Calibrate on out-of-fold predictions (Platt 1999), since regularised heads on rare labels are too modest.

        Then choose thresholds on the calibrated ones: `yes` where F1 is best, `review` where F2 is, which counts a
        missed label four times (van Rijsbergen 1979).

        A label's own best threshold is drawn toward the one that is best for all labels together, the more the fewer
        examples it has: the best of few examples is mostly chance.

        Args:
            raw, targets: probabilities as the model gave them, and 0/1; shape (n, n_labels).
            alike: every label has the thresholds that are best for all together.
        """
        slope, intercept = _platt(raw, targets)
        probabilities = expit(slope * _logit(raw) + intercept)
        pooled = [_best(probabilities.ravel(), targets.ravel(), beta) for beta in (1.0, 2.0)]
        found = np.tile(np.array(pooled), (targets.shape[1], 1))
        for label, positives in enumerate(targets.sum(axis=0)):
            if positives and not alike:
                own = np.array([_best(probabilities[:, label], targets[:, label], beta) for beta in (1.0, 2.0)])
                weight = positives / (positives + ENOUGH)
                found[label] = weight * own + (1 - weight) * found[label]
        return cls(found[:, 0], np.minimum(found[:, 1], found[:, 0]), exclusive, slope, intercept)

    def over(self, exclusive: np.ndarray) -> Self:
        """The same decision over other labels, in sets as `exclusive` has them, where all labels have the same thresholds."""
        return replace(self, yes=np.full(len(exclusive), self.yes[0]), review=np.full(len(exclusive), self.review[0]), exclusive=exclusive)

    def calibrate(self, raw: np.ndarray) -> np.ndarray:
        """Calibrated probabilities for those that a model gave, same shape."""
        return expit(self.slope * _logit(raw) + self.intercept)

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """NO, REVIEW or YES for each calibrated probability, int8 of shape (n, n_labels)."""
        decided = (probabilities >= self.review).astype(np.int8) + (probabilities >= self.yes)
        for name in set(self.exclusive.tolist()) - {-1}:
            columns = np.flatnonzero(self.exclusive == name)
            best = probabilities[:, columns].argmax(axis=1)
            losers = np.arange(len(columns)) != best[:, None]
            decided[:, columns] = np.where(losers, NO, decided[:, columns])
        return decided.astype(np.int8)

    def save(self, path: Path, labels: list[str]) -> None:
        """Write calibration and thresholds as JSON."""
        columns = zip(labels, self.yes.tolist(), self.review.tolist(), self.exclusive.tolist(), strict=True)
        entries = [{"label": name, "yes": yes, "review": review, "exclusive": group} for name, yes, review, group in columns]
        calibration = {"slope": self.slope, "intercept": self.intercept}
        path.write_text(json.dumps({"calibration": calibration, "labels": entries}, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        read = json.loads(path.read_text(encoding="utf-8"))
        entries = read["labels"]
        return cls(
            np.array([entry["yes"] for entry in entries], dtype=float),
            np.array([entry["review"] for entry in entries], dtype=float),
            np.array([entry["exclusive"] for entry in entries], dtype=int),
            **read["calibration"],
        )


def _logit(raw: np.ndarray) -> np.ndarray:
    return logit(np.clip(raw, 1e-6, 1 - 1e-6))


def _platt(raw: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """Slope and intercept over all labels together; (1, 0), which changes nothing, where there is nothing to learn from."""
    from sklearn.linear_model import LogisticRegression

    if targets.min() == targets.max():
        return 1.0, 0.0
    fitted = LogisticRegression().fit(_logit(raw).reshape(-1, 1), targets.ravel())
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


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
