from __future__ import annotations

import re
from pathlib import Path

import pytest

from conftest import ROOT, Cli, rows, shipped_rows, write_rows

TEXT = "JAKARTA, ANTARA - SCO bukan\nblok militer. “Kami  siap berdialog,” kata utusan itu.\n\nBaca juga: Cuaca hari ini\n"
LABELLED = [
    {"id": "1", "article": "utusan", "text": "SCO bukan blok militer.", "lang": "id", "topics": ["military"], "stances": []},
    {
        "id": "2",
        "article": "utusan",
        "text": "“Kami siap berdialog,” kata utusan itu.",
        "lang": "id",
        "topics": ["diplomacy"],
        "stances": [{"claim": "dialogue", "stance": "support"}],
    },
]


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "utusan.txt").write_text(TEXT, encoding="utf-8")
    return folder


@pytest.fixture
def labels(empty_cli: Cli, tmp_path: Path, articles: Path) -> Path:
    done = empty_cli("data", "dehydrate", write_rows(tmp_path / "rows.jsonl", LABELLED), articles, "--out", tmp_path / "labels.jsonl")
    assert done.returncode == 0, done.stderr
    return tmp_path / "labels.jsonl"


def test_labels_without_text_come_back_with_it(empty_cli: Cli, tmp_path: Path, articles: Path, labels: Path) -> None:
    stored = labels.read_text(encoding="utf-8")
    assert "militer" not in stored
    assert "dialog," not in stored
    for reference, given in zip(rows(labels), LABELLED, strict=True):
        assert " ".join(TEXT[reference["start"] : reference["end"]].split()) == given["text"]
    done = empty_cli("data", "hydrate", articles, "--labels", labels, "--out", tmp_path / "back.jsonl")
    assert done.returncode == 0, done.stderr
    fields = ("text", "lang", "topics", "stances")
    assert [[row[f] for f in fields] for row in rows(tmp_path / "back.jsonl")] == [[row[f] for f in fields] for row in LABELLED]
    others = write_rows(tmp_path / "others.jsonl", shipped_rows(limit=100))
    trained = empty_cli("train", "topics", "--family", "linear", "--data", tmp_path / "back.jsonl", "--data", others)
    assert trained.returncode == 0, trained.stderr
    assert "read 102 sentences" in trained.stdout


def test_sentences_are_known_in_another_copy_of_the_article(empty_cli: Cli, tmp_path: Path, articles: Path, labels: Path) -> None:
    page = f"<html><body><article><p>{TEXT.splitlines()[0]} {TEXT.splitlines()[1]}</p></article></body></html>"
    (articles / "utusan.txt").unlink()
    (articles / "page.html").write_text(page, encoding="utf-8")
    done = empty_cli("data", "hydrate", articles, "--labels", labels, "--out", tmp_path / "back.jsonl")
    assert done.returncode == 0, done.stderr
    assert len(rows(tmp_path / "back.jsonl")) == 2


def test_what_is_not_found_is_named_and_the_rest_is_written(empty_cli: Cli, tmp_path: Path, articles: Path, labels: Path) -> None:
    first = rows(labels)[0]
    strange = [
        first,
        first | {"article": "0" * 64, "name": "gone", "sentence": "1" * 64},
        first | {"start": 1, "sentence": "2" * 64},
        {"name": "half"},
    ]
    done = empty_cli("data", "hydrate", articles, "--labels", write_rows(labels, strange), "--out", tmp_path / "back.jsonl")
    assert done.returncode == 1
    assert len(rows(tmp_path / "back.jsonl")) == 1
    for words in ("gone: no such article", "utusan: expected the sentence at characters", f"{labels}:4: expected the fields"):
        assert words in done.stderr


@pytest.mark.parametrize(
    "change",
    [
        {"start": "x"},
        {"start": None},
        {"end": -1},
        {"article": ["a"]},
        {"name": 5},
        {"topics": "military"},
        {"topics": ["perang"]},
        {"lang": "fr"},
        {},
    ],
)
def test_a_wrong_or_repeated_reference_is_set_aside(empty_cli: Cli, tmp_path: Path, articles: Path, labels: Path, change: dict) -> None:
    stored = rows(labels)
    write_rows(labels, [*stored, stored[0] | change])
    done = empty_cli("data", "hydrate", articles, "--labels", labels, "--out", tmp_path / "back.jsonl")
    assert done.returncode == 1
    assert f"{labels}:3: " in done.stderr
    assert "Traceback" not in done.stderr
    assert len(rows(tmp_path / "back.jsonl")) == 2


def test_no_input_is_written_over(empty_cli: Cli, tmp_path: Path, articles: Path, labels: Path) -> None:
    before = labels.read_bytes()
    article = articles / "utusan.txt"
    stored = tmp_path / "stored" / "labels.jsonl"
    stored.parent.mkdir()
    stored.write_bytes(before)
    given = ((articles, labels, labels), (articles, labels, article), (articles, labels, articles), (article, labels, article))
    for folder, source, out in (*given, (articles, stored.parent, stored)):
        done = empty_cli("data", "hydrate", folder, "--labels", source, "--out", out)
        assert done.returncode == 2
        assert "expected a file to write" in done.stderr
    assert labels.read_bytes() == stored.read_bytes() == before
    assert (articles / "utusan.txt").read_text(encoding="utf-8") == TEXT


def test_labels_of_no_article_write_nothing(empty_cli: Cli, tmp_path: Path, labels: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "other.txt").write_text("Harga beras naik.", encoding="utf-8")
    done = empty_cli("data", "hydrate", empty, "--labels", labels, "--out", tmp_path / "back.jsonl")
    assert done.returncode == 2
    assert not (tmp_path / "back.jsonl").exists()


def test_a_sentence_that_the_article_lacks_is_named(empty_cli: Cli, tmp_path: Path, articles: Path) -> None:
    given = write_rows(tmp_path / "rows.jsonl", [*LABELLED, LABELLED[0] | {"text": "Bukan dari sini."}, LABELLED[0] | {"article": "lain"}])
    done = empty_cli("data", "dehydrate", given, articles, "--out", tmp_path / "labels.jsonl")
    assert done.returncode == 1
    assert len(rows(tmp_path / "labels.jsonl")) == 2
    assert f"{given}:3: field 'text'" in done.stderr
    assert f"{given}:4: field 'article'" in done.stderr


def test_the_shipped_labels_are_of_five_articles_and_hold_no_text() -> None:
    shipped = [row for path in (ROOT / "data" / "labels").glob("*.jsonl") for row in rows(path)]
    assert (len(shipped), len({row["article"] for row in shipped})) == (91, 5)
    for row in shipped:
        assert set(row) == {"article", "name", "start", "end", "sentence", "lang", "topics", "stances"}
        assert re.fullmatch("[0-9a-f]{64}", row["sentence"])
