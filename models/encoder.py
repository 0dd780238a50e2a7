"""The encoder family: frozen sentence embeddings beside TF-IDF features, with logistic heads. The default.

The embedding knows that "menarik pasukan" and "withdraw troops" are close; the words know "bukan" from "adalah". Side by
side they beat either alone by several points.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy import sparse

from models.embedding import SHIPPED, SentenceEncoder
from models.linear import Linear

# Length of the embedding's part of a sentence's features, as `models.linear` has it for the TF-IDF parts. Chosen out of fold.
EMBEDDING_WEIGHT = 2.0


class Encoder(Linear):
    """Like `Linear`, with the standardised vectors of a frozen encoder among the features.

    Args:
        encoder: the sentence encoder; the shipped one where none is given.
    """

    family = "encoder"

    def __init__(self, encoder: SentenceEncoder | None = None, C: float = 4.0, seed: int = 0) -> None:
        super().__init__(C, seed)
        self.encoder: SentenceEncoder = encoder or SentenceEncoder.named(SHIPPED)

    def fit(self, texts: Sequence[str], targets: np.ndarray, vectors: np.ndarray | None = None) -> Self:
        """Learn the vectors' mean and spread, then vocabulary, weights and heads."""
        vectors = self._vectors(texts, vectors)
        self.mean_ = vectors.mean(axis=0)
        self.spread_ = np.maximum(vectors.std(axis=0), 1e-6)
        return super().fit(texts, targets, vectors)

    def _vectors(self, texts: Sequence[str], vectors: np.ndarray | None) -> np.ndarray:
        return self.encoder.encode(texts) if vectors is None else vectors

    def _features(self, texts: Sequence[str], vectors: np.ndarray | None) -> sparse.csr_matrix:
        vectors = (self._vectors(texts, vectors) - self.mean_) / self.spread_
        vectors *= EMBEDDING_WEIGHT / np.sqrt(vectors.shape[1])
        return sparse.hstack([sparse.csr_matrix(vectors), super()._features(texts, None)], format="csr")

    def save(self, folder: Path) -> None:
        """Write the linear family's files, `standard.safetensors` and the folder `encoder/`."""
        super().save(folder)
        save_file({"mean": self.mean_, "spread": self.spread_}, folder / "standard.safetensors")
        self.encoder.copy_to(folder / "encoder")

    @classmethod
    def load(cls, folder: Path, encoder: SentenceEncoder | None = None) -> Self:
        """Read what `save` wrote."""
        model = cls(encoder or SentenceEncoder(folder / "encoder"))
        model._restore(folder)
        standard = load_file(folder / "standard.safetensors")
        model.mean_, model.spread_ = standard["mean"], standard["spread"]
        return model
