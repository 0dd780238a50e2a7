"""The page in a real browser: Chromium from the system's packages."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_serve_app import Server

from conftest import ROOT, Cli, rows, shipped_rows

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed (Debian: apt install chromium)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address(cli: Cli) -> Iterator[str]:
    server = Server(cli, "--quiet")
    yield server.address
    server.stop()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page, in Indonesian; no script may fail, nothing be asked of another host."""
    opened = browser.new_page(locale="id-ID", viewport={"width": 1280, "height": 900})
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    opened.on("request", lambda request: errors.append(request.url) if not request.url.startswith((address, "blob:")) else None)
    opened.goto(address)
    yield opened
    opened.close()
    assert not errors


def label(page: Any, text: str) -> None:
    page.fill("#text", text)
    page.click("button[type=submit]")
    page.wait_for_selector(".sentence", timeout=120_000)


def test_an_article_is_shown_as_it_was_written_with_its_labels(page: Any) -> None:
    text = "🚨 SCO bukan blok militer, kata sekretaris jenderalnya.\n\nPolisi menyita sabu di perbatasan. Cuaca cerah sepanjang hari."
    label(page, text)
    assert page.locator(".sentence").all_inner_texts() == [
        "🚨 SCO bukan blok militer, kata sekretaris jenderalnya.",
        "Polisi menyita sabu di perbatasan.",
        "Cuaca cerah sepanjang hari.",
    ]
    assert page.locator(".paragraph").count() == 2
    assert any("not a military bloc" in tag for tag in page.locator(".tag").all_inner_texts())
    assert "3 kalimat" in page.inner_text("#status")
    assert "Narkotika" in page.inner_text("#topics")


def test_a_sentence_shows_its_probabilities_and_the_words_that_carried_them(page: Any) -> None:
    label(page, "SCO bukan blok militer, kata sekretaris jenderalnya. Polisi menyita sabu di perbatasan.")
    page.locator(".sentence").nth(1).focus()
    row = page.locator("#detail .row").filter(has_text="Narkotika")
    assert "ya" in row.inner_text()
    row.click()
    page.wait_for_selector(".sentence mark", timeout=60_000)
    assert "sabu" in page.locator(".sentence mark:not(.against)").all_inner_texts()
    page.keyboard.press("Escape")
    page.locator(".sentence").nth(1).press("ArrowUp")
    assert "SCO" in page.inner_text("#detail blockquote")


def test_filters_fade_what_does_not_match(page: Any) -> None:
    label(page, "Polisi menyita sabu di perbatasan. Cuaca cerah sepanjang hari.")
    page.click("#topics button[data-filter=narcotics]")
    assert page.locator(".sentence.aside").all_inner_texts() == ["Cuaca cerah sepanjang hari."]
    page.click("#filters button[data-filter='']")
    assert page.locator(".sentence.aside").count() == 0


def test_the_codebook_and_the_other_language(page: Any) -> None:
    page.click("[data-language=en]")
    assert page.inner_text("button[type=submit]") == "Label"
    assert page.evaluate("document.documentElement.lang") == "en"
    page.click("#open-codebook")
    page.wait_for_selector("#codebook dt")
    assert page.locator("#codebook dt").count() == 16 + 14


def test_downloads_hold_the_records(page: Any, tmp_path: Path) -> None:
    label(page, 'Polisi menyita sabu, kata "juru bicara".')
    for button, name in (("#csv", "sikap.csv"), ("#jsonl", "sikap.jsonl")):
        with page.expect_download() as download:
            page.click(button)
        download.value.save_as(tmp_path / name)
    assert rows(tmp_path / "sikap.jsonl")[0]["topics"][0]["id"] == "narcotics"
    assert '""juru bicara""' in (tmp_path / "sikap.csv").read_text()


def test_an_html_file_can_be_chosen(page: Any) -> None:
    (sample,) = list((ROOT / "data" / "samples").glob("*.html"))[:1]
    page.set_input_files("#file", sample)
    page.wait_for_selector(".sentence", timeout=120_000)
    assert page.locator(".sentence").count() > 2


def test_a_long_article_on_a_phone(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    sentences = [row["text"] for row in shipped_rows(limit=150)]
    label(page, "\n".join(sentences))
    assert page.locator(".sentence").count() >= 140
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_empty_text_is_told(page: Any) -> None:
    page.click("button[type=submit]")
    assert page.inner_text("#status") == "Belum ada teks."
