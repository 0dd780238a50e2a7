"""Counting: from the tables of labels to numbers by outlet, period and organisation, and to the sentences worth reading."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from data import organisations
from data.codebook import Task, expression
from serve.report.makers import Label, Maker
from serve.report.read import Labels

MOST_OUTLETS = 12
OTHERS, UNNAMED = "other outlets", "outlet not known"
UNITS = (("day", 45), ("week", 190), ("month", 1500))  # up to so many days, else years
SHOWN, LOOKED_AT = 3, 60  # sentences that are shown of a kind, and among which those that differ are sought
LETTERS = 600  # of a sentence that are shown

Slice = tuple[str, str]  # a part of all sentences: ("all", ""), ("outlet", ...), ("organisation", ...), ("period", ...)
EVERYTHING: Slice = ("all", "")


@dataclass(frozen=True)
class Sentence:
    """A sentence to look at, and what was said of it; no probability where the file has none (CSV)."""

    text: str
    language: str | None
    place: str
    label: str
    probability: float | None


@dataclass
class Counts:
    """Numbers of sentences.

    Attributes:
        unit: day, week, month or year, by which periods are cut; empty without dates.
        slices: names of each kind of slice, in the order in which they are shown.
        read: sentences of a slice, by what labelled them.
        said: labels of a slice that are `yes`, by label and by what labelled them.
        review: the same of those that go to review.
        certain, doubtful: per claim and side, sentences that are surest, and those in review that are least sure.
    """

    sentences: int
    articles: int
    undated: int
    first: date | None
    last: date | None
    unit: str
    languages: list[tuple[str, int]]
    codebooks: list[str]
    slices: dict[str, list[str]]
    read: dict[Slice, dict[Maker, int]]
    said: dict[tuple[Slice, Label], dict[Maker, int]] = field(default_factory=dict)
    review: dict[tuple[Slice, Label], int] = field(default_factory=dict)
    certain: dict[str, list[Sentence]] = field(default_factory=dict)
    doubtful: dict[str, list[Sentence]] = field(default_factory=dict)

    @property
    def labels(self) -> list[Label]:
        """Labels that some sentence has, surely or perhaps."""
        return sorted({label for _, label in self.said})


def count(labels: Labels) -> Counts:
    """Count labels by slice."""
    ((sentences, articles, undated, first, last),) = labels.rows(
        "SELECT count(*), count(DISTINCT (file, article)), count(*) - count(date), min(date), max(date) FROM sentence"
    )
    days = (last - first).days + 1 if first else 0
    unit = next((name for name, most in UNITS if days <= most), "year") if first else ""
    makers = labels.makers
    slices = {"period": _periods(first, last, unit) if first else [], "outlet": _outlets(labels), "organisation": []}
    _mark_members(labels, slices["outlet"], unit)
    found = Counts(
        sentences,
        articles,
        undated,
        first,
        last,
        unit,
        labels.rows("SELECT coalesce(lang, '?'), count(*) FROM sentence GROUP BY 1 ORDER BY 2 DESC, 1"),
        [name for (name,) in labels.rows("SELECT DISTINCT codebook FROM maker WHERE codebook IS NOT NULL ORDER BY 1")],
        slices,
        defaultdict(dict),
    )
    for kind, name, maker, many in labels.rows(
        "SELECT kind, slice, maker, count(*) FROM member JOIN sentence USING (n) GROUP BY ALL ORDER BY ALL"
    ):
        found.read[kind, name][makers[maker]] = found.read[kind, name].get(makers[maker], 0) + many
    query = """
        SELECT kind, slice, task, label, maker, count(*) FILTER (decision = 'yes'), count(*) FILTER (decision = 'review')
        FROM label JOIN member USING (n) JOIN sentence USING (n) GROUP BY ALL ORDER BY ALL
    """
    for kind, name, task, text, maker, said, review in labels.rows(query):
        part, label = (kind, name), (Task(task), text)
        by = found.said.setdefault((part, label), {})
        by[makers[maker]] = by.get(makers[maker], 0) + said
        found.review[part, label] = found.review.get((part, label), 0) + review
    mentioned = {name: sum(by.values()) for (kind, name), by in found.read.items() if kind == "organisation"}
    slices["organisation"] = sorted(mentioned, key=lambda name: (-mentioned[name], name))
    found.certain = _sentences(labels, "yes", "probability DESC")
    found.doubtful = _sentences(labels, "review", "abs(probability - 0.5)")
    return found


def _outlets(labels: Labels) -> list[str]:
    """The outlets with most sentences; none where no record names one."""
    named: list[Any] = labels.rows("SELECT outlet, count(*) FROM sentence WHERE outlet IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1")
    if not named:
        return []
    (unnamed,) = labels.rows("SELECT count(*) FROM sentence WHERE outlet IS NULL")[0]
    rest = ([OTHERS] if len(named) > MOST_OUTLETS else []) + ([UNNAMED] if unnamed else [])
    return [name for name, _ in named[:MOST_OUTLETS]] + rest


def _periods(first: date, last: date, unit: str) -> list[str]:
    """The first days of all periods from one day to another, as ISO text.

    >>> _periods(date(2024, 1, 31), date(2024, 3, 1), "month")
    ['2024-01-01', '2024-02-01', '2024-03-01']
    >>> _periods(date(2024, 5, 8), date(2024, 5, 14), "week")
    ['2024-05-06', '2024-05-13']
    """
    here = {
        "day": first,
        "week": first - timedelta(first.weekday()),
        "month": first.replace(day=1),
        "year": first.replace(month=1, day=1),
    }[unit]
    found = []
    while here <= last:
        found.append(here.isoformat())
        if unit in ("day", "week"):
            here += timedelta(7 if unit == "week" else 1)
        else:
            here = (here + timedelta(31 if unit == "month" else 366)).replace(day=1)
    return found


def _mark_members(labels: Labels, outlets: list[str], unit: str) -> None:
    """The table `member`: to which slices each sentence belongs."""
    run = labels.database.execute
    run("CREATE TABLE member (n BIGINT, kind VARCHAR, slice VARCHAR)")
    run("INSERT INTO member SELECT n, 'all', '' FROM sentence")
    if outlets:
        name = "CASE WHEN outlet IS NULL THEN $unnamed WHEN list_contains($shown, outlet) THEN outlet ELSE $others END"
        values = {"unnamed": UNNAMED, "others": OTHERS, "shown": outlets[:MOST_OUTLETS]}
        run(f"INSERT INTO member SELECT n, 'outlet', {name} FROM sentence", values)
    if unit:
        start = "strftime(date_trunc($unit, date), '%Y-%m-%d')"
        run(f"INSERT INTO member SELECT n, 'period', {start} FROM sentence WHERE date IS NOT NULL", {"unit": unit})
    known = organisations.load()
    names = {one.id: one.name for one in known}
    for language in sorted({language for one in known for language in one.spellings}):
        spelled = organisations.by_spelling(known, language)
        pattern = expression(word for one in known for word in one.spellings.get(language, ()))
        run(
            "INSERT INTO member SELECT DISTINCT n, 'organisation', map_extract_value(map($spelled, $names), lower(word)) FROM "
            "(SELECT n, unnest(regexp_extract_all(text, $pattern)) AS word FROM sentence WHERE lang = $language)",
            {"spelled": list(spelled), "names": [names[one] for one in spelled.values()], "pattern": pattern, "language": language},
        )


def _sentences(labels: Labels, decision: str, order: str) -> dict[str, list[Sentence]]:
    """Per stance, the first sentences in an order, each text once."""
    query = f"""
        SELECT label, left(text, {LETTERS + 1}), lang, article, outlet, date, probability FROM (
            FROM label WHERE task = 'stance' AND decision = ?
            QUALIFY row_number() OVER (PARTITION BY label ORDER BY {order} NULLS LAST, n) <= {LOOKED_AT}
        ) JOIN sentence USING (n) ORDER BY label, {order} NULLS LAST, n
    """
    found: dict[str, list[Sentence]] = defaultdict(list)
    for label, text, language, article, outlet, day, probability in labels.rows(query, [decision]):
        kept = found[label]
        shown = text if len(text) <= LETTERS else text[:LETTERS].rstrip() + " …"
        if len(kept) < SHOWN and shown not in {sentence.text for sentence in kept}:
            place = ", ".join(str(part) for part in (outlet, day, article) if part)
            kept.append(Sentence(shown, language, place, label, probability))
    return dict(found)
