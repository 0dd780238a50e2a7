"""The commands that label articles and show labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from data.console import Stance, Topics, console, errors, plain
from serve.writers import Format

if TYPE_CHECKING:
    from serve.batch import Summary
    from serve.engines import Engine, Load
    from serve.predictor import Predictor


class Engines(StrEnum):
    """Where labelling is done."""

    processes = "processes"
    ray = "ray"


LOOPBACK = ("127.0.0.1", "::1", "localhost")
SHOWN = 20  # of what was set aside, how many are told on the terminal; all are in the errors file


def label(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help=".txt, .html, .jsonl, .csv, .parquet (or with .gz, .zst), folders, globs; - reads JSONL"),
    ],
    out: Annotated[Path, typer.Option(help="The file to write; for Parquet also a folder")],
    format: Annotated[Format | None, typer.Option(help="(default: by the suffix of --out, else jsonl)")] = None,
    sentences: Annotated[bool, typer.Option("--sentences", help="Each row is one sentence already")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Write every label with its probability")] = False,
    column: Annotated[
        list[str], typer.Option(metavar="FIELD=COLUMN", help="What a table calls id, text, date or outlet, where that is something else")
    ] = [],  # noqa: B006 - typer wants a list
    relabel: Annotated[bool, typer.Option("--relabel", help="Label anew what an earlier champion labelled into this output")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Go on labelling what is new in the inputs until interrupted")] = False,
    max_errors: Annotated[int | None, typer.Option(min=0, help="End the run when more inputs than that cannot be read")] = None,
    engine: Annotated[
        Engines, typer.Option(help="Where labelling is done: in processes of this machine, or on a Ray cluster")
    ] = Engines.processes,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that label (default: one a core)")] = None,
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

    A run that was broken off goes on when the same command is run again, and what was labelled before is not labelled again,
    unless a model or codebook is named that is another, or the codebook changed.

    Claims that were added to the codebook since the stance model was trained are read in their own words by a model of the
    family pair, on the sentences that may concern them.
    """
    from serve.batch import changes, label_files
    from serve.predictor import Predictor

    suffix = out.suffix.lstrip(".").lower()
    form = format or (Format(suffix) if suffix in list(Format) else Format.jsonl)
    columns = _columns(column)
    relabel = relabel or any((topics, stance, codebook, reader))  # what is named is what is wanted

    def once() -> int:
        with errors.status("loading the models"):
            load = partial(Predictor.named, topics, stance, codebook, reader)
            predictor = load()
        with _progress(inputs) as progress:
            labels = _engine(engine, load, everything, workers)
            summary = label_files(
                inputs, out, predictor, form, sentences, everything, relabel, columns, max_errors, engine=labels, progress=progress
            )
        _tell(summary, out, predictor)
        return 2 if not summary.sentences else 1 if summary.set_aside else 0

    if not follow:
        raise typer.Exit(once())
    with suppress(KeyboardInterrupt):  # how one ends it
        for _ in changes(inputs, out):
            once()


def _engine(kind: Engines, load: Load, everything: bool, workers: int | None) -> Engine | None:
    if kind is Engines.ray:
        from serve.cluster import Cluster

        return Cluster(load, everything, workers)
    from serve.engines import Processes

    return Processes(load, everything, workers) if workers != 1 else None


def _columns(given: list[str]) -> dict[str, str]:
    from data.reading import FIELDS

    pairs = [word.partition("=") for word in given]
    for (field, _, column), word in zip(pairs, given, strict=True):
        if field not in FIELDS or not column:
            raise ValueError(f"--column {word}: expected FIELD=COLUMN with a field of {', '.join(FIELDS)}")
    return {field: column for field, _, column in pairs}


@contextmanager
def _progress(inputs: list[str]) -> Iterator[Callable[[Summary], None]]:
    """A bar by the bytes that were read, with articles and sentences a second."""
    from data.reading import size

    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task, began = bar.add_task("reading", total=size(inputs)), monotonic()

        def show(done: Summary) -> None:
            speed = done.done / max(monotonic() - began, 1e-9)
            bar.update(task, completed=done.bytes, description=f"{done.read:,} read, {done.done:,} sentences, {speed:,.0f} a second")

        yield show


