"""Writing files that appear whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def refuse_inputs(out: Path, inputs: Iterable[Path | str], folder: bool = False) -> None:
    """Raise ValueError where the file to write is one of the inputs, or (unless a `folder` is to be written) a folder."""
    if (out.is_dir() and not folder) or out.resolve() in {Path(given).resolve() for given in inputs}:
        raise ValueError(f"{out}: expected a file to write, found {'a folder' if out.is_dir() and not folder else 'one of the inputs'}")


def durable(path: Path) -> None:
    """Have what was written to a file, or renamed in a folder, outlive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def aside(out: Path) -> Iterator[Path]:
    """A path beside `out` to write to, which takes its place when the block ends well; folders above are made.

    Where the block writes nothing or fails, an earlier file stays as it was.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        yield part
        if part.exists():
            durable(part)
            part.replace(out)
            durable(out.parent)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def aside_folder(out: Path, holds: str) -> Iterator[Path]:
    """The same for a folder of files that match the pattern `holds`.

    Raises:
        ValueError: the folder is there already and holds something else.
    """
    strange = [path for path in out.iterdir() if not path.match(holds)] if out.is_dir() else [out] if out.exists() else []
    if strange:
        raise ValueError(f"{out}: expected a new folder, or one with {holds} alone, found {strange[0].name}")
    out.parent.mkdir(parents=True, exist_ok=True)
    part, old = (out.with_name(f".{out.name}.{os.getpid()}.{word}") for word in ("part", "old"))
    part.mkdir()
    try:
        yield part
        if any(part.iterdir()):
            for path in part.iterdir():
                durable(path)
            if out.exists():
                out.rename(old)
            part.rename(out)
            durable(out.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_rows(out: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as JSONL."""
    with aside(out) as part:
        part.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
