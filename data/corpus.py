"""Labelled sentences: rows checked against the codebook, as a typed `datasets.Dataset`.

A wrong row stops the reading: a model trained on half-read labels would be wrong in silence. Every wrong row is named.
Articles to be labelled are read by `data.article`, which is lenient.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data import article, text
from data.codebook import SIDES, Codebook, Task

if TYPE_CHECKING:
    from datasets import Dataset, Features

FOLDER = Path(__file__).with_name("corpus")
SHIPPED = FOLDER / "train"
TEST = FOLDER / "test"  # frozen; no training may see it
SHOWN = 20  # how many wrong rows an error names


class CorpusError(ValueError):
    """Labelled rows that cannot be used; the message names file, row and field."""


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


def load(sources: Iterable[Path | str], codebook: Codebook) -> Dataset:
    """Read labelled sentences.

    Rows without `article` stand for themselves; rows without `lang` have it detected.

    Args:
        sources: JSONL files, folders of them, or whatever else `datasets` loads with the same columns (its split `train`);
            none means the shipped corpus.

    Raises:
        CorpusError: an unreadable source or line, a missing text, a label that the codebook lacks, a claim with both
            stances, an id given twice, or no row at all.
    """
    from datasets import Dataset

    checked: list[dict[str, Any]] = []
    wrong: list[str] = []
    seen: dict[str, str] = {}
    sources = list(sources) or [SHIPPED]
    for place, row, origin in (found for source in sources for found in _rows(source)):
        if isinstance(row, article.Fault):
            wrong.append(f"  {place}: {row.reason}")
            continue
        problems = _problems(row, codebook)
        name = str(row.get("id", place))
        if seen.setdefault(name, place) != place:
            problems.append(f"field 'id': expected each id once, found {name!r} also in {seen[name]}")
        if problems:
            wrong += [f"  {place}: {problem}" for problem in problems]
        else:
            checked.append(_row(row, name, origin, codebook))
    if wrong:
        more = [f"  ... and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        raise CorpusError("\n".join(["labelled sentences that cannot be used:", *wrong[:SHOWN], *more]))
    if not checked:
        raise CorpusError(f"expected labelled sentences, found none in {', '.join(map(str, sources))}")
    return Dataset.from_list(checked, features=features())


def _rows(source: Path | str) -> Iterator[tuple[str, dict[str, Any] | article.Fault, str]]:
    """Rows of one source, each with its place (for errors) and the name of what it came from."""
    path = Path(source)
    files = [path] if path.suffix == ".jsonl" and path.is_file() else sorted(path.glob("*.jsonl")) if path.is_dir() else []
    for file in files:
        yield from ((place, row, file.stem) for place, row in article.rows(file))
    if not files:
        for number, row in enumerate(_loaded(source)):
            yield f"{source}, row {number}", row, path.stem


def _loaded(source: Path | str) -> Dataset:
    """What `datasets` makes of a saved dataset, a file of its other formats, a folder or a name."""
    from datasets import load_dataset, load_from_disk

    path = Path(source)
    try:
        if (path / "state.json").exists():
            return load_from_disk(str(path))
        # Local data is read anew: the cache of `datasets` knows a folder with a card by its file names alone, not by what is in them.
        again = {"download_mode": "force_redownload"} if path.exists() else {}
        if path.is_file():
            return load_dataset(path.suffix.lstrip(".").replace("pq", "parquet"), data_files=str(path), split="train", **again)
        return load_dataset(str(source), split="train", **again)
    except (ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise CorpusError(f"{source}: expected JSONL, or a dataset that `datasets` loads, found neither ({reason})") from error


def refuse_test(dataset: Dataset) -> None:
    """Raise CorpusError if sentences of the frozen test split are about to be trained on."""
    frozen = {row.get("text") for path in sorted(TEST.glob("*.jsonl")) for _, row in article.rows(path) if isinstance(row, dict)}
    found = [row["id"] for row in dataset if row["text"] in frozen]
    if found:
        raise CorpusError(f"expected no sentence of the test split, found {len(found):,} ({found[0]}, ...): leave {TEST} out")


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


def _row(row: dict[str, Any], name: str, origin: str, codebook: Codebook) -> dict[str, Any]:
    return {
        "id": name,
        "article": str(row.get("article") or name),
        "lang": str(row.get("lang") or text.detect_language(row["text"], codebook.languages)),
        "text": row["text"],
        "topics": list(dict.fromkeys(row.get("topics", []))) if codebook.topics else [],
        "stances": [{"claim": s["claim"], "stance": s["stance"]} for s in row.get("stances", [])] if codebook.claims else [],
        "source": str(row.get("source") or origin),
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