def _tell(done: Summary, out: Path, predictor: Predictor) -> None:
    """What came of it, in words."""
    from itertools import islice

    from data.rows import rows

    if done.set_aside:
        for _, fault in islice(rows(done.errors), SHOWN):
            assert isinstance(fault, dict)
            errors.print(f"[yellow]set aside:[/] {plain(fault['source'])}: {plain(fault['reason'])}", soft_wrap=True)
        if done.set_aside > SHOWN:
            errors.print(f"[yellow]and {done.set_aside - SHOWN:,} more:[/] see {plain(done.errors)}", soft_wrap=True)
    if predictor.reader:
        read_claims = ", ".join(claim.id for claim in predictor.reader.codebook.claims)
        console.print(f"new claims, read by {predictor.reader.reference}: {plain(read_claims)}", soft_wrap=True)
    if predictor.unread:
        errors.print(
            f"[yellow]not labelled:[/] new claims that no model reads yet: {plain(', '.join(predictor.unread))}; "
            "train one with `sikap train stance --family pair`",
            soft_wrap=True,
        )
    for made_by, number in done.others.items():
        errors.print(
            f"[yellow]labelled before by other models:[/] {number:,} keep the labels of {plain(made_by)}; --relabel labels them anew",
            soft_wrap=True,
        )
    counts = f"read {done.read:,}, labelled {done.labelled:,}, known before {done.known:,}, set aside {done.set_aside:,}"
    console.print(f"{counts}: {plain(out) if done.sentences else 'nothing written'}, {done.sentences:,} sentences", soft_wrap=True)


def show(file: Annotated[Path, typer.Argument(metavar="LABELS.jsonl", help="What `sikap label` wrote", exists=True)]) -> None:
    """Show labelled sentences as a table."""
    from data.article import Fault
    from data.rows import rows

    table = Table("sentence", "topics", "stance", show_lines=True, title=plain(file))
    table.columns[0].ratio, table.columns[1].ratio, table.columns[2].ratio = 5, 2, 2
    article = None
    for source, record in rows(file):
        if isinstance(record, Fault):
            raise ValueError(str(record))
        try:
            if record["article"] != article:
                article = record["article"]
                table.add_row(f"[bold]{plain(article)}[/]", "", "")
            topics = _cell(record["topics"], lambda entry: entry["id"])
            table.add_row(plain(record["text"]), topics, _cell(record["stances"], lambda entry: entry["tag"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{source}: expected a record that `sikap label` wrote as JSONL") from error
    console.print(table)


def _cell(entries: list[dict[str, Any]], name: Callable[[dict[str, Any]], str]) -> str:
    """Labels with probabilities, the sure ones first; those for review are dim and have a question mark."""
    shown = sorted((e for e in entries if e["decision"] != "no"), key=lambda e: (e["decision"] == "review", -e["probability"]))
    return "\n".join(
        f"{plain(name(e))} {e['probability']:.2f}" if e["decision"] == "yes" else f"[dim]{plain(name(e))}? {e['probability']:.2f}[/]"
        for e in shown
    )


def serve(
    host: Annotated[str, typer.Option(help="Where to listen; anything but loopback needs API keys")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one")] = 8000,
    topics: Topics = None,
    stance: Stance = None,
    keys: Annotated[
        Path | None, typer.Option(help="A file with the SHA-256 of an API key a line (default: $SIKAP_KEYS, separated by commas)")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Log no requests")] = False,
) -> None:
    """Serve predictions and the page on which to look at them; new champions are taken up as they come."""
    import os

    import uvicorn

    from serve.app import create
    from serve.guard import read_keys, write_log
    from serve.live import Live

    known = read_keys(keys.read_text(encoding="utf-8") if keys else os.environ.get("SIKAP_KEYS", ""))
    if keys and not known:
        raise ValueError(f"{keys}: expected the SHA-256 of an API key a line, found none")
    if not known and host not in LOOPBACK:
        raise ValueError(f"--host {host}: expected API keys (--keys FILE) to listen beyond this machine, found none")
    live = Live(topics, stance, tell=lambda word, well: write_log("model", "info" if well else "error", message=word))
    app = create(live, known, log=not quiet)
    settings = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=60)
    server = uvicorn.Server(settings)
    socket = settings.bind_socket()
    address = "http://{}:{}".format(*socket.getsockname()[:2])
    errors.print(f"Sikap listens at {address}, with {', '.join(map(str, live.predictor.made_by.values()))}", soft_wrap=True)
    server.run(sockets=[socket])
