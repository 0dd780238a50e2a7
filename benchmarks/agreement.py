"""Agreement of the two independent passes of annotation: Krippendorff's alpha of each topic and each claim.

    .venv/bin/python benchmarks/agreement.py

Prints the table of `data/DATASHEET.md`. A claim has three values: support, oppose, none (Krippendorff 2011,
https://repository.upenn.edu/handle/20.500.14332/2089).
"""

from __future__ import annotations

import json
from itertools import zip_longest
from pathlib import Path
from statistics import mean
from typing import Any

from nltk.metrics.agreement import AnnotationTask

from data import codebook

PASSES = Path(codebook.__file__).with_name("annotations") / "passes.jsonl"


def main() -> None:
    """Print the table in Markdown."""
    book = codebook.load()
    annotated = [json.loads(line) for line in PASSES.read_text(encoding="utf-8").splitlines()]
    topics = [(topic.id, alpha(annotated, [topic.id])) for topic in book.topics]
    claims = [(claim.id, alpha(annotated, [f"{claim.id}/support", f"{claim.id}/oppose"])) for claim in book.claims]
    print(f"{len(annotated):,} sentences, {sum(row['first'] != row['second'] for row in annotated):,} with different labels\n")
    print("| topic | alpha | | claim | alpha |\n|---|---:|---|---|---:|")
    for topic, claim in zip_longest(topics, claims):
        print(f"| {cells(topic)} | | {cells(claim)} |")
    print("| {} | | {} |".format(*(cells(("**mean**", mean(value for _, value in column))) for column in (topics, claims))))


def alpha(annotated: list[dict[str, Any]], values: list[str]) -> float:
    """Alpha of one variable: which of `values`, or none, a sentence carries."""
    data = [
        (annotator, row["id"], next((value for value in values if value in row[annotator]), "none"))
        for row in annotated
        for annotator in ("first", "second")
    ]
    return float(AnnotationTask(data=data).alpha())


def cells(entry: tuple[str, float] | None) -> str:
    """Name and figure as two cells."""
    return f"{entry[0]} | {entry[1]:.2f}" if entry else " | "


if __name__ == "__main__":
    main()
