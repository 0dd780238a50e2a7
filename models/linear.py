"""The linear family: words and pieces of words weighed by TF-IDF, with logistic heads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy import sparse

from models.base import Model
from models.embedding import SentenceEncoder
from models.heads import C, WordHeads
from models.logistic import expit
from models.tfidf import Tfidf, pieces, words

_TERMS = {"words": words, "pieces": pieces}
_AT_LEAST = {"words": 2, "pieces": 3}  # texts that a term comes in, or it is left out
_WEIGHTS = {"words": 2.0, "pieces": 1.0}  # length of each part of a sentence's features, chosen out of fold


class Linear(Model):
    """TF-IDF of words (one and two) and of character pieces (four), and a logistic regression per label.

    Args:
        C: inverse strength of the heads' regularisation.
        seed: of the heads' solver.
    """

    family = "linear"

    def __init__(self, C: float = C, seed: int = 0) -> None:
        self.C = C
        self.seed = seed

    def fit(self, texts: Sequence[str], targets: np.ndarray, vectors: np.ndarray | None = None) -> Self:
        """Learn vocabulary, weights and heads."""
        self.weighers_ = {name: Tfidf(terms).fit(texts, _AT_LEAST[name]) for name, terms in _TERMS.items()}
        self.heads_ = WordHeads(self.C, self.seed).fit(self._features(texts), targets)
        return self

    def predict_proba(self, texts: Sequence[str], vectors: np.ndarray | None = None) -> np.ndarray:
        """Probabilities, shape (n, n_labels)."""
        return expit(self.odds(texts))

    def odds(self, texts: Sequence[str]) -> np.ndarray:
        """Log-odds, float64 of shape (n, n_labels)."""
        return self.heads_.odds(self._features(texts)) if len(texts) else np.zeros((0, len(self.heads_.intercepts_)))

    def only(self, columns: slice) -> Self:
        """The same model with some of its labels."""
        part = copy(self)
        part.heads_ = self.heads_.only(columns)
        return part

    def _features(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """All features side by side, shape (n, n_features)."""
        return sparse.hstack([_WEIGHTS[name] * weigher.transform(texts) for name, weigher in self.weighers_.items()], format="csr")

    def save(self, folder: Path) -> None:
        """Write `vocabulary.json` and `linear.safetensors`."""
        tensors = self.heads_.tensors()
        vocabulary = {}
        for name, weigher in self.weighers_.items():
            tensors[f"idf.{name}"] = weigher.idf_.astype(np.float32)
            vocabulary[name] = list(weigher.vocabulary_)
        (folder / "vocabulary.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
        save_file(tensors, folder / "linear.safetensors")

    @classmethod
    def load(cls, folder: Path, encoder: SentenceEncoder | None = None) -> Self:
        """Read what `save` wrote."""
        model = cls()
        tensors = load_file(folder / "linear.safetensors")
        vocabulary = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        model.weighers_ = {name: Tfidf(terms).restore(vocabulary[name], tensors[f"idf.{name}"]) for name, terms in _TERMS.items()}
        model.heads_ = WordHeads(model.C, model.seed).from_tensors(tensors)
        return model
