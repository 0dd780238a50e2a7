"""Imports run downhill: data <- models <- training, and data, models <- serve; mlflow is imported in named files alone."""

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from conftest import ROOMS, ROOT, shipped_rows
from data import codebook
from data.codebook import Task
from data.text import normalise
from models import families, store
from models.base import Model
from models.decision import Decision
from training.tracking import NEEDED

MAY_IMPORT = {"data": set(), "models": {"data"}, "training": {"data", "models"}, "serve": {"data", "models"}}
MAY_IMPORT_MLFLOW = {"models/registry.py", "models/pyfunc.py", "training/tracking.py"}
HEAVY = {"torch", "transformers", "mlflow", "datasets", "trafilatura"}
FILES = [path.relative_to(ROOT) for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if path.parent.name != "deploy"]


def imported(nodes: list[ast.stmt] | ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(nodes) if isinstance(nodes, ast.AST) else nodes:
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_room_imports_only_rooms_below_it(path: Path) -> None:
    room = path.parts[0]
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert imported(tree) & set(ROOMS) <= MAY_IMPORT[room] | {room}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_mlflow_stays_in_its_files(path: Path) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert "mlflow" not in imported(tree) or path.as_posix() in MAY_IMPORT_MLFLOW


@pytest.fixture(scope="module", params=families.FAMILIES)
def models(request: pytest.FixtureRequest, new_model: Callable[[str], Model], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model folders of a topics and a stance model of a family, and an article."""
    folder, book = tmp_path_factory.mktemp(request.param), codebook.load()
    texts = [normalise(row["text"]) for row in shipped_rows(limit=50)]
    for task in Task:
        targets = np.eye(50, len(book.labels(task)), dtype=np.int8)
        decision = Decision(*np.full((3, targets.shape[1]), -1))
        model = new_model("linear" if request.param == "pair" and task is Task.topics else request.param)
        store.save(folder / task, task, model.fit(texts, targets), book, decision, {})
    (folder / "article.txt").write_text(texts[0], encoding="utf-8")
    return folder


def test_labelling_imports_nothing_that_only_training_needs(models: Path) -> None:
    program = "import sys, sikap\ntry:\n sikap.main()\nfinally:\n print(*sys.modules)"
    arguments = ["label", "article.txt", "--out", "labels.jsonl", "--topics", "topics", "--stance", "stance"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=models, env=environment)
    assert done.returncode == 0, done.stderr
    assert not {"torch", "transformers", "mlflow", "datasets", "pandas", "sklearn", "duckdb", "jinja2"} & set(done.stdout.split())


# Labels where any library that the given ones do not bring is as good as not installed.
ALONE = """
import re, sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

owners, brought, missing = packages_distributions(), set(), set(sys.argv[1:])
plain = lambda name: re.sub("[-_.]+", "-", re.match(r"[\\w.-]+", name)[0]).lower()
while missing:
    brought.add(name := plain(missing.pop()))
    try:
        missing |= {plain(line) for line in requires(name) or [] if "extra ==" not in line} - brought
    except PackageNotFoundError:  # for other systems
        pass

class NotInstalled:
    def find_spec(self, name, *_):
        if not {plain(owner) for owner in owners.get(name.partition(".")[0], ["numpy"])} & brought:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, NotInstalled())
import mlflow
from models import labels, store

labels.label([store.load("topics"), store.load("stance")], ["SCO bukan blok militer."])
"""


def test_a_registered_model_asks_for_the_libraries_that_it_labels_with(models: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", ALONE, *NEEDED], capture_output=True, text=True, cwd=models, env=environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", [path for path in FILES if path.name not in {"pyfunc.py", "export.py", "networks.py"}], ids=str)
def test_what_is_slow_to_import_is_imported_late(path: Path) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert not imported(tree.body) & HEAVY
