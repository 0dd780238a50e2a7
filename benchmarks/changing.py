"""Champions that change under mixed load (`mixed.py`), in a store that is made for it and thrown away, and what became of the answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from time import monotonic, sleep
from zlib import crc32

from data.codebook import Task
from data.rows import rows
from mixed import BEGUN, SENT_AWAY, Answer, Job, named
from models import registry
from served import Kind
from servers import Server, sikap, train
from training import promotion

MIXED = Path(__file__).with_name("mixed.py")
VERSIONS = {Task.topics: 2, Task.stance: 2}  # how many of each may serve, every one learned from another third of the data
DAMAGED = (Task.topics, 3)  # a version whose folder is changed by a byte
PROMOTED = ((Task.topics, 2), (Task.stance, 2), DAMAGED, (Task.topics, 1))  # one after the other
CLIENTS = 8  # that ask at once: more would mostly be sent away with what they want explained
NOTICED = 120.0  # seconds in which a server has to follow

Tell = Callable[[str], None]


@dataclass
class Term:
    """How long models served at most: from when they might be taken up until others were seen to serve."""

    models: str
    since: float
    until: float = inf

    def meets(self, answer: Answer) -> bool:
        """Whether the answer is one that they give, had in that time."""
        return self.models in answer.models and self.since <= answer.had and answer.asked <= self.until


def changed_under_load(family: str, data: Sequence[Path], seconds: float, tell: Tell) -> tuple[list[str], list[Kind]]:
    """The changes that were made, in words, and what became of the answers, by kind."""
    with tempfile.TemporaryDirectory() as name:
        folder, sound = Path(name), [(task, version) for task, number in VERSIONS.items() for version in range(1, number + 1)]
        uri = os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"  # what this process promotes, it promotes there
        for task, version in sorted([*sound, DAMAGED]):
            tell(f"[bold]training {task.value}, version {version}[/]")
            train(uri, task, family, [third(data, version, folder)])
        with (place(*DAMAGED) / "decision.json").open("a") as file:
            file.write(" ")
        topics, stance = ([str(place(*one)) for one in sound if one[0] is task] for task in (Task.topics, Task.stance))
        answers = folder / "answers.jsonl"
        with sikap(uri) as server, answers.open("w") as out:
            job = json.dumps(asdict(Job(server.address, topics, stance, CLIENTS, seconds)))
            tell("[bold]mixed load[/]: working out the answers")
            with subprocess.Popen([sys.executable, str(MIXED), job], stdout=out) as asking:
                while not answers.read_text().startswith(BEGUN):
                    if asking.poll() is not None:
                        raise RuntimeError(f"mixed.py: expected it to ask, found that it ended with exit code {asking.returncode}")
                    sleep(0.2)
                terms, told = promoted(server, seconds, tell)
            if asking.returncode:
                raise RuntimeError(f"mixed.py: expected exit code 0, found {asking.returncode}")
        found = [Answer(**json.loads(line)) for line in answers.read_text().splitlines()[1:]]
    return told, judged(found, terms)


def third(data: Iterable[Path], number: int, folder: Path) -> Path:
    """A file with a third of the articles."""
    out = folder / f"{number}.jsonl"
    with out.open("w", encoding="utf-8") as file:
        for source in data:
            for path in sorted(source.rglob("*.jsonl")) if source.is_dir() else [source]:
                for _, row in rows(path):
                    if isinstance(row, dict) and crc32(str(row.get("article", row.get("id"))).encode()) % 3 == number - 1:
                        file.write(json.dumps(row) + "\n")
    return out


def place(task: Task, version: int) -> Path:
    """The folder of a version's model."""
    return registry.resolve(f"{registry.registered_name(task)}/{version}")


def promoted(server: Server, seconds: float, tell: Tell) -> tuple[list[Term], list[str]]:
    """Promote versions, spread over so many seconds of load, and see the server follow, or stay where a version cannot be loaded.

    Raises:
        RuntimeError: it did neither.
    """
    began, told = monotonic(), list[str]()
    terms = [Term(named(server.ready()["model"]), -inf)]
    for number, (task, version) in enumerate(PROMOTED, 1):
        sleep(max(0.0, began + seconds * number / (len(PROMOTED) + 1) - monotonic()))
        fails, since = (task, version) == DAMAGED, monotonic()
        promotion.promote(task, version, "a benchmark")
        ready = server.ready()
        while not (ready["trouble"] if fails else named(ready["model"]) != terms[-1].models) and monotonic() - since < NOTICED:
            sleep(0.1)
            ready = server.ready()
        models = named(ready["model"])
        if fails != (models == terms[-1].models):
            raise RuntimeError(f"{task.value}/{version}: expected that it {'fails' if fails else 'serves'}, found {ready}")
        if not fails:
            terms[-1].until = monotonic()
            terms.append(Term(models, since))
        told.append(f"{task.value} to version {version}" + (", which was damaged and left the one before serving" if fails else ""))
        tell(f"{told[-1]}, noticed after {monotonic() - since:.1f} s")
    return terms, told


def judged(answers: Iterable[Answer], terms: Sequence[Term]) -> list[Kind]:
    """What became of the answers, by kind."""
    counts: Counter[tuple[str, str]] = Counter()
    for answer in answers:
        if answer.status == SENT_AWAY:
            became = "away"
        elif not 200 <= answer.status < 500:  # nothing, or that the server failed
            became = "lost"
        else:
            became = "right" if any(term.meets(answer) for term in terms) else "wrong"
        counts[answer.kind, became] += 1
    kinds = dict.fromkeys(kind for kind, _ in counts)
    return [Kind(kind, *(counts[kind, became] for became in ("right", "wrong", "lost", "away"))) for kind in kinds]
