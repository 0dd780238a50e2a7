"""The learning curve: what more sentences bring. Trains the default family on growing parts of the shipped corpus.

    .venv/bin/python benchmarks/learning_curve.py GOLD.jsonl [GOLD.jsonl ...] --out FOLDER

Each part is made of articles drawn at random (the last one cut) and holds those before it. Writes `learning-curve.md` (a table) and
`learning-curve.svg` (a plot) into the folder; figures are micro F1 with a 95 % bootstrap interval over articles.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.progress import track

from data import codebook, corpus
from data.codebook import Task
from data.files import aside
from data.splits import SEED
from training.config import Config
from training.evaluate import Evaluation
from training.measure import measure
from training.run import train

SIZES = (1_000, 2_000, 4_000, 6_000, 8_000)

Point = dict[tuple[Task, str], Evaluation]


def main(
    gold: Annotated[list[Path], typer.Argument(exists=True, help="Labelled sentences to measure on")],
    out: Annotated[Path, typer.Option(help="The folder to write to")],
    seed: Annotated[int, typer.Option(help="Of all that is drawn")] = SEED,
) -> None:
    """Train on each size, measure on each file, write the table and the plot."""
    whole = corpus.load([], codebook.load())
    curve: dict[int, Point] = {}
    for size in track([*(size for size in SIZES if size < len(whole)), len(whole)], "training"):
        rows = first_articles(whole["article"], size, seed)
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder) / "part.jsonl"
            whole.select(rows).to_json(part, force_ascii=False)
            curve[len(rows)] = {}
            for task in Task:
                trained = train(Config(task, data=(str(part),), seed=seed), Path(folder) / task)
                curve[len(rows)] |= {(task, file.stem): measure(trained.stored, [file], seed)[0] for file in gold}
    with aside(out / "learning-curve.md") as table:
        table.write_text(as_table(curve), encoding="utf-8")
    with aside(out / "learning-curve.svg") as plot:
        draw(curve, plot)


def first_articles(articles: list[str], size: int, seed: int) -> list[int]:
    """Numbers of the first `size` rows, articles put in a random order."""
    order = np.random.default_rng(seed).permutation(sorted(set(articles))).tolist()
    rank = {article: i for i, article in enumerate(order)}
    return sorted(sorted(range(len(articles)), key=lambda row: rank[articles[row]])[:size])


def as_table(curve: dict[int, Point]) -> str:
    """The curve in Markdown."""
    columns = list(next(iter(curve.values())))
    head = ["sentences", *(f"{task.value} on {name}" for task, name in columns)]
    lines = [[f"{size:,}", *(str(point[c].micro.f1) for c in columns)] for size, point in curve.items()]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ["---:"] * len(head), *lines))


def draw(curve: dict[int, Point], path: Path) -> None:
    """The curve as a plot with its intervals."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "sikap"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    for task, name in next(iter(curve.values())):
        points: list[Any] = [point[task, name] for point in curve.values()]
        (line,) = axes.plot(list(curve), [point.micro.f1.value for point in points], marker="o", label=f"{task.value} on {name}")
        low, high = zip(*((point.micro.f1.low, point.micro.f1.high) for point in points), strict=True)
        axes.fill_between(list(curve), low, high, color=line.get_color(), alpha=0.12)
    axes.set(xlabel="sentences trained on", ylabel="micro F1", ylim=(0, 1))
    axes.legend(loc="lower right", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    typer.run(main)
