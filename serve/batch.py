"""Batch-labelling: inputs to one output file that appears whole, with what could not be read set aside and counted."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from data import article
from data.article import Fault, Sentence, Unreadable
from data.files import aside, refuse_inputs
from serve.predictor import Predictor, Record

BATCH = 1024  # sentences that are labelled together, and among which one that stands twice is read once


class Format(StrEnum):
    """How the output is written."""

    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"


@dataclass
class Summary:
    """What a batch did."""

    articles: int = 0
    sentences: int = 0
    faults: list[Fault] = field(default_factory=list)


def label_files(
    inputs: Sequence[Path | str],
    out: Path,
    predictor: Predictor,
    form: Format = Format.jsonl,
    as_sentences: bool = False,
    everything: bool = False,
    progress: Callable[[Summary], None] = lambda _: None,
) -> Summary:
    """Label articles (or, `as_sentences`, rows that are sentences already) into one file.

    The file appears when all is written, and only if there is a sentence in it; until then an earlier one of its name stays as it was.

    Raises:
        ValueError: `out` is a folder or one of the inputs.

    Args:
        everything: write every label with its probability, decided `no` included.
        progress: called after each batch.
    """
    refuse_inputs(out, inputs)
    summary = Summary()
    found = _sentences(inputs, out, predictor, as_sentences, summary)
    with _writer(out, form, predictor, everything, summary) as write:
        for batch in _batches(found):
            write(predictor.label_sentences(batch, everything))
            summary.sentences += len(batch)
            progress(summary)
    return summary


def _sentences(inputs: Iterable[Path | str], out: Path, predictor: Predictor, as_sentences: bool, summary: Summary) -> Iterator[Sentence]:
    source = article.read_sentences(inputs, predictor.languages) if as_sentences else article.read(inputs, out)
    for item in source:
        if isinstance(item, Fault):
            summary.faults.append(item)
        elif isinstance(item, Sentence):
            yield item
        else:
            try:
                yield from article.sentences(item, predictor.languages)
                summary.articles += 1
            except Unreadable as reason:
                summary.faults.append(Fault(item.source, str(reason)))


def _batches(found: Iterable[Sentence]) -> Iterator[list[Sentence]]:
    batch: list[Sentence] = []
    for sentence in found:
        batch.append(sentence)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _writer(out: Path, form: Format, predictor: Predictor, everything: bool, summary: Summary) -> Iterator[Callable[[list[Record]], None]]:
    """Write records aside and put the file in its place when all went well."""
    with aside(out) as part:
        with _WRITERS[form](part, predictor, everything) as write:
            yield write
        if not summary.sentences:
            part.unlink()


@contextmanager
def _jsonl(path: Path, predictor: Predictor, everything: bool) -> Iterator[Callable[[list[Record]], None]]:
    with path.open("w", encoding="utf-8") as file:
        yield lambda records: file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


@contextmanager
def _csv(path: Path, predictor: Predictor, everything: bool) -> Iterator[Callable[[list[Record]], None]]:
    """A flat table for spreadsheets: labels joined by `; `, those in review in columns of their own, and with `everything`
    a column of probabilities for each label."""
    places = ["id", "article", "index", "start", "end", "text", "lang"]
    chances = {f"{model.task.value}:{label}": None for model in predictor.models for label in model.labels} if everything else {}
    labels = ["topics", "topics_review", "stances", "stances_review"]
    makers = {name: name if name == "codebook" else f"model_{name}" for name in predictor.made_by}
    columns = [*places, *labels, *makers.values(), *chances]

    def row(record: Record) -> Record:
        flat = {name: record[name] for name in places}
        for column, decision in (("", "yes"), ("_review", "review")):
            flat[f"topics{column}"] = "; ".join(entry["id"] for entry in record["topics"] if entry["decision"] == decision)
            flat[f"stances{column}"] = "; ".join(entry["tag"] for entry in record["stances"] if entry["decision"] == decision)
        flat |= {column: record["model"][name] for name, column in makers.items()}
        if everything:
            flat |= {f"topics:{entry['id']}": entry["probability"] for entry in record["topics"]}
            flat |= {f"stance:{entry['claim']}/{entry['stance']}": entry["probability"] for entry in record["stances"]}
        return flat

    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        yield lambda records: table.writerows(map(row, records))


@contextmanager
def _parquet(path: Path, predictor: Predictor, everything: bool) -> Iterator[Callable[[list[Record]], None]]:
    import pyarrow as pa
    from pyarrow import parquet

    words = ("id", "article", "text", "lang")
    chance = [("probability", pa.float64()), ("decision", pa.string())]
    schema = pa.schema(
        [(name, pa.string() if name in words else pa.int64()) for name in ("id", "article", "index", "start", "end", "text", "lang")]
        + [
            ("topics", pa.list_(pa.struct([("id", pa.string()), *chance]))),
            ("stances", pa.list_(pa.struct([("claim", pa.string()), ("stance", pa.string()), ("tag", pa.string()), *chance]))),
            ("model", pa.struct([(name, pa.string()) for name in predictor.made_by])),
        ]
    )
    with parquet.ParquetWriter(path, schema) as file:
        yield lambda records: file.write_table(pa.Table.from_pylist(records, schema))


_WRITERS = {Format.jsonl: _jsonl, Format.csv: _csv, Format.parquet: _parquet}
