"""`sikap serve` beside `mlflow models serve`: the same models, the same sentences, one run, one table.

    .venv/bin/python benchmarks/serving.py --soak 100000 --mixed 10

Servers, and who asks them, are processes of their own on this machine. Nothing is promoted but in stores that are made for it and
thrown away.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from math import inf
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from changing import changed_under_load
from data import corpus
from data.codebook import Task
from data.files import aside
from load import Job, Outcome
from models import registry
from models.families import DEFAULT, FAMILIES
from peers import texts
from served import Report, Soaked, Way, markdown
from servers import Server, mlflow, sikap, train

OUT = Path(__file__).with_name("SERVING.md")
LOAD = Path(__file__).with_name("load.py")
RATE = 20.0  # requests a second at which latency is measured
ROWS = 32  # sentences of a large request
FEW = 4  # clients that send large requests: enough to keep two cores busy
TENTHS = 10  # of a soak, after each of which memory is read

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False, stderr=True)


@app.command()
def run(
    family: Annotated[str, typer.Option(help=f"Of the models that are trained: {', '.join(FAMILIES)}")] = DEFAULT,
    store: Annotated[str | None, typer.Option(metavar="URI", help="Serve the champions of this MLflow store, and train none")] = None,
    data: Annotated[list[Path], typer.Option(exists=True, help="What is learned from (default: the shipped corpus)")] = [],  # noqa: B006
    seconds: Annotated[float, typer.Option(help="Of each measurement")] = 30.0,
    rounds: Annotated[int, typer.Option(help="How often each is made, in turns")] = 3,
    clients: Annotated[int, typer.Option(help="That ask at once")] = 32,
    soak: Annotated[int, typer.Option(help="Requests over which memory is watched; 0 for none")] = 0,
    minutes: Annotated[float, typer.Option("--mixed", help="Minutes of mixed load while champions change; 0 for none")] = 0.0,
    out: Annotated[Path, typer.Option(help="The file to write")] = OUT,
) -> None:
    """Measure all, write the tables. Exit code 1 where an answer under mixed load was wrong or lost."""
    load, learned, sentences = os.getloadavg()[0], data or [corpus.SHIPPED], list(dict.fromkeys(texts(corpus.TEST)))
    with tempfile.TemporaryDirectory() as folder:
        uri = store or f"sqlite:///{folder}/mlflow.db"
        for task in () if store else Task:
            console.print(f"[bold]training {task.value}, {family}[/]")
            train(uri, task, family, learned)
        with ExitStack() as servers:
            console.print("[bold]starting the servers[/]")
            ours = servers.enter_context(sikap(uri))
            theirs = {task: servers.enter_context(mlflow(uri, registry.champion(task))) for task in Task}
            models = " and ".join(ours.ready()["model"][task.value] for task in Task)
            ways = measured(ours, theirs, sentences, seconds, rounds, clients)
        watched = soaked(uri, sentences, soak, clients) if soak else []
    changes, kinds = changed_under_load(family, learned, minutes * 60, console.print) if minutes else ([], [])
    report = Report(
        load=load,
        models=models,
        sentences=sentences,
        seconds=seconds,
        clients=(clients, FEW),
        rows=ROWS,
        rate=RATE,
        ours=ways[: -len(theirs)],
        theirs=ways[-len(theirs) :],
        soak=watched,
        minutes=minutes,
        changes=changes,
        kinds=kinds,
    )
    with aside(out) as part:
        part.write_text(markdown(report), encoding="utf-8")
    console.print(f"written: {out}")
    raise typer.Exit(any(kind.wrong or kind.lost for kind in kinds))


def measured(ours: Server, theirs: dict[Task, Server], sentences: list[str], seconds: float, rounds: int, clients: int) -> list[Way]:
    """All ways to ask: ours, then MLflow's server of each task."""
    ways = [(f"`sikap serve`, `{path}`: topics and stance", ours, path) for path in ("/label", "/invocations")]
    ways += [(f"`mlflow models serve`, `/invocations`: {task.value}", server, "/invocations") for task, server in theirs.items()]
    small: dict[str, list[Outcome]] = {title: [] for title, _, _ in ways}
    large: dict[str, list[Outcome]] = {title: [] for title, _, _ in ways}
    for title, server, path in ways:
        console.print(f"warming up: {title}")
        ask(server, path, sentences, ROWS, FEW, min(seconds, 5))
    for number in range(1, rounds + 1):
        for title, server, path in ways:
            console.print(f"[bold]round {number} of {rounds}[/]: {title}")
            small[title].append(ask(server, path, sentences, 1, clients, seconds))
            large[title].append(ask(server, path, sentences, ROWS, FEW, seconds))
    found = []
    for title, server, path in ways:
        console.print(f"[bold]at {RATE:.0f} requests a second[/]: {title}")
        paced = ask(server, path, sentences, 1, clients, seconds * rounds, RATE)
        found.append(Way(title, small[title], large[title], paced, server.memory))
    return found


def ask(
    server: Server,
    path: str,
    sentences: list[str],
    rows: int,
    clients: int,
    seconds: float = inf,
    rate: float | None = None,
    requests: int | None = None,
) -> Outcome:
    """Ask a server for sentences, so many a request, from another process."""
    parts = [sentences[i : i + rows] for i in range(0, len(sentences) - rows + 1, rows)]
    if path == "/label":
        bodies = [json.dumps({"sentences": part}) for part in parts]
    else:
        bodies = [json.dumps({"dataframe_split": {"columns": ["text"], "data": [[text] for text in part]}}) for part in parts]
    job = json.dumps(asdict(Job(server.address, path, bodies, clients, seconds, rate, requests)))
    done = subprocess.run([sys.executable, str(LOAD)], input=job, stdout=subprocess.PIPE, text=True, check=True)
    return Outcome(**json.loads(done.stdout))


def soaked(uri: str, sentences: list[str], requests: int, clients: int) -> list[Soaked]:
    """What a server holds before, after each tenth of the requests, and so at the end."""
    with sikap(uri) as server:
        found = [Soaked(0, server.memory, 0)]
        for tenth in range(1, TENTHS + 1):
            upto = requests * tenth // TENTHS
            outcome = ask(server, "/label", sentences, 1, clients, requests=upto - found[-1].requests)
            found.append(Soaked(upto, server.memory, outcome.errors))
            console.print(f"[bold]{upto:,} of {requests:,} requests[/]: {found[-1].memory:,.1f} MB")
        return found


if __name__ == "__main__":
    app()
