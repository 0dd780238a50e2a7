import json
from pathlib import Path

import pytest

from conftest import ROOT
from data import article, reading
from data.article import Article, Fault

BOTH = ("id", "en")
SAMPLES = ROOT / "data" / "samples"


def read_one(path: Path) -> Article | Fault:
    (found,) = reading.read([path])
    return found


def visible(html: str) -> str:
    """The text of a piece of HTML, by another parser than the one under test."""
    from lxml import html as lxml_html

    return " ".join(lxml_html.fromstring(f"<div>{html}</div>").text_content().split())


@pytest.mark.parametrize("name", ["pertemuan-astana.txt", "perbatasan.html", "wire.jsonl"])
def test_offsets_point_into_the_article_as_given(name: str) -> None:
    for given in reading.read([SAMPLES / name]):
        found = article.sentences(given, BOTH)
        assert len(found) >= 4
        for number, sentence in enumerate(found):
            piece = given.text[sentence.start : sentence.end]
            assert (visible(piece) if given.is_html else " ".join(piece.split())) == sentence.text
            assert sentence.index == number
        assert [s.start for s in found] == sorted(s.start for s in found)


def test_html_gives_the_article_and_nothing_else() -> None:
    texts = [sentence.text for sentence in article.sentences(read_one(SAMPLES / "perbatasan.html"), BOTH)]
    assert texts[0] == "Tajikistan Tambah Pasukan di Perbatasan Afghanistan"
    assert texts[1].startswith("Pemerintah Tajikistan mengirim dua batalyon")
    assert texts[-1].startswith("Seorang warga desa")
    assert not [text for text in texts if "Resep" in text or "Beranda" in text or "Foto" in text or "Hak cipta" in text]


@pytest.mark.parametrize(
    ("head", "day", "outlet"),
    [
        ('<meta property="og:site_name" content="tvKita"><meta name="pubdate" content="2026-03-11 05:00">', "2026-03-11", "tvKita"),
        ('<script type="application/ld+json">{"datePublished": "2026-03-11T23:30:00+07:00"}</script>', "2026-03-11", None),
        ('<meta property="article:published_time" content="kemarin"><title>Letjen Pol. Anu</title>', None, None),
    ],
)
def test_a_page_is_of_the_day_and_outlet_that_it_states_and_of_no_other(head: str, day: str | None, outlet: str | None) -> None:
    body = "<article><p>Perjanjian 2019-05-03 diperpanjang para menteri di Astana.</p></article><footer>(c) 2020 Kabar</footer>"
    page = Article("page", f"<html><head>{head}</head><body>{body}</body></html>", "page", is_html=True)
    assert {(found.date, found.outlet) for found in article.sentences(page, BOTH)} == {(day, outlet)}


def test_language_is_the_articles() -> None:
    assert {s.lang for s in article.sentences(read_one(SAMPLES / "pertemuan-astana.txt"), BOTH)} == {"id"}
    assert {s.lang for given in reading.read([SAMPLES / "wire.jsonl"]) for s in article.sentences(given, BOTH)} == {"en"}


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("empty.txt", b"", "empty file"),
        ("blank.txt", b" \n\n ", "empty file"),
        ("binary.txt", b"MZ\x00\x01", "binary"),
        ("latin.txt", "caf\u00e9 ditutup".encode("latin-1"), "0xe9 at position 3"),
        ("huge.txt", b"x" * 25_000_000, "more than 20,000,000 bytes"),
        ("page.html", b"<html><body><img src=x></body></html>", "no text in the HTML"),
        ("marks.txt", b"*** --- ***", "only boilerplate"),
        ("report.pdf", b"%PDF", "expected one of .txt"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_reason(tmp_path: Path, name: str, raw: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(raw)
    found = read_one(path)
    if isinstance(found, Article):
        with pytest.raises(article.Unreadable, match=reason):
            article.sentences(found, BOTH)
    else:
        assert str(path) in str(found)
        assert reason in str(found)


def test_bad_rows_leave_the_good_ones(tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    good = json.dumps({"id": "good", "text": "Para menteri bertemu di Astana."}).encode()
    long = b'{"id": "long", "text": "' + b"x" * 50_000_000 + b'"}'
    path.write_bytes(b"\n".join([good, b"{broken", b"[1]", long, b'{"id": "none"}', b'{"text": "\xff"}', good]))
    found = list(reading.read([path]))
    assert [item.id for item in found if isinstance(item, Article)] == ["good", "good~2"]
    faults = {item.source.rpartition(":")[2]: item.reason for item in found if isinstance(item, Fault)}
    assert list(faults) == ["2", "3", "4", "5", "6"]
    assert "at most" in faults["4"]
    assert "field 'text'" in faults["5"]


def test_a_folder_is_read_whole_and_a_missing_path_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.txt").write_text("Para menteri bertemu di Astana.", encoding="utf-8")
    (tmp_path / "b.txt").write_text("Mereka pulang pada hari Rabu.", encoding="utf-8")
    found = list(reading.read([tmp_path, tmp_path / "missing.txt"]))
    assert [item.id for item in found if isinstance(item, Article)] == ["b", "a"]
    assert [item.reason for item in found if isinstance(item, Fault)] == ["no such file"]
