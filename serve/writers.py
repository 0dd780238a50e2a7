"""Writers: records to JSONL, CSV or Parquet, at a path that is not yet the output's own."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from itertools import islice
from pathlib import Path

from serve.predictor import Predictor, Record

PLACES = ("id", "article", "date", "outlet", "index", "start", "end", "text", "lang")
NUMBERS = ("index", "start", "end")
GROUP = 20_000  # records of a Parquet file that are held and written at once
PART = 1_000_000  # records in each file of a folder


class Format(StrEnum):
    """How the output is written."""

    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"


def write(form: Format, path: Path, records: Iterable[Record], predictor: Predictor, makers: Sequence[str], everything: bool) -> int:
    """Write records and say how many they were; of none, nothing is written.

    Parquet goes to one file, or, where the path is a folder, to files of a million records in it.

    Args:
        makers: what the records' `model` may name.
    """
    coming = iter(records)
    first = next(coming, None)
    if first is None:
        return 0
    count = 1

    def counted() -> Iterable[Record]:
        nonlocal count
        yield first
        for count, record in enumerate(coming, 2):  # noqa: B007 - it is what is returned
            yield record

    _WRITERS[form](path, counted(), predictor, makers, everything)
    return count


def _jsonl(path: Path, records: Iterable[Record], predictor: Predictor, makers: Sequence[str], everything: bool) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _csv(path: Path, records: Iterable[Record], predictor: Predictor, makers: Sequence[str], everything: bool) -> None:
    """A flat table for spreadsheets: labels joined by `; `, those in review in columns of their own, and with `everything`
    a column of probabilities for each label."""
    chances = {f"{model.task.value}:{label}": None for model in predictor.models for label in model.labels} if everything else {}
    labels = ["topics", "topics_review", "stances", "stances_review"]
    made_by = {name: name if name == "codebook" else f"model_{name}" for name in makers}
    columns = [*PLACES, *labels, *made_by.values(), *chances]

    def row(record: Record) -> Record:
        flat = {name: record[name] for name in PLACES}
        for column, decision in (("", "yes"), ("_review", "review")):
            flat[f"topics{column}"] = "; ".join(entry["id"] for entry in record["topics"] if entry["decision"] == decision)
            flat[f"stances{column}"] = "; ".join(entry["tag"] for entry in record["stances"] if entry["decision"] == decision)
        flat |= {column: record["model"].get(name) for name, column in made_by.items()}
        if everything:
            flat |= {f"topics:{entry['id']}": entry["probability"] for entry in record["topics"]}
            flat |= {f"stance:{entry['claim']}/{entry['stance']}": entry["probability"] for entry in record["stances"]}
        return flat

    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns, extrasaction="ignore")  # an older model's labels may be others
        table.writeheader()
        table.writerows(map(row, records))


def _parquet(path: Path, records: Iterable[Record], predictor: Predictor, makers: Sequence[str], everything: bool) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    chance = [("probability", pa.float64()), ("decision", pa.string())]
    schema = pa.schema(
        [(name, pa.int64() if name in NUMBERS else pa.string()) for name in PLACES]
        + [
            ("topics", pa.list_(pa.struct([("id", pa.string()), *chance]))),
            ("stances", pa.list_(pa.struct([("claim", pa.string()), ("stance", pa.string()), ("tag", pa.string()), *chance]))),
            ("model", pa.struct([(name, pa.string()) for name in makers])),
        ]
    )

    def to_file(file: Path, part: Iterable[Record]) -> int:
        count, coming = 0, iter(part)
        group = list(islice(coming, GROUP))
        if group:
            with parquet.ParquetWriter(file, schema) as table:
                while group:
                    table.write_table(pa.Table.from_pylist(group, schema))
                    count += len(group)
                    group = list(islice(coming, GROUP))
        return count

    if not path.is_dir():
        to_file(path, records)
        return
    coming, number = iter(records), 0
    while to_file(path / f"part-{number:05}.parquet", islice(coming, PART)) == PART:
        number += 1


_WRITERS: dict[Format, Callable[[Path, Iterable[Record], Predictor, Sequence[str], bool], None]] = {
    Format.jsonl: _jsonl,
    Format.csv: _csv,
    Format.parquet: _parquet,
}
