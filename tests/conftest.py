"""What the tests share: a small corpus, an isolated MLflow store, and models trained once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("data", "models", "training", "serve")


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_rows(path: Path, content: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content), encoding="utf-8")
    return path


def shipped_rows(split: str = "train", limit: int | None = None) -> list[dict]:
    found = [row for path in sorted((ROOT / "data" / "corpus" / split).glob("*.jsonl")) for row in rows(path)]
    return found[:limit]


class Cli:
    """The real command in a process of its own, with an MLflow store of its own."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.uri = f"sqlite:///{store / 'mlflow.db'}"

    def __call__(self, *arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"MLFLOW_TRACKING_URI": self.uri, "COLUMNS": "200", "HF_HUB_OFFLINE": "1"}
        command = [str(Path(sys.executable).with_name("sikap")), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd or self.store, timeout=900)


@pytest.fixture(scope="session")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command line, with a topics and a stance champion of the default family.

    Trained on every third article of the shipped corpus, which is done in a third of the time.
    """
    sikap = Cli(tmp_path_factory.mktemp("store"))
    third = [row for row in shipped_rows() if crc32(row["article"].encode()) % 3 == 0]
    data = write_rows(sikap.store / "third.jsonl", third)
    for task in ("topics", "stance"):
        done = sikap("train", task, "--data", data)
        assert done.returncode == 0, done.stderr
    return sikap


@pytest.fixture
def empty_cli(tmp_path: Path) -> Cli:
    """The command line over a store in which nothing was trained yet."""
    return Cli(tmp_path)
