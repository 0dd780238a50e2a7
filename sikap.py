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
    from models.store import Stored
    from training.behaviour import Behaviour
    from training.evaluate import Evaluation, PairEvaluation

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
    pretrain: Annotated[list[str], typer.Option(help="JSONL of pairs that the family pair goes through first")] = [],  # noqa: B006
    codebook: Annotated[Path, typer.Option(help="Where the labels come from")] = DEFAULT_PATH,
    encoder: Annotated[str, typer.Option(help="Any encoder that transformers loads: a folder or a hub name")] = SHIPPED,
    epochs: Annotated[int | None, typer.Option(help="Of the families finetuned (at most) and pair (default: their own)", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Of all that is drawn")] = SEED,
) -> None:
    """Train a model, measure it out of fold, track it in MLflow and register it."""
    from training import run, tracking

    config = Config(task, family, tuple(data), tuple(pretrain), codebook, encoder, epochs=epochs, seed=seed)
    with tempfile.TemporaryDirectory() as folder, tracking.followed(config) as watch:
        trained = run.train(config, Path(folder) / "model", lambda stage: console.print(f"[dim]{task.value}: {stage}[/]"), watch)
        console.print(f"[dim]{task.value}: writing to MLflow[/]")
        registered = tracking.track(trained)
    console.print(_figures(f"{task.value}, {family}: out of fold", trained.out_of_fold))
    if trained.behaviour:
        verdict = "passes" if trained.behaviour.passes else "does not pass"
        console.print(f"behaviour: {trained.behaviour.rate:.2f} of the cases, {verdict}; `sikap evaluate --behaviour` tells more")
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
    codebook: Annotated[
        Path | None,
        typer.Option(help="Claims in it that the stance model does not know are read by the reader (default: data/codebook.yaml)"),
    ] = None,
    reader: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Model of family pair for new claims (default: sikap-stance@reader)")
    ] = None,
) -> None:
    """Label articles: one record a sentence.

    Claims that were added to the codebook since the stance model was trained are read in their own words by a model of the
    family pair, on the sentences that may concern them.
    """
    from serve.batch import label_files
    from serve.predictor import Predictor

    suffix = out.suffix.lstrip(".").lower()
    form = format or (Format(suffix) if suffix in list(Format) else Format.jsonl)
    with errors.status("loading the models") as status:
        predictor = Predictor.named(topics, stance, codebook, reader)
        summary = label_files(
            inputs, out, predictor, form, sentences, everything, lambda done: status.update(f"{done.sentences:,} sentences labelled")
        )
    for fault in summary.faults:
        errors.print(f"[yellow]set aside:[/] {_plain(fault)}", soft_wrap=True)
    if predictor.reader:
        read_claims = ", ".join(claim.id for claim in predictor.reader.codebook.claims)
        console.print(f"new claims, read by {predictor.reader.reference}: {_plain(read_claims)}", soft_wrap=True)
    if predictor.unread:
        errors.print(
            f"[yellow]not labelled:[/] new claims that no model reads yet: {_plain(', '.join(predictor.unread))}; "
            "train one with `sikap train stance --family pair`",
            soft_wrap=True,
        )
    read = f"{summary.sentences:,} sentences" + ("" if sentences else f" of {summary.articles:,} articles")
    written = _plain(out) if summary.sentences else "nothing written"
    console.print(f"labelled {read}, set aside {len(summary.faults):,}: {written}", soft_wrap=True)
    raise typer.Exit(2 if not summary.sentences else 1 if summary.faults else 0)


