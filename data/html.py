"""HTML: the article inside a page, and where in the page's source each of its sentences stands.

`trafilatura` (https://trafilatura.readthedocs.io; Barbaresi 2021) finds the article. It returns bare text, so the text
is then looked up again in the visible characters of the source, which know their offsets.
"""

from __future__ import annotations

import html
import re
from datetime import date
from html.parser import HTMLParser
from typing import Any, NamedTuple

from data.locate import Locator, squeeze
from data.text import Span

_BULLET = re.compile(r"^- ", re.MULTILINE)
_SILENT = {"script", "style", "noscript", "template", "svg"}
_PUBLISHED = ("article:published_time", "datepublished", "pubdate", "publishdate", "publish-date", "dc.date", "dcterms.created", "date")
_LINKED = re.compile(r'"datePublished"\s*:\s*"([^"]+)"')  # in JSON-LD, https://schema.org/datePublished


class Extract(NamedTuple):
    """The article of a page: its text (headline first, one paragraph a line; empty where the page holds none), and the day (ISO 8601) and
    outlet that the page states about itself."""

    text: str
    date: str | None = None
    outlet: str | None = None


def extract(source: str) -> Extract:
    """The article inside a page.

    >>> head = "<head><meta property='og:site_name' content='Kantor Berita'></head>"
    >>> extract(f"<html>{head}<body><article><p>Rapat itu ditunda sampai pekan depan.</p></article></body></html>")
    Extract(text='Rapat itu ditunda sampai pekan depan.', date=None, outlet='Kantor Berita')
    """
    import trafilatura

    body = trafilatura.extract(source, include_comments=False, include_tables=False, favor_recall=True) or ""
    body = _BULLET.sub("", body)  # the extractor's own marks, which the page does not hold
    if not body.strip():
        return Extract("")
    metadata = trafilatura.extract_metadata(source)
    title = " ".join((metadata.title or "").split()) if metadata else ""
    text = body if not title or squeeze(title) in squeeze(body) else f"{title}\n{body}"
    return Extract(text, *_stated(trafilatura.load_html(source)))


def _stated(page: Any) -> tuple[str | None, str | None]:
    """Day and outlet as the page states them. The extractor's own would also be guessed, from its text and title among others."""
    stated: dict[str, str] = {}
    for meta in page.iter("meta"):
        name = (meta.get("property") or meta.get("name") or meta.get("itemprop") or "").lower()
        stated.setdefault(name, " ".join((meta.get("content") or "").split()))
    linked = _LINKED.findall(" ".join(script.text or "" for script in page.iter("script") if script.get("type") == "application/ld+json"))
    days = filter(None, map(_day, [*(stated.get(name, "") for name in _PUBLISHED), *linked]))
    return next(days, None), stated.get("og:site_name") or None


def _day(word: str) -> str | None:
    """The day of a date or time in ISO 8601, as it was where that was written."""
    try:
        return date.fromisoformat(word[:10]).isoformat()
    except ValueError:
        return None


def locator(source: str) -> Locator:
    """Finds pieces of the extracted text in the page's source.

    >>> page = "<p>Rapat <b>ditunda</b> &amp; batal.</p>"
    >>> start, end = locator(page).find("Rapat ditunda & batal.")
    >>> page[start:end]
    'Rapat <b>ditunda</b> &amp; batal.'
    """
    page = _Page(source)
    return Locator(page.visible, page.body)


class _Page(HTMLParser):
    """The visible characters of a page."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self._lines = [0]
        self._lines.extend(i + 1 for i, character in enumerate(source) if character == "\n")
        self._silent = 0
        self._source = source
        self.visible: list[tuple[str, Span]] = []
        self.body = 0  # where the visible characters behind the head begin: a headline is looked for there first
        self.feed(source)
        self.close()

    def _here(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def _keep(self, character: str, span: Span) -> None:
        if not self._silent and not character.isspace():
            self.visible += [(one, span) for one in character]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in _SILENT))
        if tag == "head":
            self.body = len(self.visible)

    def handle_data(self, data: str) -> None:
        start = self._here()
        for i, character in enumerate(data):
            self._keep(character, (start + i, start + i + 1))

    def handle_entityref(self, name: str) -> None:
        self._reference(f"&{name}")

    def handle_charref(self, name: str) -> None:
        self._reference(f"&#{name}")

    def _reference(self, written: str) -> None:
        start = self._here()
        end = start + len(written)
        end += self._source[end : end + 1] == ";"
        self._keep(html.unescape(written + ";"), (start, end))
