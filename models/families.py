"""The model families by name. Their code is imported when a family is used: labelling with one waits for no library of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data.codebook import Claim
from models.base import Model
from models.embedding import SentenceEncoder
from models.heads import RIDGE, C
from models.pretrained import SHIPPED

FAMILIES = ("baseline", "linear", "encoder", "finetuned", "pair")
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
    if name == "finetuned":
        from models.finetuned import FineTuned

        return FineTuned
    if name == "pair":
        from models.pair import PairModel

        return PairModel
    raise ValueError(f"expected a family of {', '.join(FAMILIES)}, found {name!r}")


def create(name: str, encoder: str = SHIPPED, C: float = C, seed: int = 0, claims: Sequence[Claim] = (), ridge: float = RIDGE) -> Model:
    """A model that has learned nothing yet, with the settings that its family takes.

    Args:
        claims: for the family that reads them.
    """
    kind: Any = family(name)
    if name == "baseline":
        return kind(seed)
    if name == "encoder":
        return kind(SentenceEncoder.named(encoder), C, seed, ridge)
    if name == "pair":
        return kind(claims, base=encoder, seed=seed)
    return kind(encoder, C=C, seed=seed) if name == "finetuned" else kind(C, seed)
