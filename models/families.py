"""The model families by name."""

from __future__ import annotations

from models.base import Model
from models.baseline import Baseline
from models.embedding import SHIPPED, SentenceEncoder
from models.encoder import Encoder
from models.linear import Linear

FAMILIES: dict[str, type[Model]] = {family.family: family for family in (Baseline, Linear, Encoder)}
DEFAULT = Encoder.family


def create(family: str, encoder: str = SHIPPED, C: float = 4.0, seed: int = 0) -> Model:
    """A model that has learned nothing yet.

    Raises:
        ValueError: no such family.
    """
    if family == Encoder.family:
        return Encoder(SentenceEncoder.named(encoder), C, seed)
    if family == Linear.family:
        return Linear(C, seed)
    if family == Baseline.family:
        return Baseline()
    raise ValueError(f"expected a family of {', '.join(FAMILIES)}, found {family!r}")
