from pathlib import Path

import pytest
from datasets import load_dataset

from conftest import ROOT, write_rows
from data import codebook, corpus
from data.codebook import Task
from data.corpus import CorpusError
from data.splits import folds

BOOK = codebook.load()
ROW = {"id": "a", "text": "SCO bukan blok militer.", "lang": "id", "topics": ["military"], "stances": []}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"topics": ["militer"]}, ["field 'topics'", "'militer'", "regional-security/2"]),
        ({"topics": "military"}, ["field 'topics'", "list"]),
        ({"stances": [{"claim": "peace", "stance": "support"}]}, ["field 'stances'", "'peace'"]),
        ({"stances": [{"claim": "dialogue", "stance": "yes"}]}, ["support or oppose", "'yes'"]),
        (
            {"stances": [{"claim": "dialogue", "stance": "support"}, {"claim": "dialogue", "stance": "oppose"}]},
            ["'dialogue'", "more than once"],
        ),
        ({"text": "  "}, ["field 'text'"]),
        ({"id": "first"}, ["field 'id'", "'first'"]),
        ({"lang": "fr"}, ["field 'lang'", "'fr'"]),
        ({"topics": None, "stances": None}, ["expected labels in `topics` or `stances`"]),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, change: dict, words: list[str]) -> None:
    path = write_rows(tmp_path / "rows.jsonl", [ROW | {"id": "first"}, ROW | change])
    with pytest.raises(CorpusError) as error:
        corpus.load([path], BOOK)
    for word in [f"{path}:2", *words]:
        assert word in str(error.value)


def test_targets_follow_the_codebook(tmp_path: Path) -> None:
    stances = [{"claim": "sanctions", "stance": "oppose"}]
    loaded = corpus.load([write_rows(tmp_path / "rows.jsonl", [ROW | {"stances": stances}])], BOOK)
    topics, stance = (corpus.targets(loaded, task, BOOK) for task in (Task.topics, Task.stance))
    assert topics.sum() == topics[0, BOOK.labels(Task.topics).index("military")] == 1
    assert stance.sum() == stance[0, BOOK.labels(Task.stance).index("sanctions/oppose")] == 1


def test_columns_are_typed() -> None:
    loaded = corpus.load([], BOOK)
    assert loaded.features == corpus.features()
    assert loaded[0]["stances"] == [] or set(loaded[0]["stances"][0]) == {"claim", "stance"}


def test_the_digest_sees_labels_but_not_order(tmp_path: Path) -> None:
    def digest(*content: dict) -> str:
        return corpus.digest(corpus.load([write_rows(tmp_path / "rows.jsonl", list(content))], BOOK))

    other = ROW | {"id": "b", "text": "Kapal itu berlabuh."}
    assert digest(ROW, other) == digest(other, ROW)
    assert digest(ROW) != digest(ROW | {"topics": []})


@pytest.mark.parametrize("form", ["jsonl", "folder", "parquet", "saved"])
def test_whatever_datasets_loads_is_taken(tmp_path: Path, form: str) -> None:
    given = [ROW, ROW | {"id": "b", "text": "Kapal itu berlabuh.", "topics": [], "stances": [{"claim": "dialogue", "stance": "support"}]}]
    path = write_rows(tmp_path / "rows.jsonl", given)
    expected = corpus.load([path], BOOK)
    source = {"jsonl": path, "folder": tmp_path, "parquet": tmp_path / "rows.parquet", "saved": tmp_path / "saved"}[form]
    if form == "parquet":
        expected.to_parquet(source)
    elif form == "saved":
        expected.save_to_disk(source)
    assert corpus.load([source], BOOK).to_list() == expected.to_list()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("nowhere.jsonl", None, "no such file"),
        ("half.json", '{"text": ', "half.json"),
        ("notes.txt", "Rapat dibuka.", "another kind"),
        ("articles/notes.txt", "Rapat dibuka.", "expected labels"),
    ],
)
def test_a_source_that_is_no_labelled_dataset_is_named(tmp_path: Path, name: str, content: str | None, words: str) -> None:
    path = tmp_path / name
    if content:
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=words):
        corpus.load([path if path.parent == tmp_path else path.parent], BOOK)


def test_the_same_rows_given_twice_are_refused(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", [ROW])
    with pytest.raises(CorpusError, match="each id once"):
        corpus.load([path, path], BOOK)


def test_datasets_loads_the_data_folder_as_typed_splits(tmp_path: Path) -> None:
    loaded = load_dataset(str(ROOT / "data"), cache_dir=str(tmp_path))
    assert set(loaded) == {"train", "test"}
    for name, part in loaded.items():
        ours = corpus.load([corpus.FOLDER / name], BOOK)
        assert part.features == ours.features == corpus.features()
        assert part.to_list() == ours.to_list()


def test_folds_never_part_an_article() -> None:
    groups = ["a", "a", "b", "c", "c", "c", "d", "e"]
    held = []
    for kept, out in folds(groups, seed=1):
        assert not {groups[i] for i in kept} & {groups[i] for i in out}
        held += list(out)
    assert sorted(held) == list(range(len(groups)))


def test_one_article_cannot_be_held_out() -> None:
    with pytest.raises(ValueError, match="at least 2 articles"):
        list(folds(["a", "a"], seed=1))
