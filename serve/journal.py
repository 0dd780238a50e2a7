"""The journal of a batch: what was labelled, by its content, in a file that outlives a kill or a power cut at any moment.

A run reads all of its inputs, asks the journal which articles it has, labels the others, and then writes the output from it. So a
run that was broken off goes on by running again, and articles that come back cost nothing. SQLite keeps it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from data.article import Article, Fault, Sentence

Record = dict[str, Any]
Item = Article | Sentence
Answer = Sequence[Record] | str  # the records of an item's sentences, or why there are none
OF_ITEM = ("id", "article", "date", "outlet")  # what the same content may be called in another run

_TABLES = """
    CREATE TABLE IF NOT EXISTS maker (id INTEGER PRIMARY KEY, made_by TEXT UNIQUE);
    CREATE TABLE IF NOT EXISTS labelled (content BLOB PRIMARY KEY, maker INTEGER, records BLOB);
    CREATE TEMP TABLE name (name TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TEMP TABLE place (number INTEGER PRIMARY KEY, id TEXT, article TEXT, date TEXT, outlet TEXT, content BLOB, source TEXT);
    CREATE TEMP TABLE fault (number INTEGER, source TEXT, reason TEXT);
"""


class Journal:
    """What was labelled into one output, and the inputs of the run that goes on (those in temporary tables, on disk too).

    Args:
        path: the file; made where there is none.
        made_by: what makes the labels now, as the records name it.
        everything: whether labels that are decided no are kept too.
        relabel: whether what other models made is labelled again; what was labelled with another codebook always is.

    Raises:
        BlockingIOError: another run is writing to it.
        OSError: the file cannot be had, or is no journal.
    """

    def __init__(self, path: Path, made_by: Record, everything: bool, relabel: bool) -> None:
        self.path = path
        self._how = f"{made_by['codebook']} {everything}"
        self.relabel = relabel
        maker = json.dumps({"sikap": version("sikap"), "model": made_by})
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._file = sqlite3.connect(path, timeout=0.1, isolation_level=None)
            self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = FULL")
            self._file.execute("PRAGMA temp_store = FILE")
            self._file.executescript(_TABLES)
            self._file.execute("BEGIN IMMEDIATE")
            self._file.execute("INSERT OR IGNORE INTO maker (made_by) VALUES (?)", [maker])
            (self._maker,) = self._file.execute("SELECT id FROM maker WHERE made_by = ?", [maker]).fetchone()
            self._file.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise BlockingIOError(f"{path}: another run is labelling into this output; wait for it or give another --out") from error
            raise OSError(f"{path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise OSError(f"{path}: expected the journal of an earlier run, found something else; move it away") from error
        self._made_by = dict(self._file.execute("SELECT id, made_by FROM maker"))

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    # The names that articles of this run have, as `data.reading` asks for them.

    def __contains__(self, name: object) -> bool:
        return self._file.execute("SELECT 1 FROM name WHERE name = ?", [name]).fetchone() is not None

    def add(self, name: str) -> None:
        """Take a name."""
        self._file.execute("INSERT INTO name VALUES (?)", [name])

    def place(self, number: int, item: Item) -> bytes | None:
        """Note an input of this run; its content's digest if it has to be labelled, None if that is done."""
        content = _digest(item, self._how)
        article, source = (item.article, item.id) if isinstance(item, Sentence) else (None, item.source)
        row = (number, item.id, article, item.date, item.outlet, content, source)
        self._file.execute("INSERT INTO place VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        found = self._file.execute("SELECT maker FROM labelled WHERE content = ?", [content]).fetchone()
        return None if found and (found[0] == self._maker or not self.relabel) else content

    def keep(self, labelled: Iterable[tuple[bytes, Item, Sequence[Record]]]) -> None:
        """Store the records of items by their content, all of them or none."""
        rows = [(content, self._maker, _packed(item, records)) for content, item, records in labelled]
        try:
            self._file.execute("BEGIN IMMEDIATE")
            self._file.executemany("INSERT OR REPLACE INTO labelled VALUES (?, ?, ?)", rows)
            self._file.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise OSError(f"{self.path}: {error}; make room and run it again: what was labelled so far is kept") from error

    def set_aside(self, number: int, fault: Fault) -> None:
        """Note what of this run could not be labelled."""
        self._file.execute("INSERT INTO fault VALUES (?, ?, ?)", (number, *vars(fault).values()))

    def faults(self) -> Iterator[Fault]:
        """What could not be labelled, in the order of the inputs."""
        return (Fault(*row) for row in self._file.execute("SELECT source, reason FROM fault ORDER BY number"))

    def records(self) -> Iterator[Record]:
        """The records of this run's inputs, in their order."""
        made_by = {number: json.loads(text)["model"] for number, text in self._made_by.items()}
        joined = "SELECT id, article, date, outlet, maker, records FROM place JOIN labelled USING (content) ORDER BY number"
        for id_, article, date, outlet, maker, packed in self._file.execute(joined):
            for record in json.loads(zlib.decompress(packed)):
                name = f"{id_}#{record['index']}" if article is None else id_
                yield {"id": name, "article": article or id_, "date": date, "outlet": outlet} | record | {"model": made_by[maker]}

    def makers(self) -> list[str]:
        """What the records' `model` names: topics, stance, codebook, and perhaps a reader."""
        used = self._file.execute("SELECT DISTINCT maker FROM place JOIN labelled USING (content) ORDER BY maker")
        return list(dict.fromkeys(name for (maker,) in used for name in json.loads(self._made_by[maker])["model"]))

    def made_by_others(self) -> dict[str, int]:
        """How many inputs of this run keep the labels of other models, by the names of those."""
        count = "SELECT maker, count(*) FROM place JOIN labelled USING (content) WHERE maker <> ? GROUP BY maker ORDER BY maker"
        return {
            ", ".join(word for word in json.loads(self._made_by[maker])["model"].values() if word): number
            for maker, number in self._file.execute(count, [self._maker])
        }


def _digest(item: Item, how: str) -> bytes:
    """What tells contents apart: the text, and all else that labels depend on but for the models."""
    what = f"sentence {item.lang}" if isinstance(item, Sentence) else "dated page" if item.is_html else "article"
    return hashlib.sha256(f"{what} {how}\n{item.text}".encode()).digest()


def _packed(item: Item, records: Sequence[Record]) -> bytes:
    left_out = {"model", *OF_ITEM} - ({"date", "outlet"} if getattr(item, "is_html", False) else set())  # a page states its own
    told = [{name: value for name, value in record.items() if name not in left_out} for record in records]
    return zlib.compress(json.dumps(told, ensure_ascii=False).encode(), 1)
