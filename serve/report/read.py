"""Labels from files into DuckDB: what `sikap label` wrote, in any of its three forms, as two tables to count in.

sentence    n, file, article, text, lang, date, outlet, maker: one row a sentence
label       n, task, label, decision, probability, named: one row for each label that is `yes` or in review
maker       id, topics, stance, reader, codebook: what made the labels, each combination once
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from glob import escape, glob
from pathlib import Path
from typing import Any

import duckdb

from data.article import Fault
from serve.report.makers import Maker

SUFFIXES = (".jsonl", ".csv", ".parquet")
NEEDED = ("text", "topics", "stances")  # and `model`, which CSV of the page does without
FURTHER = ("id", "article", "lang", "date", "outlet")
_TOPICS = "STRUCT(id VARCHAR, probability DOUBLE, decision VARCHAR)[]"
_STANCES = "STRUCT(claim VARCHAR, stance VARCHAR, tag VARCHAR, probability DOUBLE, decision VARCHAR)[]"
_MODEL = "STRUCT(topics VARCHAR, stance VARCHAR, reader VARCHAR, codebook VARCHAR)"
_SHAPE = dict.fromkeys((*FURTHER, "text"), "VARCHAR") | {"topics": _TOPICS, "stances": _STANCES, "model": _MODEL}
_BROKEN = """
    coalesce(text, '') = '' OR topics IS NULL OR stances IS NULL OR model IS NULL
    OR len(list_filter(topics, lambda x: x.id IS NULL OR x.decision IS NULL)) > 0
    OR len(list_filter(stances, lambda x: x.decision IS NULL OR coalesce(x.claim || x.stance, x.tag) IS NULL)) > 0
