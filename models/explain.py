"""Explanations: which words carried a decision, by leaving out one at a time (occlusion: Zeiler and Fergus 2014,
https://arxiv.org/abs/1311.2901). It asks the model nothing but probabilities, so it explains every family alike; of a linear model
it is what the coefficients of a word, its pairs and its pieces come to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.decision import NO, WORDS
from models.labels import probabilities
from models.logistic import logit
from models.store import Stored

EDGE = 1e-6


@dataclass(frozen=True)
class Word:
    """A word, and how much of a label's log-odds go with it.

    Attributes:
        start, end: where it stands in the sentence.
        weight: log-odds with it less log-odds without it; above 0 it speaks for the label.
        without: the label's probability without it.
    """

    text: str
    start: int
    end: int
    weight: float
    without: float


@dataclass(frozen=True)
class Explanation:
    """A label of a sentence, with all words of the sentence in order."""

    label: str
    probability: float
    decision: Literal["no", "review", "yes"]
    words: list[Word]


def explain(stored: Stored, sentence: str, label: str | None = None) -> list[Explanation]:
    """Explain a label, or all labels that are not decided no, the likeliest first.

    Args:
        sentence: as it is written.

    Raises:
        ValueError: a label that the model does not have.
    """
    if label and label not in stored.labels:
        raise ValueError(f"expected a label of {stored.reference}, found {label!r}")
    (chances,) = probabilities([stored], [sentence])
    decided = stored.decision.decide(chances)[0]
    named = [label] if label else [stored.labels[i] for i in np.flatnonzero(decided != NO)]
    if not named:
        return []
    spans = [match.span() for match in re.finditer(r"[\w'’-]+", sentence)]
    left = _only(stored, named)
    (without,) = probabilities([left], [sentence[:start] + sentence[end:] for start, end in spans])
    found = []
    for name in named:
        column, here = stored.labels.index(name), left.labels.index(name)
        chance = float(chances[0, column])
        words = [
            Word(sentence[start:end], start, end, float(_odds(chance) - _odds(other)), float(other))
            for (start, end), other in zip(spans, without[:, here], strict=True)
        ]
        found.append(Explanation(name, chance, WORDS[decided[column]], words))
    return sorted(found, key=lambda explanation: -explanation.probability)


def _only(stored: Stored, labels: list[str]) -> Stored:
    """The same model, where that saves time, asked for the claims of these labels alone: one that reads reads each anew."""
    if not stored.reads_claims:
        return stored
    return stored.about(stored.codebook.only({label.split("/")[0] for label in labels}))


def _odds(chance: float) -> float:
    return float(logit(np.clip(chance, EDGE, 1 - EDGE)))
