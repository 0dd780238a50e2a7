"""Sikap beside what one would pick instead: the same sentences, the same labels, one run, one table.

    .venv/bin/python benchmarks/peers.py run --topics GOLD.jsonl --stance GOLD.jsonl

Every training and every measurement is a process of its own (this script's other commands), so that memory, cold start and
threads are one contestant's alone. Trained models are kept in the work folder: a run that was stopped goes on after the last of
them. What is timed side by side is always timed anew, in turns, so that the machine's noise hits all alike.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count, islice
from math import ceil
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from contestants import PEERS, REFERENCE, STEPS, create
from data import codebook, corpus
from data.codebook import Task
from data.files import aside
from data.rows import rows as rows_of
from data.splits import SEED
from models.families import FAMILIES
from results import Labelling, Report, Row, Scaled, Score, markdown

ROOT = Path(__file__).resolve().parent.parent
OUT = Path(__file__).with_name("RESULTS.md")
WORK = Path(tempfile.gettempdir()) / "sikap-bench"
TIMED = 600  # sentences that are timed, at most: a round of all contestants then takes a minute or two
WARM_UP = 64  # sentences labelled before the clock starts
AT_LEAST = 1.0  # seconds that a speed is measured for, over and over the same sentences where one pass is shorter

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False, stderr=True)


@app.command()
def run(
    topics: Annotated[
        Path, typer.Option(exists=True, help="Labelled sentences to measure topics on, JSONL or a folder of it")
    ] = corpus.TEST,
    stance: Annotated[Path, typer.Option(exists=True, help="The same for stance")] = corpus.TEST,
    family: Annotated[list[str], typer.Option(help="Of ours; the last is the one that is scaled up")] = ["linear", "encoder", "finetuned"],  # noqa: B006
    peer: Annotated[list[str], typer.Option(help=f"Of the others; {REFERENCE} is always one")] = list(PEERS),  # noqa: B006
    data: Annotated[list[Path], typer.Option(exists=True, help="What all learn from (default: the shipped corpus)")] = [],  # noqa: B006
    steps: Annotated[int, typer.Option(help="Of SetFit's contrastive tuning, its models together")] = STEPS,
    rounds: Annotated[int, typer.Option(help="How often each is timed")] = 5,
    scale: Annotated[str, typer.Option(help="Numbers of sentences for `sikap label`, or nothing")] = "1,1000,10000,100000",
    work: Annotated[Path, typer.Option(help="Where trained models are kept")] = WORK,
    out: Annotated[Path, typer.Option(help="The file to write")] = OUT,
) -> None:
    """Train all, measure all, write the tables."""
    for found, known in ((family, FAMILIES), (peer, PEERS)):
        if unknown := set(found) - set(known):
            raise typer.BadParameter(f"expected some of {', '.join(known)}, found {', '.join(sorted(unknown))}")
    sizes = [int(size) for size in scale.split(",") if size]
    load = os.getloadavg()[0]
    names = [*dict.fromkeys([REFERENCE, *peer]), *family]
    seconds = {}
    for number, name in enumerate(names, 1):
        console.print(f"[bold]{number} of {len(names)}: training {name}[/]")
        seconds[name] = trained(name, work / name, [str(path) for path in data], steps)
    scores = {name: ask("score", name, work / name / "models", topics, stance) for name in track(names, "scoring", console=console)}
    timed = thirds(list(dict.fromkeys([*texts(topics), *texts(stance)])))
    sentences = work / "timed.json"
    sentences.write_text(json.dumps(timed), encoding="utf-8")
    labelled: dict[str, list[Labelling]] = {name: [] for name in names}
    for _, name in track([(i, name) for i in range(rounds) for name in names], "timing", console=console, refresh_per_second=1):
        labelled[name].append(Labelling(**ask("label", name, work / name / "models", sentences, time.time())))
    learned = texts(*(data or [corpus.SHIPPED]))
    scaled = [scaled_up(size, learned, work / family[-1] / "models", work / "scale") for size in sizes]
    rows = {
        name: Row(
            title=create(name).title,
            topics=Score(**scores[name][Task.topics.value]),
            stance=Score(**scores[name][Task.stance.value]),
            training=seconds[name],
            size=sum(path.stat().st_size for path in (work / name / "models").rglob("*") if path.is_file()) / 1e6,
            rounds=labelled[name],
        )
        for name in names
    }
    report = Report(rows, (shown(topics), shown(stance)), len(learned), timed, steps, load, family[-1], scaled)
    with aside(out) as part:
        part.write_text(markdown(report), encoding="utf-8")
    console.print(f"written: {out}")


def trained(name: str, folder: Path, data: list[str], steps: int) -> float:
    """Seconds that the training took; one that an earlier run finished on the same sentences and code is kept."""
    mark, state = folder / "trained.json", fingerprint(name, data, steps)
    if mark.exists() and (kept := json.loads(mark.read_text(encoding="utf-8")))["state"] == state:
        console.print("kept from an earlier run")
        return float(kept["seconds"])
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "models").mkdir(parents=True)
    seconds = float(ask("train", name, folder / "models", steps, *data, aloud=True))
    mark.write_text(json.dumps({"state": state, "seconds": seconds}), encoding="utf-8")
    return seconds


def fingerprint(name: str, data: list[str], steps: int) -> str:
    """SHA-256 (hex) of what a training depends on, so that none is kept when that changes."""
    code = ["benchmarks/contestants.py", "models/pretrained.py"]
    if name not in PEERS:
        code += ["data/*.py", "models/*.py", "training/*.py"]
    files = [path for pattern in [*code, "data/codebook.yaml"] for path in sorted(ROOT.glob(pattern))]
    for source in data or [str(corpus.SHIPPED)]:
        files += sorted(Path(source).rglob("*.jsonl")) if Path(source).is_dir() else [Path(source)]
    return hashlib.sha256(json.dumps([steps, *(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)]).encode()).hexdigest()


def ask(command: str, *arguments: object, aloud: bool = False) -> Any:
    """What another command of this script answers, in a process of its own.

    Args:
        aloud: let it print; otherwise what it prints is shown only if it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        program = [sys.executable, __file__, command, str(answer), *map(str, arguments)]
        done = subprocess.run(program, env=os.environ | {"HF_HUB_OFFLINE": "1"}, capture_output=not aloud, text=True)
        if done.returncode:
            raise RuntimeError(f"{command} {arguments[0]}: expected exit code 0, found {done.returncode}\n{(done.stderr or '')[-3000:]}")
        return json.loads(answer.read_text(encoding="utf-8"))


