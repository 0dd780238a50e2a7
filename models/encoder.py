"""The encoder family: words, and what a frozen sentence encoder adds to them. The default.

The words know "bukan" from "adalah"; the vectors know that "menarik pasukan" and "withdraw troops" are close. Heads on the
vectors correct the log-odds that the words give, so together they beat either alone by several points.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file

from data.splits import folds
from models.base import Model
from models.embedding import SentenceEncoder
from models.heads import RARE, RIDGE, C, VectorHeads
from models.linear import Linear
from models.logistic import expit, logit


class Encoder(Model):
    """`Linear` on the words, and heads on the vectors of an encoder that add to its log-odds.

    Args:
        encoder: the sentence encoder; the shipped one where none is given.
        C, seed: as `Linear` takes them.
        ridge: as `VectorHeads` takes it.
    """

    family = "encoder"

    def __init__(self, encoder: SentenceEncoder | None = None, C: float = C, seed: int = 0, ridge: float = RIDGE) -> None:
        self.encoder: SentenceEncoder = encoder or SentenceEncoder.named()
        self.C = C
        self.seed = seed
        self.ridge = ridge

    def fit(self, texts: Sequence[str], targets: np.ndarray, vectors: np.ndarray | None = None) -> Self:
        """Learn the words' weights and the vectors' heads; each text counts as an article."""
        self.cross_fit(texts, targets, [str(i) for i in range(len(texts))], vectors)
        return self

    def cross_fit(
        self, texts: Sequence[str], targets: np.ndarray, articles: Sequence[str], vectors: np.ndarray | None = None
    ) -> np.ndarray:
        """As every family does it. The heads learn beside log-odds of words that have not seen the article either: beside
        those of words that have, little would be left to learn (stacking: Wolpert 1992)."""
        vectors = self.encoder.encode(texts) if vectors is None else vectors
        self.words_ = Linear(self.C, self.seed)
        odds = beside(self.words_.cross_fit(texts, targets, articles))
        probabilities = np.zeros(targets.shape)
        for kept, new in folds(articles, self.seed):
            heads = VectorHeads(self.ridge).fit(vectors[kept], targets[kept], odds[kept])
            probabilities[new] = expit(odds[new] + heads.odds(vectors[new]))
        self.heads_ = VectorHeads(self.ridge).fit(vectors, targets, odds)
        return probabilities

    def predict_proba(self, texts: Sequence[str], vectors: np.ndarray | None = None) -> np.ndarray:
        """Probabilities, shape (n, n_labels)."""
        vectors = self.encoder.encode(texts) if vectors is None else vectors
        # In double precision, so that a sentence's probabilities do not depend on how many others are multiplied with it.
        return expit(self.words_.odds(texts) + self.heads_.odds(vectors.astype(np.float64)))

    def save(self, folder: Path) -> None:
        """Write the linear family's files, `heads.safetensors` and the folder `encoder/`."""
        self.words_.save(folder)
        save_file(self.heads_.tensors(), folder / "heads.safetensors")
        self.encoder.copy_to(folder / "encoder")

    @classmethod
    def load(cls, folder: Path, encoder: SentenceEncoder | None = None) -> Self:
        """Read what `save` wrote."""
        model = cls(encoder or SentenceEncoder(folder / "encoder"))
        model._restore(folder)
        return model

    def _restore(self, folder: Path) -> None:
        self.words_ = Linear.load(folder)
        self.heads_ = VectorHeads().from_tensors(load_file(folder / "heads.safetensors"))


def beside(probabilities: np.ndarray) -> np.ndarray:
    """Log-odds of the words' probabilities, as the vectors' heads learn beside them."""
    return logit(np.clip(probabilities, RARE, 1 - RARE))
