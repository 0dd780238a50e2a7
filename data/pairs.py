"""Pairs: a text, a target in words, and the stance that the text takes on it, with no codebook between them.

Stance benchmarks have such rows (`text`, `target`, `stance`), and so has the claim bank; natural-language inference has them
under other names (`premise`, `hypothesis`, `label`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from data.article import Fault
from data.codebook import SIDES
from data.corpus import SHOWN, CorpusError
from data.rows import rows
from data.text import normalise
from data.wordings import BANK

STANCES = (*SIDES, "none")
BEHAVIOUR = BANK.with_name("behaviour.jsonl")
SHIPPED = (BANK / "train.jsonl", BANK / "minimal.jsonl")
TEST = BANK / "test.jsonl"  # claims that no training sees
FIELDS = (("text", "target", "stance"), ("premise", "hypothesis", "label"))
INFERENCE = {"entailment": "support", "contradiction": "oppose", "neutral": "none"}


@dataclass(frozen=True)
class Pair:
    """One row; `stance` is one of support, oppose, none."""

    text: str
    target: str
    stance: str


def holds(source: Path | str) -> bool:
    """Whether a JSONL file holds pairs: its first row has their fields."""
    path = Path(source)
    if path.suffix != ".jsonl" or not path.is_file():
        return False
    _, row = next(rows(path), ("", {}))
    return isinstance(row, dict) and any(set(fields) <= row.keys() for fields in FIELDS)


def load(sources: Iterable[Path | str]) -> list[Pair]:
    """Read pairs from JSONL files.

    >>> load(SHIPPED)[0].stance in STANCES
    True

    Raises:
        CorpusError: a row that has not the fields, or a stance that is none of the three; every wrong row is named.
    """
    found: list[Pair] = []
    wrong: list[str] = []
    for place, row in (row for source in sources for row in rows(Path(source))):
        pair = row if isinstance(row, Fault) else _pair(row)
        if isinstance(pair, Pair):
            found.append(pair)
        else:
            wrong.append(f"  {place}: {pair.reason if isinstance(pair, Fault) else pair}")
    if wrong:
        more = [f"  ... and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        raise CorpusError("\n".join(["pairs that cannot be used:", *wrong[:SHOWN], *more]))
    return found


def refuse_test(pairs: Sequence[Pair]) -> None:
    """Raise CorpusError if rows of the claim bank's test are about to be trained on."""
    found = {normalise(pair.text) for pair in pairs} & {normalise(pair.text) for pair in load([TEST])}
    if found:
        raise CorpusError(f"expected no sentence of the claim bank's test ({TEST}), found {len(found):,}, the first {min(found)!r:.80}")


def split(sources: Iterable[Path | str]) -> tuple[list[Path | str], list[Path | str]]:
    """Sources of labelled sentences (`data.corpus`), and sources of pairs."""
    sources = list(sources)
    return [source for source in sources if not holds(source)], [source for source in sources if holds(source)]


def digest(pairs: Sequence[Pair]) -> str:
    """SHA-256 (hex) of the rows, whatever their order."""
    lines = sorted(json.dumps(astuple(pair), ensure_ascii=False) for pair in pairs)
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()


def _pair(row: dict[str, Any]) -> Pair | str:
    """The pair of a row, or what is wrong with it."""
    names = next((fields for fields in FIELDS if set(fields) <= row.keys()), None)
    if not names:
        return f"expected the fields {' or '.join(', '.join(fields) for fields in FIELDS)}, found {', '.join(row) or 'none'}"
    text, target, stance = (row[name] for name in names)
    for name, value in zip(names, (text, target), strict=False):
        if not isinstance(value, str) or not value.strip():
            return f"field {name!r}: expected a text, found {value!r:.60}"
    stance = INFERENCE.get(stance, stance) if isinstance(stance, str) else stance
    if stance not in STANCES:
        return f"field {names[2]!r}: expected one of {', '.join((*STANCES, *INFERENCE))}, found {stance!r:.60}"
    return Pair(text, target, stance)
