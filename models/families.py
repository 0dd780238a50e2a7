"""The model families by name. Their code is imported when a family is used: labelling with one waits for no library of another."""

from __future__ import annotations

from typing import Any

from models.base import Model
from models.embedding import SHIPPED, SentenceEncoder

FAMILIES = ("baseline", "linear", "encoder")
DEFAULT = "encoder"


def family(name: str) -> type[Model]:
    """The class of a family.

    Raises:
        ValueError: no such family.
    """
    if name == "baseline":
        from models.baseline import Baseline

        return Baseline
    if name == "linear":
        from models.linear import Linear

        return Linear
    if name == "encoder":
        from models.encoder import Encoder

        return Encoder
    raise ValueError(f"expected a family of {', '.join(FAMILIES)}, found {name!r}")


def create(name: str, encoder: str = SHIPPED, **settings: float) -> Model:
    """A model that has learned nothing yet; `settings` are those of `models.linear.Linear`."""
    kind: Any = family(name)
    if name == "encoder":
        return kind(SentenceEncoder.named(encoder), **settings)
    return kind() if name == "baseline" else kind(**settings)
