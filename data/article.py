"""Articles: reading them from files and turning each into sentences that know where they stand.

A file that cannot be read is no reason to lose the next one: reading yields a `Fault` in its place and goes on.
Labelled sentences for training are read by `data.corpus`, which is strict.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from data import clean, html, text

SUFFIXES = (".txt", ".html", ".htm", ".jsonl")
MAX_CHARACTERS = 5_000_000  # a longer "article" is a broken file: ten novels


@dataclass(frozen=True)
class Article:
    """One news text as it was given; `source` names the file (and row) that it came from."""

    id: str
    text: str
    source: str
    is_html: bool = False


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


@dataclass(frozen=True)
class Fault:
    """Something that could not be read: where, and what was expected and found."""

    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


class Unreadable(ValueError):
    """An input whose text cannot be had; the message says why."""


def read(inputs: Iterable[Path | str], out: Path | None = None) -> Iterator[Article | Fault]:
    """Articles of files (.txt, .html, .jsonl) and folders of them, in order; a `Fault` for whatever cannot be read.

    An article's id is its file's name without suffix, or the row's `id`; one that came before gets `~2`, `~3`, ...

    Args:
        out: a file that is about to be written, and therefore not read where a folder holds it.
    """
    seen: set[str] = set()
    for path in _files(inputs, out):
        for found in [path] if isinstance(path, Fault) else _articles(path):
            if isinstance(found, Article):
                name, count = found.id, 1
                while name in seen:
                    count += 1
                    name = f"{found.id}~{count}"
                seen.add(name)
                found = replace(found, id=name)
            yield found


def read_sentences(inputs: Iterable[Path | str], languages: tuple[str, ...]) -> Iterator[Sentence | Fault]:
    """Rows of JSONL files whose `text` is one sentence already; a row's own `id`, `article` and `lang` are kept."""
    for path in _files(inputs):
        if isinstance(path, Fault):
            yield path
        elif path.suffix.lower() != ".jsonl":
            yield Fault(str(path), "expected .jsonl with one sentence a row")
        else:
            for source, row in rows(path):
                try:
                    if isinstance(row, Fault):
                        raise Unreadable(row.reason)
                    body = _text_of(row)
                except Unreadable as reason:
                    yield Fault(source, str(reason))
                    continue
                name = _id_of(row, source)
                language = row.get("lang") if row.get("lang") in languages else text.detect_language(body, languages)
                yield Sentence(name, str(row.get("article") or name), 0, 0, len(body), body, str(language))


def sentences(article: Article, languages: tuple[str, ...]) -> list[Sentence]:
    """The article's sentences: boilerplate out, language detected once for the whole.

    Raises:
        Unreadable: no sentence is left.
    """
    body = html.extract(article.text) if article.is_html else article.text
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
            found.append(Sentence(f"{article.id}#{number}", article.id, number, from_, to, " ".join(piece.split()), language))
    if not found:
        raise Unreadable("expected sentences, found only boilerplate or no words")
    return found


def rows(path: Path) -> Iterator[tuple[str, dict[str, Any] | Fault]]:
    """Rows of a JSONL file as (`path:line`, row); a `Fault` for a line that is no JSON object. Blank lines are skipped."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(_lines(file), 1):
                source = f"{path}:{number}"
                if line is None:
                    yield source, Fault(source, f"expected at most {MAX_CHARACTERS:,} bytes a row, found more")
                    continue
                try:
                    content = decode(line)
                    if not content.strip():
                        continue
                    row = json.loads(content)
                    if not isinstance(row, dict):
                        raise Unreadable(f"expected a JSON object, found {type(row).__name__}")
                except (ValueError, RecursionError) as error:
                    reason = str(error) if isinstance(error, Unreadable) else f"expected a JSON object: {error}"
                    yield source, Fault(source, reason)
                else:
                    yield source, row
    except OSError as error:
        yield str(path), Fault(str(path), f"cannot be read: {error.strerror}")


def decode(raw: bytes) -> str:
    """Text of UTF-8 bytes, a byte-order mark aside. Raises Unreadable with the position of the first wrong byte."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("expected UTF-8, found UTF-16")
    if b"\0" in raw:
        raise Unreadable("expected text, found a binary file (it holds zero bytes)")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"expected UTF-8, found byte 0x{raw[error.start]:02x} at position {error.start}") from error


def _files(inputs: Iterable[Path | str], out: Path | None = None) -> Iterator[Path | Fault]:
    written = out.resolve() if out else None
    for given in map(Path, inputs):
        if given.is_dir():
            files = sorted(p for p in given.rglob("*") if p.is_file() and not p.name.startswith(".") and p.resolve() != written)
            if not files:
                yield Fault(str(given), "expected a folder with articles, found no file in it")
        else:
            files = [given]
        for path in files:
            if not path.exists():
                yield Fault(str(path), "no such file")
            elif path.suffix.lower() not in SUFFIXES:
                yield Fault(str(path), f"expected one of {', '.join(SUFFIXES)}, found {path.suffix or 'no suffix'}")
            else:
                yield path


def _articles(path: Path) -> Iterator[Article | Fault]:
    if path.suffix.lower() == ".jsonl":
        for source, row in rows(path):
            try:
                if isinstance(row, Fault):
                    raise Unreadable(row.reason)
                yield Article(_id_of(row, f"{path.stem}:{source.rpartition(':')[2]}"), _text_of(row), source)
            except Unreadable as reason:
                yield Fault(source, str(reason))
        return
    try:
        if path.stat().st_size > 4 * MAX_CHARACTERS:
            raise Unreadable(f"expected at most {MAX_CHARACTERS:,} characters, found a file of {path.stat().st_size:,} bytes")
        content = decode(path.read_bytes())
        if not content.strip():
            raise Unreadable("expected an article, found an empty file")
        if len(content) > MAX_CHARACTERS:
            raise Unreadable(f"expected at most {MAX_CHARACTERS:,} characters, found {len(content):,}")
        yield Article(path.stem, content, str(path), is_html=path.suffix.lower() != ".txt")
    except Unreadable as reason:
        yield Fault(str(path), str(reason))
    except OSError as error:
        yield Fault(str(path), f"cannot be read: {error.strerror}")


def _text_of(row: dict[str, Any]) -> str:
    body = row.get("text")
    if not isinstance(body, str) or not body.strip():
        raise Unreadable(f"field 'text': expected a text, found {'nothing' if body is None else repr(body)[:60]}")
    if any("\ud800" <= character <= "\udfff" for character in body):
        raise Unreadable("field 'text': expected Unicode, found half of a surrogate pair")
    return body


def _id_of(row: dict[str, Any], otherwise: str) -> str:
    given = row.get("id")
    return otherwise if given is None or given == "" else str(given).encode("utf-8", "replace").decode("utf-8")


def _lines(file: IO[bytes]) -> Iterator[bytes | None]:
    """Lines of a file, None for one that is longer than an article may be (it is passed over, never held whole)."""
    while line := file.readline(MAX_CHARACTERS + 1):
        if len(line) <= MAX_CHARACTERS or line.endswith(b"\n"):
            yield line
            continue
        while (rest := file.readline(MAX_CHARACTERS)) and not rest.endswith(b"\n"):
            pass
        yield None