"""


class Labels:
    """What was read, as tables in memory.

    Attributes:
        database: the tables.
        files: what was read.
        faults: files and rows that could not be.
        repeated: sentences that stood there before, counted once.
    """

    def __init__(self, inputs: Iterable[Path | str]) -> None:
        """Read files, folders of them and patterns.

        Raises:
            ValueError: no record could be read; the message says why.
        """
        self.files: list[Path] = []
        self.faults: list[Fault] = []
        self.database = duckdb.connect()
        for setting in ("autoinstall_known_extensions", "autoload_known_extensions"):
            self.database.execute(f"SET {setting} = false")  # it works offline
        self.database.execute(f"SET temp_directory = {_quoted(tempfile.gettempdir())}")  # for what does not fit into memory
        columns = ", ".join(f"{name} {kind}" for name, kind in _SHAPE.items())
        self.database.execute(f"CREATE TABLE record (n BIGINT, file INTEGER, {columns})")
        for found in _files(inputs):
            if isinstance(found, Fault):
                self.faults.append(found)
                continue
            try:
                self._insert(found)
            except (duckdb.Error, ValueError, OSError) as error:
                reason = str(error).partition("\n")[0] if isinstance(error, duckdb.Error) else str(error)
                self.faults.append(Fault(str(found), reason.replace(str(found), found.name)))
        self._set_aside_what_is_broken()
        self.repeated = self._drop_what_stands_twice()
        if not self._one("SELECT count(*) FROM record"):
            raise ValueError("no labels to report on:" + "".join(f"\n  {fault}" for fault in self.faults))
        self._make_tables()

    @property
    def makers(self) -> dict[int, Maker]:
        """What made the labels, by its number in the table `sentence`."""
        return {number: Maker(*names) for number, *names in self.rows("SELECT id, topics, stance, reader FROM maker ORDER BY id")}

    def name_stances(self, tags: Mapping[str, str]) -> dict[str, int]:
        """Turn tags, of which alone a CSV file knows, into labels.

        Args:
            tags: labels (`claim/side`) by tag.

        Returns:
            The tags that are not among them, which are left out, and how often they stood there.
        """
        table = "map($tags :: VARCHAR[], $labels :: VARCHAR[])"
        named = f"SET label = map_extract_value({table}, label), named = true WHERE NOT named AND map_contains({table}, label)"
        self.database.execute(f"UPDATE label {named}", {"tags": list(tags), "labels": list(tags.values())})
        left_out = dict(self.rows("SELECT label, count(*) FROM label WHERE NOT named GROUP BY label ORDER BY label"))
        self.database.execute("DELETE FROM label WHERE NOT named")
        return left_out

    def rows(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.database.execute(query, values).fetchall()

    def _one(self, query: str, values: Sequence[Any] = ()) -> Any:
        return self.rows(query, values)[0][0]

    def _insert(self, path: Path) -> None:
        """Add the records of a file, `file` being its place in `files`."""
        source, values = _SOURCES[path.suffix.lower()](self, path)
        names, before = ", ".join(_SHAPE), self._one("SELECT count(*) FROM record")
        numbered = f"SELECT {before} + row_number() OVER (), {len(self.files)}, {names} FROM ({source})"
        self.database.execute(f"INSERT INTO record (n, file, {names}) {numbered}", values)
        self.files.append(path)

    def _jsonl(self, path: Path) -> tuple[str, list[Any]]:
        """Lines that are no record come as rows of NULL, which are counted and left out later."""
        shape = ", ".join(f"{name}: '{kind}'" for name, kind in _SHAPE.items())
        return f"FROM read_json(?, format = 'newline_delimited', ignore_errors = true, columns = {{{shape}}})", [escape(str(path))]

    def _parquet(self, path: Path) -> tuple[str, list[Any]]:
        found = [name for name, *_ in self.rows("DESCRIBE FROM read_parquet(?)", [escape(str(path))])]
        _expect(found, "model")
        columns = (f"CAST({name if name in found else 'NULL'} AS {kind}) AS {name}" for name, kind in _SHAPE.items())
        return f"SELECT {', '.join(columns)} FROM read_parquet(?)", [escape(str(path))]

    def _csv(self, path: Path) -> tuple[str, list[Any]]:
        """The flat form of `serve.batch`, as it was written or as a spreadsheet saved it again: with commas, semicolons or tabs."""
        with path.open("rb") as file:
            header = file.readline().decode("utf-8-sig")
        delimiter = max(",;\t", key=header.count)
        found = next(csv.reader([header], delimiter=delimiter), [])
        _expect(found)
        quoted = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in found)
        # Rejects must be stored: without it DuckDB stops at the first line that it ignores.
        options = f"auto_detect = false, header = true, delim = {_quoted(delimiter)}, quote = '\"', escape = '\"'"
        options += f", ignore_errors = true, store_rejects = true, columns = {{{quoted}}}"
        text = {name: name if name in found else "NULL" for name in (*FURTHER, "text")}
        makers = {name: name if name in found else "NULL" for name in ("model_topics", "model_stance", "model_reader", "codebook")}
        topics, stances = (
            f"list_concat({_entries(name, kind, 'yes')}, {_entries(review if review in found else 'NULL', kind, 'review')})"
            for name, review, kind in (("topics", "topics_review", _TOPICS), ("stances", "stances_review", _STANCES))
        )
        model = ", ".join(f"{name.removeprefix('model_')} := {column}" for name, column in makers.items())
        columns = [f"{column} AS {name}" for name, column in text.items()]
        columns += [f"{topics} AS topics", f"{stances} AS stances", f"struct_pack({model}) AS model"]
        return f"SELECT {', '.join(columns)} FROM read_csv(?, {options})", [escape(str(path))]

    def _set_aside_what_is_broken(self) -> None:
        for number, broken, whole in self.rows(
            f"SELECT file, count(*) FILTER ({_BROKEN}), count(*) FROM record GROUP BY file ORDER BY file"
        ):
            path = self.files[number]
            if broken == whole:
                self.faults.append(Fault(str(path), f"expected records that `sikap label` wrote, found {self._fields(path)}"))
            elif broken:
                self.faults.append(Fault(str(path), f"{broken:,} of {whole:,} rows are no records that `sikap label` wrote"))
        read = {number for (number,) in self.rows("SELECT DISTINCT file FROM record")}
        for number, path in enumerate(self.files):
            if number not in read:
                self.faults.append(Fault(str(path), "expected records that `sikap label` wrote, found none"))
        if self._one("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'"):
            counted = "SELECT file_path, count(DISTINCT line) FROM reject_errors JOIN reject_scans USING (scan_id, file_id) GROUP BY ALL"
            self.faults += [Fault(path, f"{lines:,} lines cannot be read as CSV") for path, lines in self.rows(counted)]
        self.database.execute(f"DELETE FROM record WHERE {_BROKEN}")

    def _fields(self, path: Path) -> str:
        if path.suffix.lower() != ".jsonl":
            return "empty ones"
        query = (
            "SELECT json_keys(json) FROM read_json_objects(?, format = 'newline_delimited', ignore_errors = true) WHERE json IS NOT NULL"
        )
        keys = self.rows(query + " LIMIT 1", [escape(str(path))])
        return f"rows with {', '.join(keys[0][0])}" if keys and keys[0][0] else "no JSON objects"

    def _drop_what_stands_twice(self) -> int:
        """The same sentence of the same article, as when a file is given beside the folder that it was joined from."""
        same = "SELECT article, id, text, min(n) AS first FROM record WHERE id IS NOT NULL GROUP BY ALL HAVING count(*) > 1"
        again = f"SELECT n FROM record JOIN ({same}) AS kept USING (article, id, text) WHERE n <> first"
        return int(self._one(f"DELETE FROM record WHERE n IN ({again})"))

    def _make_tables(self) -> None:
        run = self.database.execute
        run("CREATE TABLE maker AS SELECT row_number() OVER (ORDER BY model) AS id, unnest(model) FROM (SELECT DISTINCT model FROM record)")
        run("""
            CREATE TABLE sentence AS SELECT
                n, file, coalesce(article, regexp_replace(record.id, '#\\d+$', '')) AS article, text, lang,
                nullif(trim(outlet), '') AS outlet,
                CASE WHEN regexp_matches(date, '^(19|20)\\d\\d-\\d\\d-\\d\\d') THEN try_cast(left(date, 10) AS DATE) END AS date,
                maker.id AS maker
            FROM record JOIN maker ON maker.topics IS NOT DISTINCT FROM model.topics AND maker.stance IS NOT DISTINCT FROM model.stance
                AND maker.reader IS NOT DISTINCT FROM model.reader AND maker.codebook IS NOT DISTINCT FROM model.codebook
        """)
        run("""
            CREATE TABLE label AS SELECT
                n, task, label, max(decision) AS decision, bool_or(named) AS named,
                max(CASE WHEN probability BETWEEN 0 AND 1 THEN probability END) AS probability
            FROM (
                SELECT n, 'topics' AS task, x.id AS label, x.decision AS decision, x.probability AS probability, true AS named
                FROM (SELECT n, unnest(topics) AS x FROM record)
                UNION ALL
                SELECT n, 'stance', coalesce(x.claim || '/' || x.stance, x.tag), x.decision, x.probability, x.claim || x.stance IS NOT NULL
                FROM (SELECT n, unnest(stances) AS x FROM record)
            ) WHERE decision IN ('yes', 'review') GROUP BY n, task, label
        """)  # each label of a sentence once, `yes` before review, whatever a file says
        run("DROP TABLE record")
        run("SET enable_external_access = false")  # nothing is read from here on


_SOURCES = {".jsonl": Labels._jsonl, ".parquet": Labels._parquet, ".csv": Labels._csv}


def _files(inputs: Iterable[Path | str]) -> list[Path | Fault]:
    """The files that are meant, each once: those given, those of folders, those that a pattern matches."""
    found: dict[Path, Path | Fault] = {}
    for given in map(Path, inputs):
        inside: list[Path] = []
        if given.is_dir():
            inside = sorted(
                path
                for path in given.rglob("*")
                if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and not path.name.endswith(".errors.jsonl")
            )
        elif not given.exists():
            inside = sorted(map(Path, glob(str(given), recursive=True)))
        if given.is_dir() and not inside:
            found[given] = Fault(str(given), f"expected a folder with {', '.join(SUFFIXES)}, found none in it")
        elif not given.exists() and not inside:
            found[given] = Fault(str(given), "no such file")
        for path in inside or [given]:
            if path.suffix.lower() in SUFFIXES:
                found.setdefault(path.resolve(), path)
            elif path.is_file():
                found[path] = Fault(str(path), f"expected one of {', '.join(SUFFIXES)}, found {path.suffix or 'no suffix'}")
    return list(found.values())


def _expect(found: Sequence[str], *further: str) -> None:
    missing = [name for name in (*NEEDED, *further) if name not in found]
    if missing:
        fields = ", ".join(found[:12]) or "none"
        raise ValueError(f"expected what `sikap label` wrote, with the fields {', '.join((*NEEDED, *further))}; found {fields}")


def _entries(column: str, kind: str, decision: str) -> str:
    """SQL that makes entries of `a; b`."""
    key, rest = ("id", "") if kind == _TOPICS else ("tag", "claim := NULL, stance := NULL, ")
    pack = f"struct_pack({rest}{key} := trim(x), probability := NULL, decision := '{decision}')"
    parts = f"list_filter(string_split(coalesce({column}, ''), '; '), lambda x: trim(x) <> '')"
    return f"CAST(list_transform({parts}, lambda x: {pack}) AS {kind})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
