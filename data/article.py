"""Articles, and the way from each to sentences that know where they stand. `data.reading` reads them from files."""

from __future__ import annotations

from dataclasses import dataclass

from data import clean, html, text

MAX_CHARACTERS = 5_000_000  # a longer "article" is a broken file: ten novels


@dataclass(frozen=True)
class Article:
    """One news text as it was given; `source` names the file (and row) that it came from, `date` and `outlet` are as they were told.

    A page states them itself.
    """

    id: str
    text: str
    source: str
    is_html: bool = False
    date: str | None = None
    outlet: str | None = None


@dataclass(frozen=True)
class Sentence:
    """A sentence with its place: `article[start:end]` is where it stands in the article as given.

    `text` is that slice with its white space folded (of HTML: the slice's visible text). In HTML a place may be unknown: None.
    """

    id: str
    article: str
    index: int
    start: int | None
    end: int | None
    text: str
    lang: str
    date: str | None = None
    outlet: str | None = None


@dataclass(frozen=True)
class Fault:
    """Something that could not be read: where, and what was expected and found."""

    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


class Unreadable(ValueError):
    """An input whose text cannot be had; the message says why."""


def sentences(article: Article, languages: tuple[str, ...]) -> list[Sentence]:
    """The article's sentences: boilerplate out, language detected once for the whole.

    Raises:
        Unreadable: no sentence is left.
    """
    page = html.extract(article.text) if article.is_html else None
    body, date, outlet = page or (article.text, article.date, article.outlet)
    if not body.strip():
        raise Unreadable("expected an article, found no text" + (" in the HTML" if article.is_html else ""))
    kept = clean.paragraphs(body)
    language = text.detect_language(" ".join(body[start:end] for start, end in kept[:20])[:5000], languages)
    try:
        locator = html.locator(article.text) if article.is_html else None
    except AssertionError as error:  # how html.parser says that a declaration is beyond it
        raise Unreadable(f"expected HTML, found what cannot be parsed: {error}") from error
    found: list[Sentence] = []
    for first, last in kept:
        for start, end in text.split(body[first:last], language):
            piece = body[first + start : first + end]
            span = locator.find(piece) if locator else (first + start, first + end)
            number = len(found)
            from_, to = span or (None, None)  # where the extractor rewrote a sentence, its place is not known
            found.append(Sentence(f"{article.id}#{number}", article.id, number, from_, to, " ".join(piece.split()), language, date, outlet))
    if not found:
        raise Unreadable("expected sentences, found only boilerplate or no words")
    return found
