"""The cache: what can be made again and takes long to make, in folders that appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

VERSION = 2  # of what lies there: whoever changes how it is made gives it a new one


def root() -> Path:
    """Where all of it lies: $SIKAP_CACHE, or .cache/sikap in the home folder, and in it a folder for this version."""
    return Path(os.environ.get("SIKAP_CACHE") or Path.home() / ".cache" / "sikap") / f"v{VERSION}"


def cached(kind: str, name: str, make: Callable[[Path], None]) -> Path:
    """The folder of that kind and name; where it is missing, `make` fills it first.

    A name that is a folder's path stands for the folder as it is now: its files are part of the name.
    """
    if Path(name).is_dir():
        state = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(Path(name).iterdir())]
        name = f"{Path(name).resolve().name}-{hashlib.sha256(repr(state).encode()).hexdigest()[:12]}"
    folder = root() / kind / name.replace("/", "--")
    if folder.is_dir():
        return folder
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    aside.mkdir(parents=True)
    try:
        make(aside)
        if not folder.exists():  # another process may have been faster
            aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder
