"""The linear family: words and pieces of words weighed by TF-IDF, with logistic heads. Scikit-learn throughout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from models.base import Model
from models.embedding import SentenceEncoder
from models.heads import LogisticHeads

_VECTORIZERS = {
    "words": {"ngram_range": (1, 2), "min_df": 2, "sublinear_tf": True, "token_pattern": r"\b\w+\b"},
    "pieces": {"analyzer": "char_wb", "ngram_range": (4, 4), "min_df": 3, "sublinear_tf": True},
}
_WEIGHTS = {"words": 2.0, "pieces": 1.0}  # length of each part of a sentence's features, chosen out of fold


class Linear(Model):
    """TF-IDF of words (one and two) and of character pieces (four), and a logistic regression per label.

    Args:
        C: inverse strength of the heads' regularisation.
        seed: of the heads' solver.
    """

    family = "linear"

    def __init__(self, C: float = 4.0, seed: int = 0) -> None:
        self.C = C
        self.seed = seed

    def fit(self, texts: Sequence[str], targets: np.ndarray, vectors: np.ndarray | None = None) -> Self:
        """Learn vocabulary, weights and heads."""
        self.vectorizers_: dict[str, TfidfVectorizer] = {}
        parts = {}
        for name, settings in _VECTORIZERS.items():
            vectorizer = TfidfVectorizer(**settings)
            try:
                parts[name] = vectorizer.fit_transform(texts)
            except ValueError:  # too few texts for anything to come twice: everything counts
                vectorizer.set_params(min_df=1)
                parts[name] = vectorizer.fit_transform(texts)
            self.vectorizers_[name] = vectorizer
        self.heads_ = LogisticHeads(self.C, self.seed).fit(self._joined(parts, texts, vectors), targets)
        return self

    def predict_proba(self, texts: Sequence[str], vectors: np.ndarray | None = None) -> np.ndarray:
        """Probabilities, shape (n, n_labels)."""
        if not len(texts):
            return np.zeros((0, len(self.heads_.intercepts_)))
        return self.heads_.predict_proba(self._features(texts, vectors))

    def _features(self, texts: Sequence[str], vectors: np.ndarray | None) -> sparse.csr_matrix:
        parts = {name: vectorizer.transform(texts) for name, vectorizer in self.vectorizers_.items()}
        return self._joined(parts, texts, vectors)

    def _joined(self, parts: dict[str, sparse.csr_matrix], texts: Sequence[str], vectors: np.ndarray | None) -> sparse.csr_matrix:
        """All features side by side, shape (n, n_features)."""
        return sparse.hstack([_WEIGHTS[name] * part for name, part in parts.items()], format="csr")

    def save(self, folder: Path) -> None:
        """Write `vocabulary.json` and `linear.safetensors`."""
        tensors = self.heads_.tensors()
        vocabulary = {}
        for name, vectorizer in self.vectorizers_.items():
            tensors[f"idf.{name}"] = vectorizer.idf_.astype(np.float32)
            vocabulary[name] = vectorizer.get_feature_names_out().tolist()
        (folder / "vocabulary.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
        save_file(tensors, folder / "linear.safetensors")

    @classmethod
    def load(cls, folder: Path, encoder: SentenceEncoder | None = None) -> Self:
        """Read what `save` wrote."""
        model = cls()
        model._restore(folder)
        return model

    def _restore(self, folder: Path) -> None:
        tensors = load_file(folder / "linear.safetensors")
        vocabulary = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        self.vectorizers_ = {}
        for name, settings in _VECTORIZERS.items():
            self.vectorizers_[name] = TfidfVectorizer(**settings, vocabulary=vocabulary[name])
            self.vectorizers_[name].idf_ = tensors[f"idf.{name}"]
        self.heads_ = LogisticHeads(self.C, self.seed).from_tensors(tensors)
