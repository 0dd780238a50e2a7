"""Correction: from how often a model says a label to how often it is there, with what is not known about it.

A model with false alarms and misses counts wrong, and the more so the rarer a label is (Forman 2008, "Quantifying counts and costs via
classification", https://doi.org/10.1007/s10618-008-0097-y). With its sensitivity and specificity the share that it says can be turned
into the share that is there (Rogan and Gladen 1978, https://doi.org/10.1093/oxfordjournals.aje.a112510). Both were measured on few
sentences, and that belongs into the interval (Lang and Reiczigel 2014, https://doi.org/10.1016/j.prevetmed.2013.09.015): here all
three shares are drawn from their posteriors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

DRAWS = 2000
PRIOR = 0.5  # of Jeffreys, on each side
TELLS = 0.1  # sensitivity + specificity - 1 has to be surely above: a model below it tells a label hardly better than a coin
WIDE = 1.0  # an interval as wide as the figure itself says little


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, draws: np.ndarray) -> Self:
        """The median of draws and what lies between the outer fortieths."""
        low, value, high = np.quantile(draws, [0.025, 0.5, 0.975])
        return cls(float(value), float(low), float(high))

    @property
    def wide(self) -> bool:
        """Whether it says little about how many there are."""
        return self.high - self.low > WIDE * max(self.value, 1.0)


class Errors:
    """How well a model tells one label: draws of its sensitivity and specificity."""

    def __init__(self, confusion: Sequence[int], random: np.random.Generator) -> None:
        """From numbers of true positives, false positives, false negatives and true negatives, on sentences that it had not seen."""
        right, alarms, missed, rest = confusion
        self.specificity = random.beta(rest + PRIOR, alarms + PRIOR, DRAWS)
        self.informedness = random.beta(right + PRIOR, missed + PRIOR, DRAWS) + self.specificity - 1
        self.tells = bool(np.quantile(self.informedness, 0.025) > TELLS)

    def shares(self, said: int, of: int, random: np.random.Generator) -> np.ndarray:
        """Draws of the share that has the label, where the model said so of `said` sentences among `of`; shape (DRAWS,), 0 to 1."""
        observed = random.beta(said + PRIOR, of - said + PRIOR, DRAWS)
        return np.clip((observed + self.specificity - 1) / np.maximum(self.informedness, TELLS / 10), 0, 1)


def counts(parts: Iterable[tuple[int, int, Errors]], random: np.random.Generator) -> np.ndarray:
    """Draws of how many sentences have a label, shape (DRAWS,).

    Args:
        parts: of each model that labelled some of the sentences: of how many it said so, how many it read, its errors.
    """
    total = np.zeros(DRAWS)
    for said, of, errors in parts:
        total += of * errors.shares(said, of, random)
    return total


def contested(support: float, oppose: float) -> float | None:
    """How evenly two sides share a claim, from 0 (one side alone) to 1; None where neither is there.

    >>> contested(30, 10), contested(0, 0)
    (0.5, None)
    """
    return 2 * min(support, oppose) / (support + oppose) if support + oppose > 0 else None
