"""Labelled sentences: rows checked against the codebook, as a typed `datasets.Dataset`.

A wrong row stops the reading: a model trained on half-read labels would be wrong in silence. Every wrong row is named.
Articles to be labelled are read by `data.reading`, which is lenient.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data import text
from data.article import Fault
from data.codebook import SIDES, Codebook, Task
from data.rows import rows

if TYPE_CHECKING:
    from datasets import Dataset, Features

FOLDER = Path(__file__).with_name("corpus")
SHIPPED = FOLDER / "train"
TEST = FOLDER / "test"  # frozen; no training may see it
BUILDERS = {".parquet": "parquet", ".csv": "csv", ".json": "json", ".arrow": "arrow"}  # files besides JSONL, by suffix
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
        if isinstance(row, Fault):
            wrong.append(f"  {place}: {row.reason}")
            continue
        found = problems(row, codebook)
        name = place if row.get("id") in (None, "") else str(row["id"])
        if name in seen:
            found.append(f"field 'id': expected each id once, found {name!r} also in {seen[name]}")
        seen[name] = place
        if found:
            wrong += [f"  {place}: {problem}" for problem in found]
        else:
            checked.append(_row(row, name, origin, codebook))
    if wrong:
        more = [f"  ... and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        raise CorpusError("\n".join(["labelled sentences that cannot be used:", *wrong[:SHOWN], *more]))
    if not checked:
        raise CorpusError(f"expected labelled sentences, found none in {', '.join(map(str, sources))}")
    return Dataset.from_list(checked, features=features())


def sample_texts(most: int | None = None) -> list[str]:
    """Sentences of the shipped corpus, all or `most` of them from all over it, for those who need text and no labels."""
    texts = [str(row["text"]) for _, row, _ in _rows(SHIPPED) if not isinstance(row, Fault)]
    return texts[:: max(1, len(texts) // most)] if most else texts


def _rows(source: Path | str) -> Iterator[tuple[str, dict[str, Any] | Fault, str]]:
    """Rows of one source, each with its place (for errors) and the name of what it came from."""
    path = Path(source)
    files = [path] if path.suffix == ".jsonl" and path.is_file() else sorted(path.glob("*.jsonl")) if path.is_dir() else []
    for file in files:
        yield from ((place, row, file.stem) for place, row in rows(file))
    if not files:
        for number, row in enumerate(_loaded(source)):
            yield f"{source}, row {number}", row, path.stem


def _loaded(source: Path | str) -> Dataset:
    """What `datasets` makes of a saved dataset, a file of its other formats, a folder or a name on a hub (`owner/name`)."""
    from datasets import load_dataset, load_from_disk
    from datasets.exceptions import DatasetsError

    path = Path(source)
    # Local data is read anew: the cache of `datasets` knows a folder with a card by its file names alone, not by what is in them.
    again = {"download_mode": "force_redownload", "split": "train"}
    try:
        if (path / "state.json").exists():
            return load_from_disk(str(path))
        if path.is_file():
            if path.suffix not in BUILDERS:
                raise ValueError(f"a file of another kind, not one of .jsonl, {', '.join(BUILDERS)}")
            return load_dataset(BUILDERS[path.suffix], data_files=str(path), **again)
        if path.is_dir():
            return load_dataset(str(source), **again)
        if not re.fullmatch(r"[\w-]+/[\w.-]+", str(source)) or path.suffix in {".jsonl", *BUILDERS}:
            raise ValueError("no such file")
        return load_dataset(str(source), split="train")
    except (ValueError, OSError, DatasetsError) as error:
        reason = str(error.__cause__ or error).strip() or type(error).__name__
        raise CorpusError(f"{source}: expected JSONL, or a dataset that `datasets` loads, found {reason.splitlines()[0]}") from error


def frozen(dataset: Dataset) -> list[str]:
    """Ids of the rows whose sentence is one of the test split."""
    tests = {text.normalise(row["text"]) for path in sorted(TEST.glob("*.jsonl")) for _, row in rows(path) if isinstance(row, dict)}
    return [row["id"] for row in dataset if text.normalise(row["text"]) in tests]


def refuse_test(dataset: Dataset) -> None:
    """Raise CorpusError if sentences of the frozen test split are about to be trained on."""
    found = frozen(dataset)
    if found:
        raise CorpusError(f"expected no sentence of the test split ({TEST}), found {len(found):,}: {', '.join(found[:SHOWN])}")


def problems(row: Mapping[str, Any], codebook: Codebook) -> list[str]:
    """What is wrong with a labelled row, in words."""
    found = []
    if row.get("topics") is None and row.get("stances") is None:
        found.append("expected labels in `topics` or `stances` ([] for none), found neither field")
    if row.get("lang") and row["lang"] not in codebook.languages:
        found.append(f"field 'lang': expected one of {', '.join(codebook.languages)}, found {row['lang']!r:.60}")
    if not isinstance(row.get("text"), str) or not row["text"].strip():
        found.append(f"field 'text': expected a sentence, found {row.get('text')!r:.60}")
    # A codebook without topics (or claims) says nothing of them: rows may carry those of another.
    topics = row.get("topics") or [] if codebook.topics else []
    stances = row.get("stances") or [] if codebook.claims else []
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
        "topics": list(dict.fromkeys(row.get("topics") or [])) if codebook.topics else [],
        "stances": [{"claim": s["claim"], "stance": s["stance"]} for s in row.get("stances") or []] if codebook.claims else [],
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
    """SHA-256 (hex) of texts, articles and labels, whatever the order of rows and labels and the files that they came from."""

    def content(row: Mapping[str, Any]) -> str:
        stances = sorted(f"{stance['claim']}/{stance['stance']}" for stance in row["stances"])
        return json.dumps([row["text"], row["article"], row["lang"], sorted(row["topics"]), stances], ensure_ascii=False)

    return hashlib.sha256("\n".join(sorted(map(content, dataset))).encode("utf-8")).hexdigest()
