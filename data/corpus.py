"""Labelled sentences: JSONL rows checked against the codebook, as a typed `datasets.Dataset`.

A wrong row stops the reading: a model trained on half-read labels would be wrong in silence. Every wrong row is named.
Articles to be labelled are read by `data.article`, which is lenient.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data import article, text
from data.codebook import SIDES, Codebook, Task

if TYPE_CHECKING:
    from datasets import Dataset, Features

SHIPPED = Path(__file__).with_name("corpus")
SHOWN = 20  # how many wrong rows an error names


class CorpusError(ValueError):
    """Labelled rows that cannot be used; the message names file, row and field."""


def files(paths: Iterable[Path | str] = ()) -> list[Path]:
    """The given JSONL files (folders: those in them), or the shipped corpus where none is given.

    Raises:
        CorpusError: a path does not exist, or a folder holds no JSONL.
    """
    found: list[Path] = []
    for path in map(Path, list(paths) or [SHIPPED]):
        inside = sorted(path.glob("*.jsonl")) if path.is_dir() else [path] if path.is_file() else []
        if not inside:
            raise CorpusError(f"{path}: expected a .jsonl file or a folder of them, found {'none' if path.exists() else 'nothing'}")
        found += inside
    return found


def features() -> Features:
    """The columns of a labelled sentence."""
    from datasets import Features, List, Value

    word = Value("string")
    return Features(
        {
            "id": word,
            "article": word,
            "lang": word,
            "text": word,
            "topics": List(word),
            "stances": List({"claim": word, "stance": word}),
            "source": word,
        }
    )


def load(paths: Iterable[Path | str], codebook: Codebook) -> Dataset:
    """Read labelled sentences.

    Rows without `article` stand for themselves; rows without `lang` have it detected.

    Raises:
        CorpusError: an unreadable line, a missing text, a label that the codebook lacks, a claim with both stances, an id
            given twice, or no row at all.
    """
    from datasets import Dataset

    checked: list[dict[str, Any]] = []
    wrong: list[str] = []
    seen: dict[str, str] = {}
    for path in files(paths):
        for source, row in article.rows(path):
            if isinstance(row, article.Fault):
                wrong.append(f"  {source}: {row.reason}")
                continue
            problems = _problems(row, codebook)
            name = str(row.get("id", source))
            if seen.setdefault(name, source) != source:
                problems.append(f"field 'id': expected each id once, found {name!r} also in {seen[name]}")
            if problems:
                wrong += [f"  {source}: {problem}" for problem in problems]
            else:
                checked.append(_row(row, name, path, codebook))
    if wrong:
        more = [f"  ... and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        raise CorpusError("\n".join(["labelled sentences that cannot be used:", *wrong[:SHOWN], *more]))
    if not checked:
        raise CorpusError(f"expected labelled sentences, found none in {', '.join(map(str, paths)) or SHIPPED}")
    return Dataset.from_list(checked, features=features())


def _problems(row: dict[str, Any], codebook: Codebook) -> list[str]:
    found = []
    if not isinstance(row.get("text"), str) or not row["text"].strip():
        found.append(f"field 'text': expected a sentence, found {row.get('text')!r:.60}")
    # A codebook without topics (or claims) says nothing of them: rows may carry those of another.
    topics = row.get("topics", []) if codebook.topics else []
    stances = row.get("stances", []) if codebook.claims else []
    known = codebook.labels(Task.topics)
    if not isinstance(topics, list):
        found.append(f"field 'topics': expected a list of topic ids, found {topics!r:.60}")
    else:
        found += [f"field 'topics': {t!r} is not a topic of {codebook.reference}" for t in topics if t not in known]
    if not isinstance(stances, list) or not all(isinstance(stance, dict) for stance in stances):
        return [*found, f"field 'stances': expected a list of {{claim, stance}}, found {stances!r:.60}"]
    claims = [claim.id for claim in codebook.claims]
    for stance in stances:
        claim, side = stance.get("claim"), stance.get("stance")
        if claim not in claims:
            found.append(f"field 'stances': {claim!r} is not a claim of {codebook.reference}")
        if side not in SIDES:
            found.append(f"field 'stances': expected support or oppose for {claim!r}, found {side!r}")
    named = [str(stance.get("claim")) for stance in stances]
    found += [f"field 'stances': {c!r} stands more than once; a sentence has one stance on a claim" for c in {*named} if named.count(c) > 1]
    return found


def _row(row: dict[str, Any], name: str, path: Path, codebook: Codebook) -> dict[str, Any]:
    return {
        "id": name,
        "article": str(row.get("article") or name),
        "lang": str(row.get("lang") or text.detect_language(row["text"], codebook.languages)),
        "text": row["text"],
        "topics": list(dict.fromkeys(row.get("topics", []))) if codebook.topics else [],
        "stances": [{"claim": s["claim"], "stance": s["stance"]} for s in row.get("stances", [])] if codebook.claims else [],
        "source": str(row.get("source") or path.stem),
    }


def targets(dataset: Dataset, task: Task, codebook: Codebook) -> np.ndarray:
    """Labels as a 0/1 matrix of shape (n_sentences, n_labels), columns in codebook order."""
    labels = codebook.labels(task)
    column = {label: i for i, label in enumerate(labels)}
    matrix = np.zeros((len(dataset), len(labels)), dtype=np.int8)
    for i, row in enumerate(dataset):
        names = row["topics"] if task is Task.topics else [f"{s['claim']}/{s['stance']}" for s in row["stances"]]
        matrix[i, [column[name] for name in names]] = 1
    return matrix


def digest(dataset: Dataset) -> str:
    """SHA-256 (hex) of texts and labels, whatever the order of rows and the files that they came from."""
    rows = sorted(json.dumps([r["text"], r["lang"], sorted(r["topics"]), r["stances"]], ensure_ascii=False) for r in dataset)
    return hashlib.sha256("\n".join(rows).encode("utf-8")).hexdigest()
