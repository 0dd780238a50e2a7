"""The baseline: every sentence gets each label's share in the training data. What any other family must beat."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file

from models.base import Model
from models.embedding import SentenceEncoder


class Baseline(Model):
    """Predicts the prior.

    >>> Baseline().fit(["a", "b"], np.array([[1, 0], [0, 0]])).predict_proba(["c"])
    array([[0.5, 0. ]])
    """

    family = "baseline"

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, texts: Sequence[str], targets: np.ndarray, vectors: np.ndarray | None = None) -> Self:
        """Learn the share of each label."""
        self.prior_ = targets.mean(axis=0)
        return self

    def predict_proba(self, texts: Sequence[str], vectors: np.ndarray | None = None) -> np.ndarray:
        """The prior, once for each text: shape (n, n_labels)."""
        return np.tile(self.prior_, (len(texts), 1))

    def save(self, folder: Path) -> None:
        """Write `prior.safetensors`."""
        save_file({"prior": self.prior_}, folder / "prior.safetensors")

    @classmethod
    def load(cls, folder: Path, encoder: SentenceEncoder | None = None) -> Self:
        """Read `prior.safetensors`."""
        model = cls()
        model.prior_ = load_file(folder / "prior.safetensors")["prior"]
        return model
