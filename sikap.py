"""The front door: the command `sikap`. Every command reads its arguments, calls one room and prints what came of it.

Exit codes: 0 all is well; 1 something was set aside, the rest is done; 2 nothing could be done.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from data import cli as data_commands
from data.codebook import DEFAULT_PATH, Task
from data.splits import SEED
from models.families import DEFAULT, FAMILIES
from models.pretrained import SHIPPED
from serve.batch import Format
from training.config import Config

if TYPE_CHECKING:
    from training.evaluate import Evaluation

app = typer.Typer(
    help="Sikap tags the sentences of security news with topics and stances.", no_args_is_help=True, pretty_exceptions_enable=False
)
app.add_typer(data_commands.app, name="data")
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

Topics = Annotated[
    str | None, typer.Option("--topics", metavar="MODEL", help="Model folder or registry name (default: sikap-topics@champion)")
]
Stance = Annotated[
    str | None, typer.Option("--stance", metavar="MODEL", help="Model folder or registry name (default: sikap-stance@champion)")
]


def main() -> None:
    """Run the command line; an error that a user can mend is told in words, not in a traceback."""
    try:
        app()
    except (ValueError, OSError) as error:  # the rooms' own errors say what was expected, found and to be done
        errors.print(f"[bold red]error:[/] {_plain(error)}", soft_wrap=True)
        sys.exit(2)


@app.command()
def train(
    task: Task,
    family: Annotated[str, typer.Option(help=f"One of {', '.join(FAMILIES)}")] = DEFAULT,
    data: Annotated[
        list[str], typer.Option(help="Labelled JSONL, a folder of it, or any dataset with its columns (default: the shipped corpus)")
    ] = [],  # noqa: B006
    codebook: Annotated[Path, typer.Option(help="Where the labels come from")] = DEFAULT_PATH,
    encoder: Annotated[str, typer.Option(help="Any encoder that transformers loads: a folder or a hub name")] = SHIPPED,
    epochs: Annotated[int | None, typer.Option(help="Of family finetuned, at most (default: as models/tuning.py has it)", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Of all that is drawn")] = SEED,
) -> None:
    """Train a model, measure it out of fold, track it in MLflow and register it."""
    from training import run, tracking

    config = Config(task, family, tuple(data), codebook, encoder, epochs=epochs, seed=seed)
    with tempfile.TemporaryDirectory() as folder, tracking.followed(config) as watch:
        trained = run.train(config, Path(folder) / "model", lambda stage: console.print(f"[dim]{task.value}: {stage}[/]"), watch)
        console.print(f"[dim]{task.value}: writing to MLflow[/]")
        registered = tracking.track(trained)
    console.print(_figures(f"{task.value}, {family}: out of fold", trained.out_of_fold))
    console.print(
        f"micro F1 {_f1(trained.out_of_fold)}, baseline {trained.baseline.micro.f1:.2f}; registered as "
        f"[bold]{registered.name}/{registered.version}[/]" + (", now the champion" if registered.is_champion else "")
    )


@app.command()
def label(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help=".txt, .html, .jsonl, or folders of them")],
    out: Annotated[Path, typer.Option(help="The file to write")],
    format: Annotated[Format | None, typer.Option(help="(default: by the suffix of --out, else jsonl)")] = None,
    sentences: Annotated[bool, typer.Option("--sentences", help="Each JSONL row is one sentence already")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Write every label with its probability")] = False,
    topics: Topics = None,
    stance: Stance = None,
) -> None:
    """Label articles: one record a sentence."""
    from serve.batch import label_files
    from serve.predictor import Predictor

    suffix = out.suffix.lstrip(".").lower()
    form = format or (Format(suffix) if suffix in list(Format) else Format.jsonl)
    with errors.status("loading the models") as status:
        predictor = Predictor.named(topics, stance)
        summary = label_files(
            inputs, out, predictor, form, sentences, everything, lambda done: status.update(f"{done.sentences:,} sentences labelled")
        )
    for fault in summary.faults:
        errors.print(f"[yellow]set aside:[/] {_plain(fault)}", soft_wrap=True)
    read = f"{summary.sentences:,} sentences" + ("" if sentences else f" of {summary.articles:,} articles")
    written = _plain(out) if summary.sentences else "nothing written"
    console.print(f"labelled {read}, set aside {len(summary.faults):,}: {written}", soft_wrap=True)
    raise typer.Exit(2 if not summary.sentences else 1 if summary.faults else 0)


@app.command()
def evaluate(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="Labelled sentences", exists=True)],
    topics: Topics = None,
    stance: Stance = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON")] = False,
) -> None:
    """Compare models with labelled sentences: both champions, or the models that are named."""
    from dataclasses import asdict

    from models import registry, store
    from training.run import measure

    both = topics is None and stance is None
    named = {Task.topics: topics, Task.stance: stance}
    measured: dict[str, Any] = {}
    for task, name in named.items():
        if name is None and not both:
            continue
        stored = store.load(registry.resolve(name or registry.champion(task)))
        if stored.task is not task:
            raise ValueError(f"{name}: expected a model of {task.value}, found one of {stored.task.value}")
        result = measure(stored, [file], SEED)
        measured[task.value] = {"model": stored.reference} | asdict(result)
        if not as_json:
            console.print(_figures(f"{task.value}: {stored.reference} on {_plain(file)}", result))
    if as_json:
        print(json.dumps(measured, indent=1, ensure_ascii=False))


@app.command()
def runs(task: Annotated[Task | None, typer.Argument(help="Only runs of this task")] = None) -> None:
    """Show the tracked runs with their main figures."""
    from training import tracking

    table = Table("run", "started (UTC)", "task", "family", "version", "sentences", *tracking.MAIN_FIGURES, "status")
    for past in tracking.past_runs(task):
        figures = [f"{past.figures[name]:.3f}" if name in past.figures else "" for name in tracking.MAIN_FIGURES]
        started = f"{past.started:%Y-%m-%d %H:%M}"
        table.add_row(past.run_id[:8], started, past.task, past.family, past.version, past.sentences, *figures, past.status.lower())
    console.print(table)


@app.command()
def show(file: Annotated[Path, typer.Argument(metavar="LABELS.jsonl", help="What `sikap label` wrote", exists=True)]) -> None:
    """Show labelled sentences as a table."""
    from data.article import Fault, rows

    table = Table("sentence", "topics", "stance", show_lines=True, title=_plain(file))
    table.columns[0].ratio, table.columns[1].ratio, table.columns[2].ratio = 5, 2, 2
    article = None
    for source, record in rows(file):
        if isinstance(record, Fault):
            raise ValueError(str(record))
        try:
            if record["article"] != article:
                article = record["article"]
                table.add_row(f"[bold]{_plain(article)}[/]", "", "")
            topics = _cell(record["topics"], lambda entry: entry["id"])
            table.add_row(_plain(record["text"]), topics, _cell(record["stances"], lambda entry: entry["tag"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{source}: expected a record that `sikap label` wrote as JSONL") from error
    console.print(table)


def _cell(entries: list[dict[str, Any]], name: Callable[[dict[str, Any]], str]) -> str:
    """Labels with probabilities, the sure ones first; those for review are dim and have a question mark."""
    shown = sorted((e for e in entries if e["decision"] != "no"), key=lambda e: (e["decision"] == "review", -e["probability"]))
    return "\n".join(
        f"{_plain(name(e))} {e['probability']:.2f}" if e["decision"] == "yes" else f"[dim]{_plain(name(e))}? {e['probability']:.2f}[/]"
        for e in shown
    )


def _figures(title: str, evaluation: Evaluation) -> Table:
    table = Table("label", title=title)
    for name in ("precision", "recall", "F1", "sentences"):
        table.add_column(name, justify="right")
    for label, score in evaluation.labels.items():
        if score.support:
            table.add_row(_plain(label), f"{score.precision:.2f}", f"{score.recall:.2f}", f"{score.f1:.2f}", f"{score.support:,}")
    table.add_section()
    micro = evaluation.micro
    table.add_row("micro", f"{micro.precision:.2f}", f"{micro.recall:.2f}", f"[bold]{micro.f1:.2f}[/]", f"{evaluation.sentences:,}")
    table.add_row("95 % interval", "", "", "{:.2f} to {:.2f}".format(*evaluation.micro_interval), "")
    table.add_row("macro", "", "", f"{evaluation.macro_f1:.2f}", "")
    table.add_row("likeliest label right", f"{evaluation.likeliest:.2f}", "", "", "")
    return table


def _f1(evaluation: Evaluation) -> str:
    return "[bold]{:.2f}[/] (95 % interval {:.2f} to {:.2f})".format(evaluation.micro.f1, *evaluation.micro_interval)


def _plain(text: object) -> str:
    """Text in which rich finds no markup."""
    from rich.markup import escape

    return escape(str(text))


if __name__ == "__main__":
    main()
