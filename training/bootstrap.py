"""Bootstrap: figures with their intervals, articles resampled, since sentences of one article are not independent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

MISTAKEN = 0.05  # share of the intervals that miss what they are about
RESAMPLES = 1000
RANKINGS = 100  # resamples of figures that need all probabilities in order, which takes longer


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval; 0 where there is nothing to count."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: np.ndarray, mistaken: float = MISTAKEN) -> Self:
        """From a figure's values, shape (1 + resamples,), the first as measured; resamples without it are left out."""
        resampled = values[1:][~np.isnan(values[1:])]
        low, high = np.quantile(resampled, [mistaken / 2, 1 - mistaken / 2]) if len(resampled) else (0.0, 0.0)
        return cls(float(np.nan_to_num(values[0])), float(low), float(high))

    def __str__(self) -> str:
        """As it is printed.

        >>> print(Figure(0.5, 0.4, 0.625))
        0.50 (0.40 to 0.62)
        """
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


class Bootstrap:
    """Percentile bootstrap (Efron and Tibshirani 1993, chapter 13). The same groups and seed draw the same resamples, so two models that
    are measured on the same sentences can be compared pair by pair.

    Args:
        groups: the article of each of n sentences.
        seed: of what is drawn.
    """

    def __init__(self, groups: Sequence[str], seed: int) -> None:
        _, self.group = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
        many = int(self.group.max()) + 1
        drawn = np.random.default_rng(seed).multinomial(many, np.full(many, 1 / many), size=RESAMPLES)
        self.weights = np.vstack([np.ones(many), drawn]).astype(np.float32)  # how often each article counts; first, all once

    def sums(self, counts: np.ndarray) -> np.ndarray:
        """Counts summed over sentences, as measured and for each resample.

        Args:
            counts: shape (n, k).

        Returns:
            Shape (1 + resamples, k).
        """
        by_group = np.zeros((self.weights.shape[1], counts.shape[1]), dtype=np.float32)
        np.add.at(by_group, self.group, counts)
        return self.weights @ by_group

    def mean(self, values: np.ndarray) -> Figure:
        """Mean over sentences; shape (n,)."""
        total, many = self.sums(np.stack([values, np.ones(len(values))], axis=1)).T
        return Figure.of(ratio(total, many))

    def rankings(self, true: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Average precision, as scikit-learn defines it; labels together where there are several columns.

        Args:
            true: 0/1, shape (n,) or (n, k).
            probabilities: same shape.

        Returns:
            Shape (1 + RANKINGS,): as measured and for each resample.
        """
        columns = 1 if true.ndim == 1 else true.shape[1]
        order = np.argsort(-probabilities.ravel(), kind="stable")
        ranked, hit, article = probabilities.ravel()[order], true.ravel()[order].astype(bool), np.repeat(self.group, columns)[order]
        ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # sentences that are as likely are ranked together
        values = []
        for weights in self.weights[: 1 + RANKINGS]:
            weight = weights[article].astype(np.float64)
            found, said = np.cumsum(weight * hit)[ends], np.cumsum(weight)[ends]
            values.append(np.sum(np.diff(found, prepend=0.0) * ratio(found, said, 0.0)) / found[-1] if found[-1] else np.nan)
        return np.array(values)

    def figure(self, counts: np.ndarray, of: Callable[[np.ndarray], np.ndarray]) -> Figure:
        """Any figure of summed counts; `of` takes them with a first axis for the resamples."""
        return Figure.of(of(self.sums(counts)))


def ratio(part: np.ndarray, whole: np.ndarray, empty: float = np.nan) -> np.ndarray:
    """`part / whole`, and `empty` where there is no whole."""
    return np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, empty), where=whole > 0)
