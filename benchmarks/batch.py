"""`sikap label` over many articles beside its bare engine and a plain loop over SetFit: one run, one table.

    .venv/bin/python benchmarks/batch.py run --articles 100000

The bare engine is what labels and nothing else: a process a core, each with its share of the sentences already in memory, from which
records are made and thrown away. Every contestant is a process (or several) of its own.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer
from rich.console import Console

from batched import Over, Report, Timed, markdown
from contestants import REFERENCE, create
from data import corpus
from data.article import Article, Sentence, Unreadable, sentences
from data.codebook import Task
from data.files import aside
from data.rows import rows
from data.splits import SEED
from models.families import DEFAULT, FAMILIES
from servers import environment, program, resident, train

OUT = Path(__file__).with_name("BATCH.md")
LANGUAGES = ("id", "en")
CORES = len(os.sched_getaffinity(0))
SENTENCES = 2  # of an article; no two articles have the same
STEPS = 2  # of SetFit's tuning: what it would have learned changes nothing of its speed
WATCHED = 1.0  # seconds between looks at memory
PARTS = 10  # of the run, for each of which memory is told

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False, stderr=True)


@app.command()
def run(
    family: Annotated[str, typer.Option(help=f"Of the models that are trained: {', '.join(FAMILIES)}")] = DEFAULT,
    store: Annotated[str | None, typer.Option(metavar="URI", help="Label with the champions of this MLflow store, and train none")] = None,
    articles: Annotated[int, typer.Option(help="That `sikap label` labels")] = 10_000,
    bare: Annotated[int, typer.Option(help="Of them, how many the bare engine labels before and after that")] = 2_000,
    loop: Annotated[int, typer.Option(help="The same for the loop over SetFit")] = 500,
    out: Annotated[Path, typer.Option(help="The file to write")] = OUT,
) -> None:
    """Measure all, write the table."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        uri = store or f"sqlite:///{folder}/mlflow.db"
        for task in () if store else Task:
            console.print(f"[bold]training {task.value}, {family}[/]")
            train(uri, task, family, [corpus.SHIPPED])
        console.print("[bold]training SetFit[/] (two steps: its speed is what is asked for)")
        _done([sys.executable, __file__, "setfit", str(folder)], uri)
        given = {number: written(folder / f"{number}.jsonl", number) for number in (articles, bare, loop)}

        def others() -> None:
            console.print("[bold]the bare engine[/]")
            engines.append(_together(uri, [["ours", str(given[bare]), str(share)] for share in range(CORES)]))
            console.print("[bold]SetFit, an article at a time and all at once[/]")
            loops.append(_together(uri, [["loop", str(given[loop]), str(folder)]]))
            batches.append(_together(uri, [["batches", str(given[loop]), str(folder)]]))

        engines, loops, batches = list[Timed](), list[Timed](), list[Timed]()
        others()
        console.print(f"[bold]sikap label[/] over {articles:,} articles")
        whole, over = labelled(uri, given[articles], folder)
        others()
        with (folder / "labels.jsonl").open(encoding="utf-8") as file:
            models = [name for name in json.loads(file.readline())["model"].values() if name]
    others_found = {"the bare engine": (bare, engines), "a loop over SetFit": (loop, loops), "SetFit, all at once": (loop, batches)}
    report = Report(load, models, articles, whole, over, others_found, CORES, STEPS)
    with aside(out) as part:
        part.write_text(markdown(report), encoding="utf-8")
    console.print(f"written: {out}")


def written(path: Path, number: int) -> Path:
    """A file of articles, each of two authored sentences of one language; the same ones first, however many they are."""
    draw = random.Random(SEED)
    spoken: dict[str, list[str]] = {}
    for source in sorted(corpus.SHIPPED.rglob("*.jsonl")):
        for row in known(source):
            spoken.setdefault(row["lang"], []).append(row["text"])
    seen: set[str] = set()
    with path.open("w", encoding="utf-8") as file:
        while len(seen) < number:
            text = " ".join(draw.sample(spoken[draw.choice(sorted(spoken))], SENTENCES))
            if text not in seen and _readable(text):  # what stands twice is labelled once
                file.write(json.dumps({"id": str(len(seen)), "text": text}, ensure_ascii=False) + "\n")
                seen.add(text)
    return path


