"""What `benchmarks/peers.py` found, in Markdown, with the machine that it was found on. Measures nothing."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import mean, median

from contestants import REFERENCE

LIBRARIES = ("scikit-learn", "torch", "transformers", "sentence-transformers", "setfit", "onnxruntime", "tokenizers", "numpy")


@dataclass(frozen=True)
class Score:
    """Micro F1 on labelled sentences, with its 95 % interval."""

    f1: float
    low: float
    high: float
    sentences: int


@dataclass(frozen=True)
class Labelling:
    """One round: seconds from the start of the process to the first label, sentences a second by kind, peak memory in MB."""

    cold_start: float
    speed: dict[str, float]
    memory: float


@dataclass(frozen=True)
class Row:
    """A contestant: figures, seconds of training, MB on disk, and its rounds in the order in which they were run."""

    title: str
    topics: Score
    stance: Score
    training: float
    size: float
    rounds: list[Labelling]


@dataclass(frozen=True)
class Scaled:
    """One call of `sikap label`: sentences, seconds from start to end, peak memory in MB."""

    sentences: int
    seconds: float
    memory: float


@dataclass(frozen=True)
class Report:
    """All of a run.

    Attributes:
        rows: contestants by name.
        gold: names of the files measured on, topics and stance.
        learned: how many sentences all learned from.
        timed: the sentences that were timed, by kind.
        steps: of SetFit's tuning.
        load: of the machine before the run.
        family: ours that was scaled up.
    """

    rows: dict[str, Row]
    gold: tuple[str, str]
    learned: int
    timed: dict[str, list[str]]
    steps: int
    load: float
    family: str
    scaled: Sequence[Scaled]


def markdown(report: Report) -> str:
    """The whole of `RESULTS.md`."""
    parts = [
        "# Sikap beside its peers",
        machine(report.load),
        conditions(report),
        table([HEAD, *(cells(row, report.rows[REFERENCE]) for row in report.rows.values())]),
        NOTES.format(steps=report.steps),
    ]
    if report.scaled:
        parts += [SCALED.format(family=report.family), table([SCALED_HEAD, *map(scaled_cells, report.scaled)])]
    return "\n\n".join(parts) + "\n"


HEAD = [
    "",
    "topics F1",
    "stance F1",
    "training, s",
    "sentences/s",
    "short",
    "median",
    "long",
    "times SetFit, one body",
    "memory, MB",
    "model, MB",
    "cold start, s",
]

NOTES = """\
F1 is micro F1 with its 95 % bootstrap interval over articles. Training is of both tasks, as is everything after it: sentences a second with
both labelled, peak memory of the process that labels, models on disk, seconds from the start of the process to its first label. Speeds and
cold starts are medians of the rounds, memory is the highest, and times are the median (and range) of the ratios within each round.

SetFit begins with the encoder that ours begin with. Its contrastive tuning is cut at {steps} steps, all its models together, since its
default would take months on so many sentences; its heads learn from all of them. Labels that peers give are left as numbers, ours are put
into words."""

SCALED = """\
## From few sentences to many

`sikap label --sentences` with the family `{family}`, from the start of the command to its end. The sentences are distinct, halves of the
corpus' own put together."""

SCALED_HEAD = ["sentences", "seconds", "sentences/s", "memory, MB"]


def machine(load: float, libraries: Sequence[str] = LIBRARIES) -> str:
    """Date, machine and versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    return (
        f"{datetime.now(UTC):%d %B %Y}. {processor()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GB of memory, load {load:.1f} "
        f"before the run.\nPython {platform.python_version()}, {versions}."
    )


def processor() -> str:
    """Name of the processor."""
    listed = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.+)$", listed.read_text(), re.MULTILINE) if listed.exists() else None
    return found[1] if found else platform.machine()


def conditions(report: Report) -> str:
    """What was learned from, measured on and timed."""
    row, timed = report.rows[REFERENCE], report.timed
    words = {kind: f"{mean(len(text.split()) for text in texts):.0f}" for kind, texts in timed.items()}
    return (
        f"All learned from the same {report.learned:,} sentences. Measured on {row.topics.sentences:,} sentences for topics "
        f"({report.gold[0]}) and {row.stance.sentences:,} for stance ({report.gold[1]}). Timed on {len(timed['all']):,} of these, of "
        f"{words['all']} words on average (short: {words['short']}, median: {words['median']}, long: {words['long']}), in "
        f"{len(row.rounds)} rounds in turns."
    )


def cells(row: Row, reference: Row) -> list[str]:
    """A contestant's line."""
    ratios = [one.speed["all"] / other.speed["all"] for one, other in zip(row.rounds, reference.rounds, strict=True)]
    return [
        row.title,
        *(f"{score.f1:.2f} ({score.low:.2f} to {score.high:.2f})" for score in (row.topics, row.stance)),
        f"{row.training:,.0f}",
        *(figure(median(one.speed[kind] for one in row.rounds)) for kind in ("all", "short", "median", "long")),
        f"{figure(median(ratios))} ({figure(min(ratios))} to {figure(max(ratios))})",
        f"{max(one.memory for one in row.rounds):,.0f}",
        f"{row.size:,.0f}",
        f"{median(one.cold_start for one in row.rounds):.1f}",
    ]


def scaled_cells(scaled: Scaled) -> list[str]:
    """A line of the second table."""
    return [f"{scaled.sentences:,}", figure(scaled.seconds), figure(scaled.sentences / scaled.seconds), f"{scaled.memory:,.0f}"]


def figure(value: float) -> str:
    """A number with decimals only where they say something."""
    return f"{value:,.2f}" if value < 10 else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def table(lines: list[list[str]]) -> str:
    """A table in Markdown; the first line is its head, the first column words, the others figures."""
    rule = ["---", *["---:"] * (len(lines[0]) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))
