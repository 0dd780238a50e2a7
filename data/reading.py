"""Reading: the articles of files, folders and tables, one at a time.

A file that cannot be read is no reason to lose the next one: reading yields a `Fault` in its place and goes on.
Labelled sentences for training are read by `data.corpus`, which is strict.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from glob import glob, has_magic
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from data import text
from data.article import MAX_CHARACTERS, Article, Fault, Sentence, Unreadable
from data.rows import STDIN, Tell, decode, kind, opened, rows

PAGES = (".html", ".htm")
TABLES = (".jsonl", ".csv", ".parquet")
KINDS = (".txt", *PAGES, *TABLES)
FIELDS = ("id", "text", "date", "outlet")  # what is taken of a table's row

Columns = Mapping[str, str]


class Names(Protocol):
    """A set of names; one that holds those of millions of articles may keep them on disk."""

    def __contains__(self, name: object, /) -> bool: ...

    def add(self, name: str, /) -> object: ...


def read(
    inputs: Iterable[Path | str],
    but: Iterable[Path] = (),
    columns: Columns = {},  # noqa: B006 - it is only read
    seen: Names | None = None,
    tell: Tell = lambda _: None,
) -> Iterator[Article | Fault]:
    """Articles of files (see `KINDS`, gzip and zstd too), folders and globs, in order; a `Fault` for whatever cannot be read.

    An article's id is its file's name without suffix, or the row's `id`; one that came before gets `~2`, `~3`, ...

    Args:
        but: files that are not read where a folder holds them, such as those that are about to be written.
        columns: what a table calls the `FIELDS`, where that is something else.
        seen: ids that are taken already; those of the articles are added.
        tell: is told how many bytes were read since it was told last.
    """
    seen = set() if seen is None else seen
    for path in files(inputs, but):
        for found in [path] if isinstance(path, Fault) else _articles(path, columns, tell):
            if isinstance(found, Article):
                name, count = found.id, 1
                while name in seen:
                    count += 1
                    name = f"{found.id}~{count}"
                seen.add(name)
                found = replace(found, id=name)
            yield found


def read_sentences(
    inputs: Iterable[Path | str],
    languages: tuple[str, ...],
    but: Iterable[Path] = (),
    columns: Columns = {},  # noqa: B006 - it is only read
    tell: Tell = lambda _: None,
) -> Iterator[Sentence | Fault]:
    """Rows of tables whose `text` is one sentence already; a row's own `id`, `article` and `lang` are kept."""
    for path in files(inputs, but):
        if isinstance(path, Fault):
            yield path
        elif kind(path) not in TABLES:
            yield Fault(str(path), f"expected a table ({', '.join(TABLES)}) with one sentence a row")
        else:
            for source, row in rows(path, tell):
                try:
                    given = _fields(row, source, columns)
                except Unreadable as reason:
                    yield Fault(source, str(reason))
                    continue
                assert isinstance(row, dict)
                language = row.get("lang") if row.get("lang") in languages else text.detect_language(given["text"], languages)
                article = str(row.get("article") or given["id"])
                yield Sentence(article=article, index=0, start=0, end=len(given["text"]), lang=str(language), **given)


def size(inputs: Sequence[Path | str]) -> int | None:
    """Bytes of all files together; None where standard input is among them."""
    if STDIN in map(Path, inputs):
        return None
    return sum(path.stat().st_size for path in files(inputs) if isinstance(path, Path))


def files(inputs: Iterable[Path | str], but: Iterable[Path] = ()) -> Iterator[Path | Fault]:
    """Files that can be read, in order, and a `Fault` for what is none. Hidden files of folders are passed over, links to folders not
    followed."""
    left_out = {os.path.realpath(path) for path in but}  # not Path.resolve, which fails on links in a circle
    for given in map(Path, inputs):
        if given == STDIN:
            yield given
        elif given.is_dir():
            inside = _walk(given)
            first = next(inside, None)
            for found in chain([first], inside) if first else ():
                if isinstance(found, Fault):
                    yield found
                elif not left_out & {os.path.realpath(found), os.path.realpath(found.parent)}:
                    yield _checked(found)
            if not first:
                yield Fault(str(given), "expected a folder with articles, found no file in it")
        elif not os.path.lexists(given) and has_magic(str(given)):
            matching = sorted(map(Path, glob(str(given), recursive=True)))
            if not matching:
                yield Fault(str(given), "no file matches")
            for path in matching:
                yield from files([path], but) if path.is_dir() else [_checked(path)]
        else:
            yield _checked(given)


