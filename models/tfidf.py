"""TF-IDF: texts to weighed terms, number for number as scikit-learn's TfidfVectorizer has them with sublinear counts.

Scikit-learn takes up to a second to import and brings pandas along; a command that labels one page should not wait for that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Self

import numpy as np
from scipy import sparse

_WORD = re.compile(r"\b\w+\b")


def words(text: str) -> list[str]:
    """Words, and pairs of words that follow each other.

    >>> words("Bukan blok militer")
    ['bukan', 'blok', 'militer', 'bukan blok', 'blok militer']
    """
    found = _WORD.findall(text.lower())
    return found + [f"{first} {second}" for first, second in pairwise(found)]


def pieces(text: str) -> list[str]:
    """Four characters in a row that stand in one word, the space around it included.

    >>> pieces("Tank di")
    [' tan', 'tank', 'ank ', ' di ']
    """
    padded = (f" {word} " for word in text.lower().split())
    return [word[start : start + 4] for word in padded for start in range(max(1, len(word) - 3))]


class Tfidf:
    """Sublinear counts of terms, weighed by how rare a term is, of length 1 in each text.

    Args:
        terms: gives the terms of a text, each as often as it stands there.
    """

    def __init__(self, terms: Callable[[str], list[str]]) -> None:
        self.terms = terms

    def fit(self, texts: Sequence[str], at_least: int) -> Self:
        """Learn the terms that come in `at_least` texts, or all terms where none does, and how rare each is."""
        texts_with = Counter(term for text in texts for term in set(self.terms(text)))
        kept = sorted(term for term, number in texts_with.items() if number >= at_least) or sorted(texts_with)
        rarity = np.log((len(texts) + 1) / (np.array([texts_with[term] for term in kept], dtype=float) + 1)) + 1
        return self.restore(kept, rarity)

    def restore(self, vocabulary: Iterable[str], idf: np.ndarray) -> Self:
        """Take over what another instance learned: its terms in order, and the weight of each."""
        self.vocabulary_ = {term: i for i, term in enumerate(vocabulary)}
        self.idf_ = idf
        return self

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Features, float64 of shape (n, n_terms)."""
        columns: list[int] = []
        counts: list[int] = []
        ends = [0]
        for text in texts:
            for term, count in Counter(self.terms(text)).items():
                if term in self.vocabulary_:
                    columns.append(self.vocabulary_[term])
                    counts.append(count)
            ends.append(len(columns))
        weights = (np.log(counts) + 1) * self.idf_[columns]
        row_of = np.repeat(np.arange(len(texts)), np.diff(ends))
        weights /= np.sqrt(np.bincount(row_of, weights**2, len(texts)))[row_of]
        return sparse.csr_matrix((weights, columns, ends), shape=(len(texts), len(self.vocabulary_)))
