"""MLflow's scoring protocol, so that clients written for `mlflow models serve` work unchanged
(https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/)."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
COLUMN = "text"


def texts(body: bytes, content_type: str) -> list[str]:
    """The column `text` of an invocation, as JSON in one of four forms, or as CSV.

    >>> texts(b'{"dataframe_split": {"columns": ["text"], "data": [["a"], ["b"]]}}', "application/json")
    ['a', 'b']
    >>> texts(b'{"inputs": {"text": ["a"]}}', "application/json"), texts(b"text\\na\\n", "text/csv")
    (['a'], ['a'])

    Raises:
        ValueError: something else.
    """
    try:
        decoded = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"expected UTF-8, found {error.reason} at byte {error.start}") from error
    if content_type.partition(";")[0].strip() == "text/csv":
        try:
            return _strings([row.get(COLUMN) for row in csv.DictReader(io.StringIO(decoded))])
        except csv.Error as error:
            raise ValueError(f"expected CSV: {error}") from error
    try:
        given = json.loads(decoded)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"expected JSON, or CSV with the content type text/csv: {error}") from error
    if not isinstance(given, dict) or len(found := [form for form in FORMS if form in given]) != 1:
        raise ValueError(f"expected just one of {', '.join(FORMS)}")
    return _strings(_column(found[0], given[found[0]]))


def _column(form: str, value: Any) -> Any:
    if form == "dataframe_split":
        try:
            place = value["columns"].index(COLUMN)
            return [row if isinstance(row, str) and len(value["columns"]) == 1 else list(row)[place] for row in value["data"]]
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            raise ValueError(f"{form}: expected columns with {COLUMN!r}, and data") from error
    if isinstance(value, dict):
        return value.get(COLUMN)
    if isinstance(value, list):
        return [row.get(COLUMN) if isinstance(row, dict) else row for row in value]
    return value


def _strings(values: Any) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) and value.strip() and _is_text(value) for value in values):
        raise ValueError(f"expected a sentence in {COLUMN!r} in each row")
    return values


def _is_text(value: str) -> bool:
    """Whether it can be written: half of a surrogate pair, which JSON may hold, cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)
