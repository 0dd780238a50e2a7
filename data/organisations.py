"""Organisations of states, and how sentences name them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

PATH = Path(__file__).with_name("organisations.yaml")


class Organisation(BaseModel):
    """An organisation with its spellings by language, each of the kind that `data.codebook.expression` takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    name: str
    spellings: dict[str, tuple[str, ...]]


def load(path: Path = PATH) -> Sequence[Organisation]:
    """The organisations, in the order of the file.

    >>> [organisation.id for organisation in load()][:3]
    ['sco', 'csto', 'asean']
    """
    return TypeAdapter(tuple[Organisation, ...]).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))


def by_spelling(organisations: Sequence[Organisation], language: str) -> dict[str, str]:
    """Ids by the spellings of a language, in small letters.

    >>> by_spelling(load(), "id")["pbb"]
    'un'
    """
    return {word.lower(): one.id for one in organisations for word in one.spellings.get(language, ())}
