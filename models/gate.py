"""The gate: which sentences may concern a claim, told from the vectors of a frozen encoder, in no time.

Reading a claim with a sentence costs a pass of an encoder; most sentences of the news have nothing to do with most claims.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.splits import folds
from models.heads import VectorHeads

RECALL = 0.97  # share of the sentences that concern a claim which have to pass, chosen on claims that the gate had not seen


class Gate:
    """A logistic regression on where the vectors of a sentence and of a claim agree, and where they differ."""

    def fit(self, sentences: np.ndarray, claims: np.ndarray, concerned: np.ndarray, names: Sequence[str], seed: int) -> Gate:
        """Learn from n sentences, each beside a claim.

        Args:
            sentences, claims: vectors, shape (n, width).
            concerned: whether the sentence concerns the claim, shape (n,).
            names: of the claims; those of one name are held out together.
        """
        features = _features(sentences, claims)
        unseen = np.zeros(len(features))
        for kept, new in folds(names, seed):
            unseen[new] = self._fit(features[kept], concerned[kept]).odds(features[new])[:, 0]
        self.threshold_ = float(np.quantile(unseen[concerned.astype(bool)], 1 - RECALL))
        self.heads_ = self._fit(features, concerned)
        return self

    def passes(self, sentences: np.ndarray, claims: np.ndarray) -> np.ndarray:
        """Which sentences may concern which claims, bool of shape (n_sentences, n_claims).

        Args:
            sentences: vectors, shape (n_sentences, width).
            claims: vectors of each claim as it is worded for each sentence, shape (n_sentences, n_claims, width).
        """
        found = [self.heads_.odds(_features(sentences, claims[:, i]))[:, 0] for i in range(claims.shape[1])]
        return np.stack(found, axis=1) >= self.threshold_ if found else np.zeros((len(sentences), 0), dtype=bool)

    def tensors(self) -> dict[str, np.ndarray]:
        """What was learned, by name, as `from_tensors` takes it."""
        return self.heads_.tensors() | {"threshold": np.array([self.threshold_])}

    def from_tensors(self, tensors: dict[str, np.ndarray]) -> Gate:
        """Take over what was learned elsewhere."""
        self.heads_ = VectorHeads().from_tensors(tensors)
        self.threshold_ = float(tensors["threshold"][0])
        return self

    @staticmethod
    def _fit(features: np.ndarray, concerned: np.ndarray) -> VectorHeads:
        return VectorHeads().fit(features, concerned[:, None], np.zeros((len(features), 1)))


def _features(sentences: np.ndarray, claims: np.ndarray) -> np.ndarray:
    return np.hstack([sentences * claims, np.abs(sentences - claims)]).astype(np.float64)
