"""The example for Spark gives what `sikap label` gives, row for row. Spark is no part of what the checks install (it is half a gigabyte);
`pip install '.[spark]'` and a Java let them run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from conftest import ROOT, Cli, rows, shipped_rows, write_rows

pytest.importorskip("pyspark", reason="Spark is not installed: pip install '.[spark]'")
pytestmark = pytest.mark.skipif(not shutil.which("java"), reason="Spark needs a Java")


@pytest.mark.parametrize(("task", "field"), [("topics", "topics"), ("stance", "stances")])
def test_a_table_is_labelled_as_by_the_command(store: Cli, tmp_path: Path, task: str, field: str) -> None:
    given = [{"id": row["id"], "text": row["text"]} for row in shipped_rows("test", limit=60)]
    parquet.write_table(pa.Table.from_pylist([*given, {"id": "none", "text": None}]), tmp_path / "sentences.parquet")
    command = [sys.executable, str(ROOT / "serve" / "deploy" / "spark.py"), "sentences.parquet", "labels", "--model"]
    environment = os.environ | {"MLFLOW_TRACKING_URI": store.uri, "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run([*command, f"sikap-{task}@champion"], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    labels = {row["id"]: row["labels"] for row in parquet.read_table(tmp_path / "labels").to_pylist()}
    assert labels.pop("none") is None
    write_rows(tmp_path / "sentences.jsonl", given)
    assert store("label", tmp_path / "sentences.jsonl", "--sentences", "--out", tmp_path / "out.jsonl").returncode == 0
    assert labels == {record["id"]: record[field] for record in rows(tmp_path / "out.jsonl")}
