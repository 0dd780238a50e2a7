"""MLflow's scoring protocol, so that clients written for `mlflow models serve` work unchanged
(https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/)."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
COLUMN = "text"

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_RECORD: dict[str, Any] = {"type": "object", "required": [COLUMN], "properties": {COLUMN: _TEXT}}
_COLUMN: dict[str, Any] = {"type": "object", "required": [COLUMN], "properties": {COLUMN: {"type": "array", "items": _TEXT}}}
_ROWS: dict[str, Any] = {"anyOf": [{"type": "array", "items": {"anyOf": [_TEXT, _RECORD]}}, _COLUMN]}
_SPLIT: dict[str, Any] = {
    "type": "object",
    "required": ["columns", "data"],
    "properties": {
        "columns": {"type": "array", "contains": {"const": COLUMN}},
        "data": {"type": "array", "items": {"anyOf": [{"type": "array"}, _TEXT]}},
    },
}
_SHAPES = dict(zip(FORMS, (_SPLIT, {"type": "array", "items": _RECORD}, _ROWS, _ROWS), strict=True))

BODY = {  # of an invocation, as it stands in the OpenAPI description
    "required": True,
    "content": {
        "application/json": {
            "schema": {"type": "object", "oneOf": [{"required": [form], "properties": {form: shape}} for form, shape in _SHAPES.items()]},
            "example": {"dataframe_split": {"columns": [COLUMN], "data": [["SCO bukan blok militer."]]}},
        },
        "text/csv": {"schema": {"type": "string"}, "example": f"{COLUMN}\nSCO bukan blok militer.\n"},
    },
}


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
    if content_type.partition(";")[0].strip().lower() == "text/csv":
        try:
            table = csv.DictReader(io.StringIO(decoded))
            if COLUMN not in (table.fieldnames or ()):
                raise ValueError(f"expected CSV with a column {COLUMN!r}, found none")
            return _strings([row[COLUMN] for row in table])
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
    """The column as it was given, with None where a row has none."""
    match form, value:
        case "dataframe_split", {"columns": list(columns), "data": list(rows)} if COLUMN in columns:
            place = columns.index(COLUMN)
            return [row[place] if isinstance(row, list) and place < len(row) else row if columns == [COLUMN] else None for row in rows]
        case "dataframe_records", list(rows) if all(isinstance(row, dict) for row in rows):
            return [row.get(COLUMN) for row in rows]
        case "instances" | "inputs", list(rows):
            return [row.get(COLUMN) if isinstance(row, dict) else row for row in rows]
        case "instances" | "inputs", dict(columns):
            return columns.get(COLUMN)
    raise ValueError(f"{form}: expected rows with {COLUMN!r}, in the form that MLflow gives them")


def _strings(values: Any) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) and value.strip() and _is_text(value) for value in values):
        raise ValueError(f"expected a sentence in {COLUMN!r} in each row")
    return values


def _is_text(value: str) -> bool:
    """Whether it can be written: half of a surrogate pair, which JSON may hold, cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)