def _readable(text: str) -> bool:
    """Whether it is not all taken for boilerplate, as one in thousands is."""
    try:
        return bool(sentences(Article("", text, ""), LANGUAGES))
    except Unreadable:
        return False


def known(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a file that this project wrote."""
    return (row for _, row in rows(path) if isinstance(row, dict))


def labelled(uri: str, given: Path, folder: Path) -> tuple[Timed, list[Over]]:
    """`sikap label` from its start to its end, and its memory over that time."""
    out = folder / "labels.jsonl"
    command = [program("sikap"), "label", str(given), "--out", str(out)]
    began, seen = monotonic(), list[tuple[float, float]]()
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment(uri)) as process,
    ):
        while process.poll() is None:
            seen.append((monotonic() - began, resident(process.pid)))
            with suppress(subprocess.TimeoutExpired):
                process.wait(WATCHED)
        seconds = monotonic() - began
        if process.returncode:
            log.seek(0)
            raise RuntimeError(f"{' '.join(command)}: expected exit code 0, found {process.returncode}\n{log.read()[-3000:]}")
    with out.open("rb") as file:
        count = sum(1 for _ in file)
    over = []
    for part in range(PARTS):
        inside = [memory for at, memory in seen if part <= at / seconds * PARTS < part + 1]
        if inside:
            over.append(Over(seconds * (part + 1) / PARTS, min(inside), max(inside)))
    return Timed(count, seconds), over


def _together(uri: str, shares: list[list[str]]) -> Timed:
    """Labellers, each a process, that begin at once when all are ready; until the last has ended."""
    command = [sys.executable, __file__, "labeller"]
    started = [
        subprocess.Popen([*command, *share], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(uri))
        for share in shares
    ]
    counts = []
    for process in started:
        assert process.stdout
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(map(str, process.args))}: expected that it gets ready, found that it ended")  # type: ignore[arg-type]
        counts.append(int(line))
    began = monotonic()
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        if process.wait():
            raise RuntimeError(f"a labeller ended with exit code {process.returncode}")
    return Timed(sum(counts), monotonic() - began)


def _done(command: list[str], uri: str) -> None:
    done = subprocess.run(command, env=environment(uri), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: expected exit code 0, found {done.returncode}\n{done.stderr[-3000:]}")


@app.command(hidden=True)
def setfit(folder: Path) -> None:
    """Train SetFit, hardly at all, into a folder."""
    contestant = create(REFERENCE, STEPS)
    scratch, models = folder / "scratch", folder / "setfit"
    scratch.mkdir()
    models.mkdir()
    contestant.prepare(scratch)
    contestant.train([str(corpus.TEST)], models)


@app.command(hidden=True)
def labeller(kind: str, given: Path, told: str) -> None:
    """Get ready, say how many sentences there are, wait for a word, label them all, and end."""
    found = [sentences(Article(row["id"], row["text"], ""), LANGUAGES) for row in known(given)]
    work: Callable[[], object]
    if kind == "ours":
        found = found[int(told) :: CORES]
        work = _ours([one for article in found for one in article])
    else:
        told_apart = [[one.text for one in article] for article in found]
        together = [[text for article in told_apart for text in article]]
        work = _loop(told_apart if kind == "loop" else together, Path(told) / "setfit")
    print(sum(map(len, found)), flush=True)
    if sys.stdin.readline():  # nothing comes where who asked has ended
        work()
    os._exit(0)  # what ends is not what is timed


def _ours(given: list[Sentence]) -> Callable[[], object]:
    from models import embedding
    from serve.predictor import Predictor

    embedding.THREADS = 1
    predictor = Predictor.named()
    predictor.label_sentences(given[:32])

    def batches() -> Iterator[list[Sentence]]:
        for first in range(0, len(given), 256):
            yield given[first : first + 256]

    return lambda: [len(predictor.label_sentences(batch)) for batch in batches()]


def _loop(given: list[list[str]], models: Path) -> Callable[[], object]:
    contestant = create(REFERENCE)
    contestant.load(models)
    contestant.decide(given[0][:32])
    return lambda: [len(contestant.decide(texts)) for texts in given]


if __name__ == "__main__":
    app()
