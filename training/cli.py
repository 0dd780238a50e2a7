"""The commands that make models, measure them, and decide which one serves."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from data.codebook import DEFAULT_PATH, Task
from data.console import Stance, Topics, console, errors, plain
from data.splits import SEED
from models.families import DEFAULT, FAMILIES
from models.heads import RIDGE, C
from models.pretrained import SHIPPED
from models.promise import Promise
from training.config import Config

if TYPE_CHECKING:
    from models.store import Stored

Data = Annotated[
    list[str], typer.Option(help="Labelled JSONL, a folder of it, or any dataset with its columns (default: the shipped corpus)")
]
Family = Annotated[str, typer.Option(help=f"One of {', '.join(FAMILIES)}")]
Book = Annotated[Path, typer.Option(help="Where the labels come from")]
Base = Annotated[str, typer.Option(help="Any encoder that transformers loads: a folder or a hub name")]
Seed = Annotated[int, typer.Option(help="Of all that is drawn")]
On = Annotated[list[Path], typer.Option("--on", help="Labelled sentences to compare on (default: the frozen test split)")]


def train(
    task: Task,
    family: Family = DEFAULT,
    data: Data = [],  # noqa: B006
    pretrain: Annotated[list[str], typer.Option(help="JSONL of pairs that the family pair goes through first")] = [],  # noqa: B006
    codebook: Book = DEFAULT_PATH,
    encoder: Base = SHIPPED,
    c: Annotated[float, typer.Option("--C", help="Inverse strength of regularisation, on words")] = C,
    ridge: Annotated[float, typer.Option(help="Strength of regularisation, on vectors")] = RIDGE,
    epochs: Annotated[int | None, typer.Option(help="Of the families finetuned (at most) and pair (default: their own)", min=1)] = None,
    precision: Annotated[float | None, typer.Option(help="Promise that so much of what is `yes` is right; the rest goes to review")] = None,
    recall: Annotated[float | None, typer.Option(help="Promise that so much of what is true is `yes` or goes to review")] = None,
    confidence: Annotated[float, typer.Option(help="That the promise is kept, on sentences like those learned from")] = Promise.confidence,
    seed: Seed = SEED,
) -> None:
    """Train a model, measure it out of fold, track it in MLflow and register it."""
    from training import run, tables, tracking

    promise = Promise(precision, recall, confidence)
    config = Config(task, family, tuple(data), tuple(pretrain), codebook, encoder, c, ridge, epochs, promise, seed)
    with tempfile.TemporaryDirectory() as folder, tracking.followed(config) as watch:
        trained = run.train(config, Path(folder) / "model", lambda stage: console.print(f"[dim]{task.value}: {stage}[/]"), watch)
        console.print(f"[dim]{task.value}: writing to MLflow[/]")
        registered = tracking.track(trained)
    console.print(tables.figures(f"{task.value}, {family}: out of fold", trained.out_of_fold, trained.baselines))
    console.print(tables.more_figures(trained.out_of_fold))
    if trained.behaviour:
        verdict = "passes" if trained.behaviour.passes else "does not pass"
        console.print(f"behaviour: {trained.behaviour.rate:.2f} of the cases, {verdict}; `sikap evaluate --behaviour` tells more")
    if precision and not trained.out_of_fold.micro.recall.value:
        errors.print(
            f"[yellow]not promised:[/] a precision of {precision} with any threshold, at confidence {confidence}: all goes to review",
            soft_wrap=True,
        )
    console.print(
        f"micro F1 [bold]{trained.out_of_fold.micro.f1}[/]; registered as [bold]{registered.name}/{registered.version}[/]"
        + (", now the champion" if registered.is_champion else f"; `sikap promote {task.value} {registered.version}` lets it serve")
    )


def tune(
    task: Task,
    trials: Annotated[int, typer.Option(help="How many settings to try; those of an earlier, broken-off search count", min=1)] = 20,
    family: Annotated[str, typer.Option(help="linear or encoder")] = DEFAULT,
    data: Data = [],  # noqa: B006
    codebook: Book = DEFAULT_PATH,
    encoder: Base = SHIPPED,
    seed: Seed = SEED,
) -> None:
    """Search for the settings with which a family learns best, by average precision on held-out articles.

    The trials are nested runs in MLflow; one that is worse than most is given up early. Run it again to go on.
    """
    from training import search

    config = Config(task, family, tuple(data), codebook=codebook, encoder=encoder, seed=seed)
    best = search.search(config, trials, lambda word: console.print(f"[dim]{task.value}: {word}[/]"))
    console.print(f"best of {best.trials} trials ({best.pruned} given up early): average precision {best.value:.4f}")
    settings = " ".join(f"--{name} {value:.4g}" for name, value in best.settings.items())
    console.print(f"sikap train {task.value} --family {family} {settings}", soft_wrap=True)


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
    from training import tables
    from training.measure import measure, measure_pairs

    if behaviour == bool(file):
        raise ValueError("expected a file of labelled sentences, or --behaviour, found " + ("both" if file else "neither"))
    if not file:
        raise typer.Exit(_evaluate_behaviour(stance, as_json))
    named = {Task.topics: topics, Task.stance: stance}
    in_pairs = pairs.holds(file)
    tasks = [Task.stance] if in_pairs else [task for task in Task if named[task] or not any(named.values())]
    measured: dict[str, Any] = {}
    for task in tasks:
        stored = _model(named[task], task)
        title = f"{task.value}: {stored.reference} on {plain(file)}"
        if in_pairs:
            of_pairs = measure_pairs(stored, file, SEED)
            measured[task.value] = {"model": stored.reference} | asdict(of_pairs)
            printed = [tables.pair_figures(title, of_pairs)]
        else:
            found, baselines = measure(stored, [file], SEED)
            beside = {name: asdict(baseline) for name, baseline in baselines.items()}
            measured[task.value] = {"model": stored.reference} | asdict(found) | {"baselines": beside}
            printed = [tables.figures(title, found, baselines), tables.more_figures(found)]
        if not as_json:
            console.print(*printed, sep="\n")
    if as_json:
        print(json.dumps(measured, indent=1, ensure_ascii=False))


def _evaluate_behaviour(stance: str | None, as_json: bool) -> int:
    from training import runs, tables, tracking
    from training.behaviour import behave

    stored = _model(stance, Task.stance)
    found = behave(stored)
    if not found:
        raise ValueError(
            f"{stored.reference}: expected a model with claims of the behaviour suite, found none in {stored.codebook.reference}"
        )
    run_id = runs.run_of(stored)
    if run_id:
        tracking.note_behaviour(run_id, found)
    if as_json:
        result = {"model": stored.reference, "rate": found.rate, "passes": found.passes} | vars(found)
        print(json.dumps(result, indent=1, ensure_ascii=False))
    else:
        console.print(tables.behaviour(f"behaviour: {stored.reference}", found, failed=2))
    return 0 if found.passes else 1


def runs(task: Annotated[Task | None, typer.Argument(help="Only runs of this task")] = None) -> None:
    """Show the tracked runs with their main figures."""
    from training import runs

    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in ("run", "version", "family", "micro F1", "ranking", "off by", "started"):
        table.add_column(name, no_wrap=True)
    for past in runs.past_runs(task):
        found = {name: f"{value:.2f}" for name, value in past.figures.items()}
        interval = " ({micro_f1_low} to {micro_f1_high})".format(**found) if "micro_f1_low" in found else ""
        version = f"{past.task}/{past.version}" if past.version else past.status.lower()
        error = f"{past.figures['calibration_error']:.3f}" if "calibration_error" in past.figures else ""
        figures = [found.get("micro_f1", "") + interval, found.get("average_precision", ""), error]
        table.add_row(past.run_id[:8], version, past.family, *figures, f"{past.started:%Y-%m-%d}")
    console.print(table)
    console.print("ranking: average precision; off by: calibration error; all out of fold", style="dim")


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="Model folder or registry name, such as sikap-topics/1")],
    second: Annotated[str, typer.Argument(metavar="B", help="The same of another model of the same task")],
    on: On = [],  # noqa: B006
    most: Annotated[int, typer.Option(help="Disagreements to show")] = 20,
) -> None:
    """Show two models side by side, label by label, with the sentences on which they disagree."""
    from models import registry, store
    from training import comparison, tables

    one, two = (store.load(registry.resolve(name)) for name in (first, second))
    found = comparison.compare(one, two, on, SEED)
    title = f"{plain(first)} ({found.models[0]}) and {plain(second)} ({found.models[1]}): F1, {found.evaluations[0].sentences:,} sentences"
    console.print(tables.comparison(title, found))
    console.print(tables.disagreements(found, most))


def promote(
    task: Task,
    candidate: Annotated[str, typer.Argument(metavar="RUN_OR_VERSION", help="As `sikap runs` shows them")],
    on: On = [],  # noqa: B006
    force: Annotated[str | None, typer.Option(metavar="REASON", help="Promote it whatever got worse, and keep this reason")] = None,
) -> None:
    """Let a version serve, if nothing got worse: compare it with the champion on the same sentences, and move the alias.

    Exit code 1 where it is refused.
    """
    from models import registry, store
    from training import comparison, promotion, tables

    name, version, serving = registry.registered_name(task), promotion.version_of(task, candidate), promotion.champion(task)
    if force is not None and not force.strip():
        raise ValueError("expected a reason after --force, found none")
    reason = f"forced: {force}" if force else "there was no champion"
    if serving is not None and serving != version:
        after = store.load(registry.resolve(f"{name}/{version}"))
        try:
            found = comparison.compare(store.load(registry.resolve(f"{name}/{serving}")), after, on, SEED)
        except ValueError as error:
            if not force:
                raise ValueError(
                    f"the champion and the candidate cannot be compared: {error}; --force REASON promotes it all the same"
                ) from error
            promotion.promote(task, version, reason)
            console.print(f"[bold]{name}/{version}[/] serves now ({plain(reason)}), not compared: {plain(error)}", soft_wrap=True)
            return
        console.print(tables.comparison(f"champion {name}/{serving} and candidate {name}/{version}", found))
        console.print(f"{len(found.disagreements):,} disagreements; `sikap compare {name}/{serving} {name}/{version}` shows them")
        if found.worse and not force:
            worse = ", ".join(found.worse)
            console.print(
                f"[red]not promoted[/]: worse beyond noise: {plain(worse)}; --force REASON promotes it all the same", soft_wrap=True
            )
            raise typer.Exit(1)
        reason = reason if force else f"nothing worse than version {serving}; micro F1 {found.gains['micro F1'].value:+.3f}"
    promotion.promote(task, version, reason)
    console.print(f"[bold]{name}/{version}[/] serves now ({plain(reason)}); `sikap rollback {task.value}` takes it back", soft_wrap=True)


def rollback(task: Task) -> None:
    """Let the champion before this one serve again."""
    from models import registry
    from training import promotion

    served, serves = promotion.rollback(task)
    name = registry.registered_name(task)
    console.print(f"[bold]{name}/{serves}[/] serves again, in place of {name}/{served}")


def explain(
    sentence: Annotated[str, typer.Argument(help="As it is written")],
    label: Annotated[
        str | None, typer.Option(help="A topic, or claim/side such as sanctions/oppose (default: all that are not `no`)")
    ] = None,
    topics: Topics = None,
    stance: Stance = None,
    nearest: Annotated[int, typer.Option(help="Labelled sentences to show beside it")] = 5,
) -> None:
    """Show which words carried a decision, and the nearest labelled sentences."""
    from models import explain as explaining
    from training import nearest as neighbours

    found = 0
    for task, name in ((Task.topics, topics), (Task.stance, stance)):
        stored = _model(name, task)
        if label and label not in stored.labels:
            continue
        for explained in explaining.explain(stored, sentence, label):
            found += 1
            console.print(
                f"[bold]{plain(explained.label)}[/] {explained.probability:.2f} {explained.decision}   "
                + " ".join(_shaded(word.text, word.weight) for word in explained.words),
                soft_wrap=True,
            )
            for word in sorted(explained.words, key=lambda word: -abs(word.weight))[:3]:
                console.print(f"   without [bold]{plain(word.text)}[/]: {word.without:.2f}")
    if label and not found:
        raise ValueError(f"--label {label}: expected a topic or claim/side of the champions' codebooks, found neither")
    if not found:
        console.print("no label: every topic and stance is `no`; --label ID explains one of them")
    if nearest:
        table = Table("likeness", "labels", "nearest labelled sentences")
        for neighbour in neighbours.nearest(sentence, nearest):
            table.add_row(f"{neighbour.likeness:.2f}", plain(", ".join(neighbour.labels)), plain(neighbour.text))
        console.print(table)


def _shaded(word: str, weight: float) -> str:
    """A word as it is printed: green where it speaks for the label, red where against it."""
    style = "bold green" if weight > 1 else "green" if weight > 0.25 else "bold red" if weight < -1 else "red" if weight < -0.25 else "dim"
    return f"[{style}]{plain(word)}[/]"


def _model(name: str | None, task: Task) -> Stored:
    """The named model, or the champion of the task."""
    from models import registry, store

    stored = store.load(registry.resolve(name or registry.champion(task)))
    if stored.task is not task:
        raise ValueError(f"{name}: expected a model of {task.value}, found one of {stored.task.value}")
    return stored
