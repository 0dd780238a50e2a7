"""What `benchmarks/serving.py` found, in Markdown, with the machine that it was found on. Measures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from statistics import mean, median, quantiles

from load import Outcome
from results import figure, machine, table

LIBRARIES = ("mlflow", "fastapi", "uvicorn", "onnxruntime", "tokenizers", "scikit-learn", "numpy")


@dataclass(frozen=True)
class Way:
    """A server and a path on which it was asked: rounds at its fastest, with one sentence a request and with many; then at a set pace."""

    title: str
    small: list[Outcome]
    large: list[Outcome]
    paced: Outcome
    memory: float


@dataclass(frozen=True)
class Soaked:
    """Requests so far, the server's resident memory in MB, and the errors since the line before."""

    requests: int
    memory: float
    errors: int


@dataclass(frozen=True)
class Kind:
    """Answers to one kind of mixed load. Lost are those that never came or tell of a failure; sent away those to come back later."""

    kind: str
    right: int
    wrong: int
    lost: int
    away: int


@dataclass(frozen=True)
class Report:
    """All of a run.

    Attributes:
        load: of the machine before it.
        models: that served.
        ours, theirs: ways to ask `sikap serve`, and MLflow's servers, one for each task.
        clients: that sent small requests, and large ones.
        rows: sentences of a large request.
        rate: requests a second of the set pace.
        minutes: of mixed load.
        changes: that were made of champions meanwhile, in words.
    """

    load: float
    models: str
    sentences: Sequence[str]
    seconds: float
    clients: tuple[int, int]
    rows: int
    rate: float
    ours: Sequence[Way]
    theirs: Sequence[Way]
    soak: Sequence[Soaked]
    minutes: float
    changes: Sequence[str]
    kinds: Sequence[Kind]


def markdown(report: Report) -> str:
    """The whole of `SERVING.md`."""
    small, large = both(report, 1), both(report, report.rows)
    head = [
        "",
        "sentences/s",
        "times MLflow",
        f"sentences/s, {report.rows} a request",
        "times MLflow",
        "errors",
        "p50, ms",
        "p99, ms",
        "memory, MB",
    ]
    lines = [cells(way, report.rows, small, large) for way in report.ours] + [cells(way, report.rows) for way in report.theirs]
    memory = sum(way.memory for way in report.theirs)
    total = ["`mlflow models serve`, one after the other: topics and stance", figure(median(small)), "1.00", figure(median(large)), "1.00"]
    parts = [
        "# Sikap beside MLflow's own server",
        machine(report.load, LIBRARIES),
        conditions(report),
        table([head, *lines, [*total, "", "", "", f"{memory:,.0f}"]]),
        NOTES.format(rate=report.rate, small=report.clients[0], large=report.clients[1], rows=report.rows),
    ]
    if report.soak:
        lines = [[f"{line.requests:,}", f"{line.memory:,.1f}", f"{line.errors:,}"] for line in report.soak]
        parts += [SOAK, table([["requests", "memory, MB", "errors"], *lines])]
    if report.kinds:
        said = MIXED.format(minutes=report.minutes, changes="; ".join(report.changes))
        parts += [said, table([["", "right", "wrong", "lost", "sent away"], *map(counts, report.kinds)])]
    return "\n\n".join(parts) + "\n"


NOTES = """\
`sikap serve` gives topics and stance at once, MLflow serves one model at a time: what both take together is reckoned from the time that a
sentence takes in each of its two servers, and is what ours is compared with. Where an encoder takes all the time, reading a sentence once
for both is twice as fast and no more. Every server runs with the settings that it comes with, and is asked alone while the others idle.
Sentences a second are medians of the rounds, with {small} clients that send one sentence a request, and with {large} that send {rows}, as
fast as answers come; times are the median (and range) of the ratios within each round. Errors are requests, of all rounds, that got
neither an answer nor 429. Percentiles are of single sentences at {rate:.0f} requests a second, each timed from when it was due. Memory is
what is resident after all that, of all processes of a server. Who asks is another process on the same cores."""

SOAK = """\
## Memory over many requests

Resident memory of one `sikap serve`, asked for single sentences at `/label` as fast as it answers."""

MIXED = """\
## Models that change under load

{minutes:g} minutes of texts, articles, sentences, invocations, explanations and bad requests at once, while champions changed:
{changes}.
An answer is right if it is, to the last digit, that of models which may have served between question and answer, worked out without
the server; a bad request is answered right if it is refused for what is wrong with it."""


def conditions(report: Report) -> str:
    """What served, and what it was asked."""
    words = mean(len(text.split()) for text in report.sentences)
    return (
        f"Models: {report.models}. Asked for {len(report.sentences):,} sentences of data/corpus/test, of {words:.0f} words on average, in "
        f"turns; {len(report.ours[0].small)} rounds of {report.seconds:.0f} seconds each."
    )


def speed(outcome: Outcome, rows: int) -> float:
    """Sentences a second."""
    return outcome.statuses.get("200", 0) * rows / outcome.seconds


def both(report: Report, rows: int) -> list[float]:
    """Sentences a second that go through all of MLflow's servers, by round."""
    rounds = zip(*((way.small if rows == 1 else way.large) for way in report.theirs), strict=True)
    return [1 / sum(1 / max(speed(outcome, rows), 1e-9) for outcome in outcomes) for outcomes in rounds]


def cells(way: Way, rows: int, small: Sequence[float] = (), large: Sequence[float] = ()) -> list[str]:
    """A line of the table, compared with sentences a second by round."""
    found = []
    for outcomes, size, others in ((way.small, 1, small), (way.large, rows, large)):
        speeds = [speed(outcome, size) for outcome in outcomes]
        ratios = [one / other for one, other in zip(speeds, others, strict=bool(others))]
        found += [figure(median(speeds)), f"{figure(median(ratios))} ({figure(min(ratios))} to {figure(max(ratios))})" if ratios else ""]
    errors = sum(outcome.errors for outcome in (*way.small, *way.large, way.paced))
    taken = [1000 * seconds for seconds in way.paced.latencies]
    percentiles = quantiles(taken, n=100, method="inclusive") if len(taken) > 1 else [nan] * 99
    return [way.title, *found, f"{errors:,}", figure(percentiles[49]), figure(percentiles[98]), f"{way.memory:,.0f}"]


def counts(kind: Kind) -> list[str]:
    """A line of the last table."""
    return [kind.kind, *(f"{number:,}" for number in (kind.right, kind.wrong, kind.lost, kind.away))]
