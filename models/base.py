"""The contract that every model family keeps: texts in, one probability per label out.

A family does not know thresholds (`models.decision`), files beside its own (`models.store`) or how it is measured
(`training.evaluate`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from data.codebook import Claim
from data.splits import folds
from models.embedding import SentenceEncoder


class Model(ABC):
    """One family of models. Constructors only store; `fit` learns; learned attributes end in an underscore.

    Families that read sentences through an encoder take its vectors ready-made, so that one pass of the encoder
    serves several models (and all folds of a training run); without them they encode the texts themselves.
    """

    family: ClassVar[str]
    seed: int
    encoder: SentenceEncoder | None = None

    @abstractmethod
    def fit(self, texts: Sequence[str], targets: np.ndarray, vectors: np.ndarray | None = None) -> Self:
        """Learn from normalised texts (`data.text.normalise`).

        Args:
            texts: n sentences.
            targets: 0/1, shape (n, n_labels).
            vectors: what `encoder.encode(texts)` gave, shape (n, width), where the family has an encoder.
        """

    def cross_fit(
        self, texts: Sequence[str], targets: np.ndarray, articles: Sequence[str], vectors: np.ndarray | None = None
    ) -> np.ndarray:
        """Fit, and give the probabilities of each sentence from a model that has not seen its article, shape (n, n_labels).

        A family that is too slow to learn several times holds some articles out; what it learned from is NaN.

        Args:
            articles: the article of each sentence.
        """
        probabilities = np.zeros(targets.shape)
        for kept, new in folds(articles, self.seed):
            (seen, seen_vectors), (unseen, unseen_vectors) = (
                ([texts[i] for i in rows], None if vectors is None else vectors[rows]) for rows in (kept, new)
            )
            probabilities[new] = copy(self).fit(seen, targets[kept], seen_vectors).predict_proba(unseen, unseen_vectors)
        self.fit(texts, targets, vectors)
        return probabilities

    @abstractmethod
    def predict_proba(self, texts: Sequence[str], vectors: np.ndarray | None = None) -> np.ndarray:
        """Probabilities in [0, 1], float64 of shape (n, n_labels); (0, n_labels) for no texts."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what `load` needs into an existing folder, without pickle."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, encoder: SentenceEncoder | None = None) -> Self:
        """Read what `save` wrote. An `encoder` that is already in memory is used instead of the folder's own copy."""


class Reader(Model):
    """A family that reads claims in their own words, and so answers for claims that it was not trained on."""

    @abstractmethod
    def about(self, claims: Sequence[Claim]) -> Self:
        """The same model, asked for other claims: `predict_proba` then gives two columns for each, support and oppose."""