def texts(*sources: Path) -> list[str]:
    """Sentences of JSONL files and folders of them. Light on purpose: what this process holds, its children seem to hold."""
    files = [file for source in sources for file in (sorted(source.rglob("*.jsonl")) if source.is_dir() else [source])]
    return [row["text"] for file in files for _, row in rows_of(file) if isinstance(row, dict)]


def shown(source: Path) -> str:
    """A file by its name and its folder's: where the folder lies is this machine's matter."""
    return Path(*source.parts[-2:]).as_posix()


def thirds(sentences: list[str]) -> dict[str, list[str]]:
    """At most `TIMED` of the sentences: all as they come, and the short, the median and the long third of them."""
    drawn = sentences[:: ceil(len(sentences) / TIMED)]
    by_length, third = sorted(drawn, key=len), len(drawn) // 3
    return {"all": drawn, "short": by_length[:third], "median": by_length[third:-third], "long": by_length[-third:]}


def scaled_up(size: int, sentences: list[str], models: Path, folder: Path) -> Scaled:
    """Seconds and peak memory of `sikap label` from start to end, on so many sentences."""
    folder.mkdir(parents=True, exist_ok=True)
    given = folder / f"{size}.jsonl"
    with given.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"id": str(i), "text": text}) + "\n" for i, text in enumerate(islice(recombined(sentences), size)))
    console.print(f"[bold]labelling {size:,} sentences[/]")
    program = [str(Path(sys.executable).with_name("sikap")), "label", str(given), "--sentences", "--out", str(folder / "labels.jsonl")]
    clock = time.perf_counter()
    process = subprocess.Popen([*program, "--topics", str(models / "topics"), "--stance", str(models / "stance")])
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(program)}: expected exit code 0, found {os.waitstatus_to_exitcode(status)}")
    return Scaled(size, time.perf_counter() - clock, used.ru_maxrss * 1024 / 1e6)


def recombined(sentences: list[str]) -> Iterator[str]:
    """Distinct sentences without end: as they are, then the first half of one with the second half of another."""
    seen: set[str] = set()
    for shift in count():
        for i, sentence in enumerate(sentences):
            first, second = sentence.split(), sentences[(i + shift) % len(sentences)].split()
            joined = " ".join(first[: len(first) // 2] + second[len(second) // 2 :])
            if joined not in seen:
                seen.add(joined)
                yield joined


@app.command(hidden=True)
def train(answer: Path, name: str, models: Path, steps: int, data: Annotated[list[str], typer.Argument()] = []) -> None:  # noqa: B006
    """Answer with the seconds that training both tasks took."""
    contestant = create(name, steps)
    with tempfile.TemporaryDirectory() as scratch:
        contestant.prepare(Path(scratch))
        clock = time.perf_counter()
        contestant.train(data, models)
        answer.write_text(json.dumps(time.perf_counter() - clock))


@app.command(hidden=True)
def score(answer: Path, name: str, models: Path, topics: Path, stance: Path) -> None:
    """Answer with micro F1 and its interval for each task."""
    from models.decision import YES
    from training.evaluate import evaluate

    contestant, book = create(name), codebook.load()
    contestant.load(models)
    scores = {}
    for task, gold in ((Task.topics, topics), (Task.stance, stance)):
        dataset = corpus.load([gold], book)
        given = contestant.decide(list(dataset["text"]))[task]
        targets = corpus.targets(dataset, task, book)
        found = evaluate(targets, given.astype(float), given * YES, book.labels(task), list(dataset["article"]), SEED)
        f1 = found.micro.f1
        scores[task.value] = {"f1": f1.value, "low": f1.low, "high": f1.high, "sentences": found.sentences}
    answer.write_text(json.dumps(scores))


@app.command(hidden=True)
def label(answer: Path, name: str, models: Path, sentences: Path, started: float) -> None:
    """Answer with the seconds from the start of the process to the first label, sentences a second, and peak memory."""
    contestant = create(name)
    contestant.load(models)
    timed: dict[str, list[str]] = json.loads(sentences.read_text(encoding="utf-8"))
    contestant.label(timed["all"][:1])
    cold_start = time.time() - started
    contestant.label(timed["all"][:WARM_UP])
    speed = {kind: speed_of(contestant.label, found) for kind, found in timed.items()}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    answer.write_text(json.dumps({"cold_start": cold_start, "speed": speed, "memory": memory}))


def speed_of(labelling: Callable[[list[str]], object], sentences: list[str]) -> float:
    """Sentences a second."""
    clock, passes = time.perf_counter(), 0
    while not passes or time.perf_counter() - clock < AT_LEAST:
        labelling(sentences)
        passes += 1
    return passes * len(sentences) / (time.perf_counter() - clock)


if __name__ == "__main__":
    app()
