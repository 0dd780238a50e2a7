"""One contract for every model family, on every awkward text."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from conftest import shipped_rows
from data import codebook
from data.codebook import Task
from data.text import normalise
from models import families, store
from models.base import Model
from models.decision import Decision
from models.store import Stored, StoreError

BOOK = codebook.load()
TOPICS, STANCES = BOOK.labels(Task.topics), BOOK.labels(Task.stance)
AWKWARD = [
    "",
    " ",
    "👍" * 10_000,
    "kata " * 100_000,
    "上海合作组织不是军事联盟",
    "منظمة شنغهاي",
    "a\x00b\x07c",
    "SCO",
    "<s></s>",
    "e\u0301\u200b",
]


@pytest.fixture(scope="module", params=families.FAMILIES)
def model(request: pytest.FixtureRequest, new_model: Callable[[str], Model]) -> Model:
    shipped = shipped_rows(limit=400)
    given = [{f"{s['claim']}/{s['stance']}" for s in row["stances"]} | {*row["topics"]} for row in shipped]
    targets = np.array([[label in row for label in labels_of(request.param)] for row in given], dtype=np.int8)
    return new_model(request.param).fit([normalise(row["text"]) for row in shipped], targets)


def labels_of(family: str) -> list[str]:
    return STANCES if family == "pair" else TOPICS  # a family that reads claims knows nothing else


def test_awkward_texts_get_probabilities(model: Model) -> None:
    found = model.predict_proba([normalise(text) for text in AWKWARD])
    assert found.shape == (len(AWKWARD), len(labels_of(model.family)))
    assert found.dtype == np.float64
    assert ((found >= 0) & (found <= 1)).all()


def test_no_texts_no_rows(model: Model) -> None:
    assert model.predict_proba([]).shape == (0, len(labels_of(model.family)))


def test_a_text_is_read_alike_alone_and_among_others(model: Model) -> None:
    texts = [normalise(row["text"]) for row in shipped_rows(limit=40)]
    together = model.predict_proba(texts)
    alone = np.concatenate([model.predict_proba([text]) for text in texts[:5]])
    assert np.abs(together[:5] - alone).max() < 1e-9


def test_fitting_again_gives_the_same(model: Model, new_model: Callable[[str], Model]) -> None:
    texts = ["pasukan di perbatasan", "harga cabai naik", "tentara berlatih", "pasar murah"]
    targets = np.array([[1], [0], [1], [0]]) * np.eye(1, len(labels_of(model.family)), dtype=np.int8)
    first, second = (new_model(model.family).fit(texts, targets).predict_proba(texts) for _ in range(2))
    assert (first == second).all()


def saved(folder: Path, model: Model) -> Stored:
    labels = labels_of(model.family)
    decision = Decision(np.full(len(labels), 0.5), np.full(len(labels), 0.2), np.full(len(labels), -1))
    return store.save(folder, Task.stance if labels == STANCES else Task.topics, model, BOOK, decision, {"seed": 1})


def test_a_saved_model_predicts_the_same(model: Model, tmp_path: Path) -> None:
    texts = [normalise(row["text"]) for row in shipped_rows(limit=20)]
    stored = saved(tmp_path / "model", model)
    loaded = store.load(tmp_path / "model")
    assert np.abs(loaded.model.predict_proba(texts) - model.predict_proba(texts)).max() < 1e-5
    assert (loaded.labels, loaded.codebook, loaded.reference) == (labels_of(model.family), BOOK, stored.reference)
    assert not [path for path in (tmp_path / "model").rglob("*") if path.suffix in {".pkl", ".pickle", ".joblib", ".bin", ".pt"}]


def test_a_changed_byte_is_noticed_in_every_file(model: Model, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    saved(folder, model)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            byte = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte[0] ^ 1]))
        with pytest.raises(StoreError, match=path.name.replace(".", r"\.")):
            store.load(folder)
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(byte)
    store.load(folder)
    (folder / "codebook.yaml").unlink()
    with pytest.raises(StoreError, match=r"codebook\.yaml: missing"):
        store.load(folder)
