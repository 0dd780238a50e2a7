"""Imports run downhill: data <- models <- training, and data, models <- serve; mlflow is imported in named files alone."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOMS, ROOT

MAY_IMPORT = {"data": set(), "models": {"data"}, "training": {"data", "models"}, "serve": {"data", "models"}}
MAY_IMPORT_MLFLOW = {"models/registry.py", "models/pyfunc.py", "training/tracking.py"}
HEAVY = {"torch", "transformers", "mlflow", "datasets", "trafilatura"}
FILES = [path.relative_to(ROOT) for room in ROOMS for path in sorted((ROOT / room).glob("*.py"))]


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


def test_labelling_needs_no_torch() -> None:
    program = "import sys; from models.embedding import SentenceEncoder; SentenceEncoder.named().encode(['a']); import serve.batch; "
    program += "print({'torch', 'transformers', 'mlflow'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT).stdout == "set()\n"


@pytest.mark.parametrize("path", [path for path in FILES if path.name not in {"pyfunc.py", "export.py"}], ids=str)
def test_what_is_slow_to_import_is_imported_late(path: Path) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert not imported(tree.body) & HEAVY
