from __future__ import annotations

from pathlib import Path

import pytest
from datasets import Dataset

from conftest import Cli, shipped_rows, write_rows
from data import check, codebook, corpus
from data.check import Finding

BOOK = codebook.load()
NOTHING: dict = {"lang": "id", "topics": [], "stances": []}


def findings(tmp_path: Path, **parts: list[dict]) -> dict[str, Finding]:
    loaded = {name: corpus.load([write_rows(tmp_path / f"{name}.jsonl", rows)], BOOK) for name, rows in parts.items()}
    return {finding.name: finding for finding in check.check(loaded, BOOK, coverage=False)}


def row(name: str, text: str, **more: object) -> dict:
    return NOTHING | {"id": name, "article": name, "text": text} | more


def test_the_shipped_corpus_holds_its_bounds(empty_cli: Cli) -> None:
    done = empty_cli("data", "check")
    assert done.returncode == 0, done.stdout
    assert "no bounds broken" in done.stdout


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("duplicates", [row("a", "Kapal itu berlabuh di Batam."), row("b", "Kapal itu berlabuh di Batam!")]),
        (
            "near-duplicates in different articles",
            [
                row("a", "Menteri luar negeri kedua negara bertemu di Bali pada hari Senin untuk membahas perbatasan laut."),
                row("b", "Menteri luar negeri kedua negara bertemu di Bali pada hari Selasa untuk membahas perbatasan laut."),
            ],
        ),
        (
            "articles in which the same five words open a sentence",
            [
                row(f"{i}", f"Menurut sumber di lokasi kejadian {place} aman.")
                for i, place in enumerate(("Poso", "Ambon", "Solo", "Palu", "Bima"))
            ],
        ),
        ("sentences in the language that they name", [row("a", "The ministers agreed to meet again next week in Astana.")]),
    ],
)
def test_what_is_unsound_is_found(tmp_path: Path, name: str, rows: list[dict]) -> None:
    sound = [row("s", "Perundingan perdamaian itu dibuka kembali kemarin.")]
    assert findings(tmp_path, rows=sound)[name].ok
    broken = findings(tmp_path, rows=sound + rows)[name]
    assert not broken.ok
    assert broken.examples


def test_an_article_on_both_sides_is_found(tmp_path: Path) -> None:
    one, other = row("a", "Rapat dibuka."), row("b", "Rapat ditutup lagi.", article="a")
    assert findings(tmp_path, train=[one], other=[other])["articles in both train and other"].examples == ["a"]


def test_a_changed_test_split_is_found(tmp_path: Path) -> None:
    frozen = shipped_rows("test")
    assert findings(tmp_path, test=frozen)["the frozen test split"].ok
    frozen[0] |= {"topics": [] if frozen[0]["topics"] else ["cyber"]}
    assert not findings(tmp_path, test=frozen)["the frozen test split"].ok


def test_minimal_pairs_are_counted_by_the_claim_that_they_turn() -> None:
    group = [
        row("a", "SCO adalah blok militer, kata pengamat itu.", article="g", stances=[{"claim": "military-bloc", "stance": "support"}]),
        row("b", "SCO bukan blok militer, kata pengamat itu.", article="g", stances=[{"claim": "military-bloc", "stance": "oppose"}]),
        row("c", "Rapat ditutup kemarin sore di Tashkent.", article="g"),
    ]
    assert check.minimal_pairs(group, BOOK) == {"military-bloc": 1}


def test_each_bound_of_size_can_break() -> None:
    few = Dataset.from_list(
        [
            row(f"{i}", f"The {word} talks went on.", lang="en", topics=["diplomacy"], stances=[], source="one")
            for i, word in enumerate("abc")
        ],
        features=corpus.features(),
    )
    broken = [finding.name for finding in check.check({"train": few}, BOOK) if not finding.ok]
    assert len(broken) == 12
    for words in (
        "sentences",
        "share in 'id'",
        "topic in 'id'",
        "stance in 'en'",
        "without topic",
        "several topics",
        "minimal pairs",
        "share of a source",
    ):
        assert any(words in name for name in broken)


def test_rows_of_ones_own_are_checked_without_the_bounds_of_size(empty_cli: Cli, tmp_path: Path) -> None:
    sound = write_rows(tmp_path / "mine.jsonl", [row("a", "Perundingan perdamaian itu dibuka kembali kemarin.")])
    assert empty_cli("data", "check", sound).returncode == 0
    unknown = write_rows(tmp_path / "wrong.jsonl", [row("a", "Rapat dibuka kemarin.", topics=["perang"])])
    done = empty_cli("data", "check", unknown)
    assert done.returncode == 2
    assert f"{unknown}:1" in done.stderr
    assert "'perang'" in done.stderr
    doubled = write_rows(tmp_path / "doubled.jsonl", [row("a", "Rapat dibuka kemarin."), row("b", "Rapat dibuka kemarin!")])
    done = empty_cli("data", "check", doubled)
    assert done.returncode == 1
    assert "duplicates: a, b" in done.stdout


def test_style_says_what_gives_a_corpus_away(empty_cli: Cli, tmp_path: Path) -> None:
    ours, theirs = (
        [row(f"{i}", f"{word} kapal ke-{i} berlabuh di Batam, kata petugas.") for i in range(60)] for word in ("Nah,", "Adapun")
    )
    paths = [write_rows(tmp_path / f"{name}.jsonl", body) for name, body in (("theirs", theirs), ("ours", ours))]
    done = empty_cli("data", "style", *paths)
    assert done.returncode == 0, done.stderr
    assert "AUC 1.00" in done.stdout
    assert "nah" in done.stdout
    (tmp_path / "theirs.jsonl").write_text("{bad", encoding="utf-8")
    done = empty_cli("data", "style", *paths)
    assert done.returncode == 2
    assert f"{paths[0]}:1" in done.stderr