def _walk(folder: Path) -> Iterator[Path | Fault]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield Fault(str(folder), f"cannot be read: {error.strerror}")
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        else:
            yield Path(entry.path)


def _checked(path: Path) -> Path | Fault:
    try:
        if not os.path.lexists(path):
            return Fault(str(path), "no such file")
        if path.is_symlink() and path.is_dir():
            return Fault(str(path), "expected a file, found a link to a folder, which is not followed")
        path.stat()
    except OSError as error:  # a link in a circle, or one that leads nowhere
        return Fault(str(path), f"cannot be read: {error.strerror}")
    if not path.is_file():
        return Fault(str(path), "expected a file, found something else (a pipe, a socket or a device)")
    if kind(path) not in KINDS:
        return Fault(str(path), f"expected one of {', '.join(KINDS)} (or these with .gz or .zst), found {path.suffix or 'no suffix'}")
    return path


def _articles(path: Path, columns: Columns, tell: Tell) -> Iterator[Article | Fault]:
    if kind(path) in TABLES:
        stem = path.name.partition(".")[0] if path != STDIN else "row"
        for source, row in rows(path, tell):
            try:
                given = _fields(row, f"{stem}:{source.rpartition(':')[2]}", columns)
                yield Article(source=source, **given)
            except Unreadable as reason:
                yield Fault(source, str(reason))
        return
    try:
        with opened(path, tell) as file:
            content = file.read(4 * MAX_CHARACTERS + 1)  # a character has four bytes at most
            if len(content) > 4 * MAX_CHARACTERS:
                raise Unreadable(f"expected at most {MAX_CHARACTERS:,} characters, found more than {len(content) - 1:,} bytes")
        body = decode(content)
        if not body.strip():
            raise Unreadable("expected an article, found an empty file")
        if len(body) > MAX_CHARACTERS:
            raise Unreadable(f"expected at most {MAX_CHARACTERS:,} characters, found {len(body):,}")
        name = path.name[: path.name.lower().rindex(kind(path))]
        yield Article(name, body, str(path), is_html=kind(path) in PAGES)
    except Unreadable as reason:
        yield Fault(str(path), str(reason))
    except (OSError, ValueError) as error:
        yield Fault(str(path), f"cannot be read: {getattr(error, 'strerror', None) or error}")


def _fields(row: dict[str, Any] | Fault, otherwise: str, columns: Columns) -> dict[str, Any]:
    """The `FIELDS` of a row. Raises Unreadable where it is a fault or has no text."""
    if isinstance(row, Fault):
        raise Unreadable(row.reason)
    given = {name: row.get(columns.get(name, name)) for name in FIELDS}
    body = given["text"]
    if not isinstance(body, str) or not body.strip():
        found = f"found {body!r:.60}" if body is not None else f"found only {', '.join(map(str, row))[:200] or 'nothing'}"
        raise Unreadable(f"field {columns.get('text', 'text')!r}: expected a text, {found}")
    try:
        body.encode()
    except UnicodeEncodeError:
        raise Unreadable(f"field {columns.get('text', 'text')!r}: expected Unicode, found half of a surrogate pair") from None
    if len(body) > MAX_CHARACTERS:
        raise Unreadable(f"expected at most {MAX_CHARACTERS:,} characters, found {len(body):,}")
    return given | {"id": _word(given["id"]) or otherwise, "date": _word(given["date"]), "outlet": _word(given["outlet"])}


def _word(value: object) -> str | None:
    """A value as text, None where there is none."""
    if value is None or value == "":
        return None
    return (value.isoformat() if isinstance(value, date) else str(value)).encode("utf-8", "replace").decode("utf-8")
