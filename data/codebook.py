"""The codebook: the ordered, versioned list of topics and claims that gives every model its labels.

The label set is always taken from here, never inferred from data. This module does not hold labelled sentences
(`data.corpus` does) and knows nothing of models.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container, Iterable
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

DEFAULT_PATH = Path(__file__).with_name("codebook.yaml")
SIDES = ("support", "oppose")


class Task(StrEnum):
    """What a model predicts: the topics of a sentence, or its stances toward claims."""

    topics = "topics"
    stance = "stance"


class CodebookError(ValueError):
    """The codebook cannot be used; the message names the file, the entry and what was expected."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Keyworded(_Entry):
    """What `keywords`, by language, often go with."""

    keywords: dict[str, tuple[str, ...]] = {}

    def has_keyword(self, sentence: str, language: str) -> bool:
        """Whether a keyword of the language stands in the sentence (`expression`)."""
        words = self.keywords.get(language)
        return bool(words and _pattern(words).search(sentence))


def expression(words: Iterable[str]) -> str:
    """A regular expression that finds any of the words, as whole words: `extremis*` goes on as it likes, `HAM` is not `ham`."""

    def alternative(word: str) -> str:
        stem, end = (word[:-1], "") if word.endswith("*") else (word, r"\b")
        return rf"\b(?{'i' if word == word.lower() else ''}:{re.escape(stem)}){end}"

    return "|".join(map(alternative, words))


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(expression(words))


class Side(_Keyworded):
    """One side of a claim: the tag that users see, and a note for annotators."""

    tag: str = Field(min_length=1)
    note: str = ""


class Topic(_Keyworded):
    """What a sentence can be about."""

    id: str = Field(min_length=1, pattern=r"^\S+$")
    name: dict[str, str] = {}
    definition: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class Claim(_Entry):
    """A proposition about a target, which a sentence supports, opposes or leaves alone."""

    id: str = Field(min_length=1, pattern=r"^[^\s/]+$")
    statement: dict[str, str]
    support: Side
    oppose: Side


class Codebook(_Entry):
    """Topics and claims in label order.

    >>> book = load()
    >>> book.labels(Task.topics)[0], book.labels(Task.stance)[1], book.tag("military-bloc", "oppose")
    ('terrorism', 'military-bloc/oppose', 'not a military bloc')
    """

    name: str = Field(min_length=1)
    version: int = Field(default=1, ge=1)
    languages: tuple[str, ...] = Field(default=("id", "en"), min_length=1)
    topics: tuple[Topic, ...] = ()
    claims: tuple[Claim, ...] = ()

    @field_validator("topics", "claims")
    @classmethod
    def _ids_are_unique(cls, entries: tuple[Any, ...]) -> tuple[Any, ...]:
        ids = [entry.id for entry in entries]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"expected every id once, found more than once: {', '.join(twice)}")
        return entries

    def labels(self, task: Task) -> list[str]:
        """Label names of a task, in codebook order: topic ids, or `claim/side` with both sides of a claim adjacent."""
        if task is Task.topics:
            return [topic.id for topic in self.topics]
        return [f"{claim.id}/{side}" for claim in self.claims for side in SIDES]

    @property
    def columns(self) -> list[tuple[Claim, list[int]]]:
        """Each claim with the numbers of its labels among those of the task stance."""
        return [(claim, list(range(len(SIDES) * i, len(SIDES) * (i + 1)))) for i, claim in enumerate(self.claims)]

    def only(self, claims: Container[str]) -> Codebook:
        """The same codebook with some of its claims, and without topics."""
        return self.model_copy(update={"topics": (), "claims": tuple(claim for claim in self.claims if claim.id in claims)})

    def tag(self, claim: str, side: str) -> str:
        """The tag shown for a stance. Raises KeyError for an unknown claim."""
        for entry in self.claims:
            if entry.id == claim:
                return (entry.support if side == "support" else entry.oppose).tag
        raise KeyError(claim)

    @property
    def digest(self) -> str:
        """SHA-256 (hex, 64 characters) of the content, whatever the YAML's layout."""
        content = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(content.encode("utf-8")).hexdigest()

    @property
    def reference(self) -> str:
        """Name, version and short digest, as written into predictions: `regional-security/1@0123abcd`."""
        return f"{self.name}/{self.version}@{self.digest[:8]}"


def load(path: Path | str = DEFAULT_PATH) -> Codebook:
    """Read and validate a codebook.

    Raises:
        CodebookError: no such file, not YAML, or an entry that is wrong; every wrong entry is named.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CodebookError(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CodebookError(f"{path}: expected YAML in UTF-8: {error}") from error
    if not isinstance(content, dict):
        raise CodebookError(f"{path}: expected a mapping with name, topics and claims, found {type(content).__name__}")
    try:
        return Codebook.model_validate(content)
    except ValidationError as error:
        wrong = [f"  {_where(content, problem['loc'])}: {problem['msg']}" for problem in error.errors()]
        raise CodebookError("\n".join([f"{path}: not a valid codebook:", *wrong])) from error


def save(codebook: Codebook, path: Path) -> None:
    """Write a codebook so that `load` reads the same one."""
    path.write_text(yaml.safe_dump(codebook.model_dump(mode="json"), allow_unicode=True, sort_keys=False), encoding="utf-8")


def _where(content: dict[str, Any], location: tuple[int | str, ...]) -> str:
    """`claims[3] (enlargement).support.tag` for the location ("claims", 3, "support", "tag")."""
    words = ""
    node: Any = content
    for step in location:
        node = node[step] if _has(node, step) else None
        words += f"[{step}]" if isinstance(step, int) else f".{step}" if words else str(step)
        if isinstance(step, int) and isinstance(node, dict) and "id" in node:
            words += f" ({node['id']})"
    return words or "codebook"


def _has(node: Any, step: int | str) -> bool:
    return (isinstance(node, dict) and step in node) or (isinstance(node, list) and isinstance(step, int) and step < len(node))
