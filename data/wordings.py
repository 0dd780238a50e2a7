"""Wordings of claims: other words for the same, for the contrary, and for something near that is another matter.

A model that reads claims learns from them that the words of a statement may change while its sense stays, and the other way
round. `bank/wordings.yaml` has them for the codebook's claims, `bank/claims.yaml` for the further claims of the claim bank.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

BANK = Path(__file__).with_name("bank")
OF_CODEBOOK = BANK / "wordings.yaml"
OF_BANK = BANK / "claims.yaml"

ByLanguage = dict[str, tuple[str, ...]]


class Wordings(BaseModel):
    """One claim in many words; every list by language.

    Attributes:
        statement: the claim as it is put first; a claim of the codebook has it there.
        wordings: the same claim in other words.
        negated: its exact contrary.
        elsewhere: claims near in words, on which a sentence about this claim takes no side.
        area: what the claim is about, roughly.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    area: str = ""
    statement: dict[str, str] = {}
    wordings: ByLanguage = {}
    negated: ByLanguage = {}
    elsewhere: ByLanguage = {}


@cache
def load(path: Path) -> dict[str, Wordings]:
    """The claims of a file by id.

    >>> len(load(OF_CODEBOOK)["dialogue"].wordings["en"])
    14
    """
    entries = [Wordings.model_validate(entry) for entry in yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)]
    return {entry.id: entry for entry in entries}


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, where it is there, is ten times as fast
