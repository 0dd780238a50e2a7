"""Writing files that appear whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def refuse_inputs(out: Path, inputs: Iterable[Path | str]) -> None:
    """Raise ValueError where the file to write is a folder or one of the inputs."""
    if out.is_dir() or out.resolve() in {Path(given).resolve() for given in inputs}:
        raise ValueError(f"{out}: expected a file to write, found {'a folder' if out.is_dir() else 'one of the inputs'}")


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
            part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def write_rows(out: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as JSONL."""
    with aside(out) as part:
        part.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
