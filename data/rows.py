"""Rows of tables: JSONL, CSV and Parquet files, packed with gzip or zstd or not, one row at a time.

A row that cannot be read yields a `Fault` in its place, and reading goes on; a file is never held whole.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, cast

from data.article import MAX_CHARACTERS, Fault, Unreadable

STDIN = Path("-")  # JSONL from standard input
PACKED = {".gz": "gzip", ".zst": "zstd"}
AT_A_TIME = 64  # rows of a Parquet file that are held at once

Tell = Callable[[int], object]
Row = dict[str, Any]


def kind(path: Path) -> str:
    """A file's suffix without that of its packing, in small letters: `.jsonl` of `wire.JSONL.gz`."""
    name = Path(path.stem) if path.suffix.lower() in PACKED else path
    return ".jsonl" if path == STDIN else name.suffix.lower()


def rows(path: Path, tell: Tell = lambda _: None) -> Iterator[tuple[str, Row | Fault]]:
    """Rows as (`path:number`, row); a `Fault` for a row that cannot be read. Blank lines are skipped.

    Args:
        path: `.jsonl` (also where the suffix is another), `.csv` with a header, or `.parquet`; `-` reads JSONL from standard input.
        tell: is told how many bytes of the file were read since it was told last.
    """
    read = {".csv": _csv, ".parquet": _parquet}.get(kind(path), _jsonl)
    number = 0
    try:
        with opened(path, tell) as file:
            for number, row in read(file):
                source = f"{path}:{number}"
                yield source, Fault(source, row) if isinstance(row, str) else row
    except (OSError, ValueError, EOFError) as error:  # of the file as a whole: pyarrow says with a ValueError what it cannot parse
        source = f"{path}:{number + 1}" if number else str(path)
        yield source, Fault(source, f"cannot be read: {getattr(error, 'strerror', None) or str(error).splitlines()[0]}")


@contextmanager
def opened(path: Path, tell: Tell = lambda _: None) -> Iterator[IO[bytes]]:
    """A file's bytes, unpacked where they are packed. Raises OSError or ValueError where that cannot be."""
    with ExitStack() as stack:
        raw = sys.stdin.buffer if path == STDIN else stack.enter_context(path.open("rb"))
        told = _Told(raw, tell) if path != STDIN else raw
        if path.suffix.lower() not in PACKED:
            yield cast(IO[bytes], told)
            return
        import pyarrow as pa

        stream = pa.CompressedInputStream(pa.PythonFile(told, "r"), PACKED[path.suffix.lower()])
        yield cast(IO[bytes], stack.enter_context(io.BufferedReader(stream, 1 << 16)))


class _Told:
    """A file that tells how much of it was read."""

    def __init__(self, file: IO[bytes], tell: Tell) -> None:
        self._file = file
        self._tell = tell

    def read(self, size: int = -1) -> bytes:
        return self._count(self._file.read(size))

    def readline(self, size: int = -1) -> bytes:
        return self._count(self._file.readline(size))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def _count(self, content: bytes) -> bytes:
        self._tell(len(content))
        return content


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


def _jsonl(file: IO[bytes]) -> Iterator[tuple[int, Row | str]]:
    for number, line in enumerate(_lines(file), 1):
        if line is None:
            yield number, f"expected at most {MAX_CHARACTERS:,} bytes a row, found more"
            continue
        try:
            content = decode(line)
            if not content.strip():
                continue
            row = json.loads(content)
            if not isinstance(row, dict):
                raise Unreadable(f"expected a JSON object, found {type(row).__name__}")
        except (ValueError, RecursionError) as error:
            yield number, str(error) if isinstance(error, Unreadable) else f"expected a JSON object: {error}"
        else:
            yield number, row


def _csv(file: IO[bytes]) -> Iterator[tuple[int, Row | str]]:
    def lines() -> Iterator[str]:
        for line in _lines(file):
            if line is None:
                raise ValueError(f"expected lines of at most {MAX_CHARACTERS:,} bytes, found a longer one")
            yield line.decode("utf-8-sig", "surrogateescape").replace("\0", "\udc00")

    csv.field_size_limit(MAX_CHARACTERS)
    table = csv.DictReader(lines())
    number = 0
    while True:
        number += 1
        try:
            row = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, f"expected a row of CSV: {error}"
            continue
        if any("\udc00" <= character <= "\udcff" for value in row.values() if isinstance(value, str) for character in value):
            yield number, "expected UTF-8 text, found other bytes"
        else:
            yield number, {name: value for name, value in row.items() if name and value}


def _parquet(file: IO[bytes]) -> Iterator[tuple[int, Row | str]]:
    from pyarrow import parquet

    batches = parquet.ParquetFile(file).iter_batches(AT_A_TIME)
    yield from enumerate((row for batch in batches for row in batch.to_pylist()), 1)


def _lines(file: IO[bytes]) -> Iterator[bytes | None]:
    """Lines of a file, None for one that is longer than an article may be (it is passed over, never held whole)."""
    while line := file.readline(MAX_CHARACTERS + 1):
        if len(line) <= MAX_CHARACTERS or line.endswith(b"\n"):
            yield line
            continue
        while (rest := file.readline(MAX_CHARACTERS)) and not rest.endswith(b"\n"):
            pass
        yield None
