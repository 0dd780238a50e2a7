"""What changed between two labellings of the same articles: which tags came and which went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serve.report.read import Labels

_CHANGE = """
    CREATE TABLE change AS
    WITH shared AS (SELECT DISTINCT article, text FROM sentence INTERSECT SELECT DISTINCT article, text FROM then_sentence),
    now AS (SELECT DISTINCT article, text, task, label, decision FROM label JOIN sentence USING (n) JOIN shared USING (article, text)),
    before AS (SELECT DISTINCT article, text, task, label, decision FROM then_label JOIN shared USING (article, text))
    SELECT article, text, task, label, coalesce(before.decision, 'no') AS was, coalesce(now.decision, 'no') AS "is"
    FROM now FULL JOIN before USING (article, text, task, label)
"""


@dataclass(frozen=True)
class Change:
    """A label, and in how many sentences it was `yes` before, is now, came and went."""

    task: str
    label: str
    before: int
    now: int
    came: int
    went: int


@dataclass(frozen=True)
class Diff:
    """What changed.

    Attributes:
        shared: sentences that both have; only those are compared.
        only_old, only_new: sentences of one alone.
        labels: labels that some shared sentence has, surely, in either; those with most changes first.
        sentences: each change of a sentence: article, text, task, label, what it was and what it is (`yes`, `review`, `no`).
    """

    shared: int
    only_old: int
    only_new: int
    labels: list[Change]
    sentences: list[dict[str, Any]]


def diff(old: Path | str, new: Path | str, tags: Mapping[str, str]) -> Diff:
    """Compare what `sikap label` wrote, in any of its forms, at two times.

    Args:
        tags: labels (`claim/side`) by tag, for CSV, which has tags alone.

    Raises:
        ValueError: one of them holds no record.
    """
    then, now = Labels([old]), Labels([new])
    then.name_stances(tags)
    now.name_stances(tags)
    now.database.register("then_sentence", then.database.sql("SELECT article, text FROM sentence").to_arrow_table())
    labels = "SELECT article, text, task, label, decision FROM label JOIN sentence USING (n)"
    now.database.register("then_label", then.database.sql(labels).to_arrow_table())
    now.database.execute(_CHANGE)
    several = "SELECT DISTINCT article, text FROM"
    ((shared, here, there),) = now.rows(f"""
        SELECT (SELECT count(*) FROM ({several} sentence INTERSECT {several} then_sentence)),
            (SELECT count(*) FROM ({several} then_sentence EXCEPT {several} sentence)),
            (SELECT count(*) FROM ({several} sentence EXCEPT {several} then_sentence))
    """)
    by_label = """
        SELECT task, label, count(*) FILTER (was = 'yes') AS before, count(*) FILTER ("is" = 'yes') AS now,
            count(*) FILTER ("is" = 'yes' AND was <> 'yes') AS came, count(*) FILTER ("is" <> 'yes' AND was = 'yes') AS went
        FROM change GROUP BY ALL HAVING before + now > 0 ORDER BY came + went DESC, task DESC, label
    """
    names = ("article", "text", "task", "label", "was", "is")
    changed = now.rows(f"""SELECT {", ".join(f'"{name}"' for name in names)} FROM change WHERE was <> "is" ORDER BY ALL""")
    return Diff(shared, here, there, [Change(*row) for row in now.rows(by_label)], [dict(zip(names, row, strict=True)) for row in changed])
