"""Names of models in a real store: read from its file they lead to the same folders as through mlflow."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from conftest import ROOT, shipped_rows, write_rows
from data.codebook import Task
from models import registry
from models.store import StoreError
from training import run, tracking
from training.config import Config


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of a store with two versions of a topics model, the first of them the champion."""
    folder = tmp_path_factory.mktemp("a store")
    rows = write_rows(folder / "rows.jsonl", shipped_rows(limit=60))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        for version in (1, 2):
            tracking.track(run.train(Config(Task.topics, "baseline", (str(rows),)), folder / f"model-{version}"))
        crown(1)
        yield folder / "mlflow.db"


def crown(version: int) -> None:
    registry.client().set_registered_model_alias("sikap-topics", registry.CHAMPION, str(version))


def told_by_mlflow(name: str) -> Path:
    from mlflow.artifacts import download_artifacts

    return Path(download_artifacts(f"models:/{name}", tracking_uri=registry.tracking_uri()), "artifacts", f"model-{name[-1]}")


def change(store: Path, statement: str) -> None:
    with closing(sqlite3.connect(store)) as database, database:
        database.execute(statement)


def test_a_version_leads_to_the_folder_that_mlflow_names(store: Path) -> None:
    found = [registry.resolve(f"sikap-topics/{version}") for version in (1, 2)]
    assert found == [told_by_mlflow(f"sikap-topics/{version}") for version in (1, 2)]
    assert found[0] != found[1]


def test_a_moved_alias_is_seen_at_once(store: Path) -> None:
    for version in (2, 1):
        crown(version)
        assert registry.resolve("sikap-topics@champion") == told_by_mlflow(f"sikap-topics/{version}")


def test_a_local_store_is_read_without_mlflow(store: Path) -> None:
    program = "import sys; from models import registry; print(registry.resolve('sikap-topics@champion'), 'mlflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == f"{registry.resolve('sikap-topics@champion')} False\n", done.stderr


@pytest.mark.parametrize("place", ["NULL", "substr(storage_location, 8)"], ids=["none", "a bare path"])
def test_a_place_of_another_form_still_leads_there(store: Path, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = registry.resolve("sikap-topics@champion")
    other = tmp_path / "mlflow.db"
    other.write_bytes(store.read_bytes())
    change(other, f"UPDATE model_versions SET storage_location = {place}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{other}")
    assert registry.resolve("sikap-topics@champion") == expected


def test_a_store_named_in_another_way_still_leads_there(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = registry.resolve("sikap-topics/2")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite+pysqlite:///{store}")
    assert registry.resolve("sikap-topics/2") == expected


def test_a_deleted_version_is_gone(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "mlflow.db"
    other.write_bytes(store.read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{other}")
    registry.client().delete_model_version("sikap-topics", "2")
    with pytest.raises(StoreError, match=r"sikap-topics/2: not to be had"):
        registry.resolve("sikap-topics/2")
