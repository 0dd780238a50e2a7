"""The blend: one probability out of what was read in a claim's words, and what heads that know the claim say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.logistic import expit, logit

CLOSED = 1e-4  # the probability of a stance that is not read, and the least of one that is


@dataclass(frozen=True)
class Blend:
    """What is made of what was read, and of what the heads say: log-odds weighed and added up.

    Attributes:
        read, heard, bias: for claims that were trained on.
        read_alone, bias_alone: for others.
    """

    read: float = 1.0
    heard: float = 0.0
    bias: float = 0.0
    read_alone: float = 1.0
    bias_alone: float = 0.0

    def fit(self, read: np.ndarray, heard: np.ndarray, targets: np.ndarray) -> Blend:
        """Learn from probabilities of sentences that neither has learned from, shape (n, n_labels)."""
        from sklearn.linear_model import LogisticRegression

        if targets.min() == targets.max():
            return self
        odds = np.stack([_logit(part).ravel() for part in (read, heard)], axis=1)
        both, alone = (LogisticRegression().fit(part, targets.ravel()) for part in (odds, odds[:, :1]))
        weights = [*both.coef_[0], both.intercept_[0], alone.coef_[0, 0], alone.intercept_[0]]
        return Blend(*map(float, weights))

    def both(self, read: np.ndarray, heard: np.ndarray) -> np.ndarray:
        """Probabilities for claims that were trained on, same shape."""
        return expit(self.read * _logit(read) + self.heard * _logit(heard) + self.bias)

    def alone(self, read: np.ndarray) -> np.ndarray:
        """Probabilities for other claims, same shape."""
        return expit(self.read_alone * _logit(read) + self.bias_alone)


def _logit(probabilities: np.ndarray) -> np.ndarray:
    return logit(np.clip(probabilities, CLOSED, 1 - CLOSED))