@app.command()
def evaluate(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE.jsonl]", help="Labelled sentences, or rows of text, target and stance", exists=True)
    ] = None,
    topics: Topics = None,
    stance: Stance = None,
    behaviour: Annotated[bool, typer.Option("--behaviour", help="Run the stance model through the cases that it must understand")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON")] = False,
) -> None:
    """Compare models with labelled sentences: both champions, or the models that are named.

    With --behaviour, exit code 1 where the model does not pass.
    """
    from dataclasses import asdict

    from data import pairs
    from training.evaluate import PairEvaluation
    from training.run import measure, measure_pairs

    if behaviour == bool(file):
        raise ValueError("expected a file of labelled sentences, or --behaviour, found " + ("both" if file else "neither"))
    if not file:
        raise typer.Exit(_evaluate_behaviour(stance, as_json))
    named = {Task.topics: topics, Task.stance: stance}
    tasks = [Task.stance] if pairs.holds(file) else [task for task in Task if named[task] or not any(named.values())]
    measured: dict[str, Any] = {}
    for task in tasks:
        stored = _model(named[task], task)
        result = measure_pairs(stored, file, SEED) if pairs.holds(file) else measure(stored, [file], SEED)
        measured[task.value] = {"model": stored.reference} | asdict(result)
        if not as_json:
            title = f"{task.value}: {stored.reference} on {_plain(file)}"
            console.print(_pair_figures(title, result) if isinstance(result, PairEvaluation) else _figures(title, result))
    if as_json:
        print(json.dumps(measured, indent=1, ensure_ascii=False))


def _evaluate_behaviour(stance: str | None, as_json: bool) -> int:
    from training import tracking
    from training.behaviour import behave

    stored = _model(stance, Task.stance)
    found = behave(stored)
    if not found:
        raise ValueError(
            f"{stored.reference}: expected a model with claims of the behaviour suite, found none in {stored.codebook.reference}"
        )
    run_id = tracking.run_of(stored)
    if run_id:
        tracking.note_behaviour(run_id, found)
    if as_json:
        print(
            json.dumps({"model": stored.reference, "rate": found.rate, "passes": found.passes} | vars(found), indent=1, ensure_ascii=False)
        )
    else:
        console.print(_behaviour(f"behaviour: {stored.reference}", found, failed=2))
    return 0 if found.passes else 1


def _model(name: str | None, task: Task) -> Stored:
    """The named model, or the champion of the task."""
    from models import registry, store

    stored = store.load(registry.resolve(name or registry.champion(task)))
    if stored.task is not task:
        raise ValueError(f"{name}: expected a model of {task.value}, found one of {stored.task.value}")
    return stored


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


def _pair_figures(title: str, evaluation: PairEvaluation) -> Table:
    table = Table("stance", title=title)
    for name in ("precision", "recall", "F1", "rows"):
        table.add_column(name, justify="right")
    for stance, score in evaluation.stances.items():
        table.add_row(stance, f"{score.precision:.2f}", f"{score.recall:.2f}", f"{score.f1:.2f}", f"{score.support:,}")
    table.add_section()
    table.add_row("macro, of the stances that occur", "", "", f"[bold]{evaluation.macro_f1:.3f}[/]", f"{evaluation.rows:,}")
    table.add_row("95 % interval", "", "", "{:.3f} to {:.3f}".format(*evaluation.macro_interval), "")
    table.add_row("mean of support and oppose", "", "", f"{evaluation.sides_f1:.3f}", "")
    table.add_row("accuracy", f"{evaluation.accuracy:.3f}", "", "", "")
    return table


def _behaviour(title: str, found: Behaviour, failed: int) -> Table:
    """Pass rates by kind, with as many failed cases of each as are wanted."""
    table = Table("kind", "passed", "cases", "rate", title=title)
    for kind, (passed, cases) in found.kinds.items():
        table.add_row(kind, str(passed), str(cases), f"{passed / cases:.2f}")
        for case in [case for case in found.failed if case["kind"] == kind][:failed]:
            table.add_row(f"[dim]  {_plain(case['text'])}\n  {case['claim']}: expected {case['expect']}, found {case['found']}[/]")
    table.add_section()
    verdict = "[green]passes[/]" if found.passes else "[red]fails[/]"
    passed, cases = (sum(column) for column in zip(*found.kinds.values(), strict=True))
    table.add_row(f"all: {verdict}", str(passed), str(cases), f"[bold]{found.rate:.2f}[/]")
    return table


def _f1(evaluation: Evaluation) -> str:
    return "[bold]{:.2f}[/] (95 % interval {:.2f} to {:.2f})".format(evaluation.micro.f1, *evaluation.micro_interval)


def _plain(text: object) -> str:
    """Text in which rich finds no markup."""
    from rich.markup import escape

    return escape(str(text))


if __name__ == "__main__":
    main()
