"""What `benchmarks/batch.py` found, in Markdown, with the machine that it was found on. Measures nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from results import figure, machine, table

LIBRARIES = ("onnxruntime", "tokenizers", "scikit-learn", "numpy", "setfit", "sentence-transformers", "torch")


@dataclass(frozen=True)
class Timed:
    """Sentences, and the seconds that labelling them took."""

    sentences: int
    seconds: float

    @property
    def speed(self) -> float:
        """Sentences a second."""
        return self.sentences / self.seconds


@dataclass(frozen=True)
class Over:
    """A part of the run: when it ended (seconds), and the least and the most that all its processes held, in MB."""

    until: float
    least: float
    most: float


@dataclass(frozen=True)
class Report:
    """All of a run.

    Attributes:
        load: of the machine before it.
        models: that labelled, and their codebook.
        articles: that `sikap label` labelled.
        whole: `sikap label`, from the start of the command to its end.
        over: its memory, part by part.
        others: what it is compared with: articles, and the times before and after.
        cores: of the machine.
        steps: of SetFit's tuning.
    """

    load: float
    models: Sequence[str]
    articles: int
    whole: Timed
    over: Sequence[Over]
    others: Mapping[str, tuple[int, Sequence[Timed]]]
    cores: int
    steps: int


def markdown(report: Report) -> str:
    """The whole of `BATCH.md`."""
    head = ["", "articles", "sentences", "seconds", "sentences/s", "times as fast is `sikap label`"]
    lines = [_cells("`sikap label`", report.articles, report.whole, report.whole)]
    for title, (articles, found) in report.others.items():
        lines += [_cells(f"{title}, {when}", articles, one, report.whole) for when, one in zip(("before", "after"), found, strict=True)]
    memory = [[f"{part.until:,.0f}", f"{part.least:,.0f}", f"{part.most:,.0f}"] for part in report.over]
    parts = [
        "# Labelling many articles",
        machine(report.load, LIBRARIES),
        f"Models: {', '.join(report.models)}.",
        table([head, *lines]),
        NOTES.format(cores=report.cores, steps=report.steps),
        "## Memory over the run",
        "The least and the most that all processes of `sikap label` held, in each tenth of the run above; what they share counts for each.",
        table([["seconds", "least, MB", "most, MB"], *memory]),
    ]
    return "\n\n".join(parts) + "\n"


NOTES = """\
Articles are two authored sentences each, no two the same. `sikap label` reads them from JSONL, splits them, labels topics and stance, keeps
a journal and writes JSONL; it is timed from the start of the command to its end. The bare engine makes the same records of sentences that
are in memory already, {cores} processes side by side, and throws them away. SetFit (one body for both tasks, fp32, one process with as
many threads) is asked for the sentences of one article after the other, and for all at once, in memory too; its labels are left as numbers.
It was tuned for {steps} steps only, which changes nothing of its speed. Loading is timed of `sikap label` alone."""


def _cells(title: str, articles: int, timed: Timed, ours: Timed) -> list[str]:
    return [
        title,
        f"{articles:,}",
        f"{timed.sentences:,}",
        f"{timed.seconds:,.1f}",
        figure(timed.speed),
        figure(ours.speed / timed.speed),
    ]
