"""A training run: learn, measure on what was not learned from, choose thresholds, write the model folder.

Yields plain data; `training.tracking` writes it to MLflow.
"""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from data import codebook as codebooks
from data.codebook import Task
from models import store
from models.base import Reader
from models.decision import Decision
from models.finetuned import FineTuned
from models.pair import PairModel
from models.store import Stored
from models.tuning import Watch
from training.behaviour import Behaviour, behave
from training.config import Config
from training.evaluate import Evaluation
from training.learn import Learned, learn
from training.measure import Sample
from training.suspects import suspects

LIBRARIES = ("scikit-learn", "transformers", "torch", "datasets", "numpy", "mlflow")


@dataclass(frozen=True)
class Run:
    """What a training run leaves behind.

    Attributes:
        learned: the model, and what it learned from.
        measured: the sentences that it was measured on; the model that was measured had not seen their articles.
        chances, decisions: what it made of them, shape (n, n_labels).
        out_of_fold: the figures of that. Calibration and thresholds were fitted to these very sentences, in which they are a little
            kind; `training.measure` has them on others.
        baselines: the same figures for what any model has to beat, by name.
        suspects: labels to look at again (`training.suspects`).
        behaviour: what a stance model understands (`training.behaviour`).
        seconds: time spent, by stage.
        peak_memory: of the process, in bytes.
        commit: of the code, with `+changes` where the tree had any; empty outside a git repository.
    """

    config: Config
    stored: Stored
    folder: Path
    learned: Learned
    measured: Sample
    chances: np.ndarray
    decisions: np.ndarray
    out_of_fold: Evaluation
    baselines: dict[str, Evaluation]
    suspects: list[dict[str, Any]]
    behaviour: Behaviour | None
    seconds: dict[str, float]
    peak_memory: int
    commit: str

    @property
    def knows_the_codebook(self) -> bool:
        """Whether it was measured on the codebook's labels; a model that learned from pairs alone was not."""
        return list(self.out_of_fold.labels) == self.stored.labels


def train(config: Config, folder: Path, tell: Callable[[str], None] = lambda _: None, watch: Watch | None = None) -> Run:
    """Train one model and write it to `folder`, which must not exist.

    Args:
        tell: is told, in a few words, what begins.
        watch: is told how a tuning goes while it goes.

    Raises:
        data.codebook.CodebookError, data.corpus.CorpusError: the input is not usable.
        ValueError: the codebook has no label for the task, an unknown family or encoder is asked for, or one that cannot learn this.
    """
    seconds: dict[str, float] = {}
    clock = perf_counter()

    def lap(stage: str) -> None:
        nonlocal clock
        seconds[stage], clock = perf_counter() - clock, perf_counter()

    codebook = codebooks.load(config.codebook)
    if not codebook.labels(config.task):
        raise ValueError(f"{config.codebook}: expected {'topics' if config.task is Task.topics else 'claims'} to train on, found none")
    learned = learn(config, codebook, tell, watch, lap)
    tell("calibrating, and choosing thresholds")
    unseen = np.flatnonzero(~np.isnan(learned.probabilities).any(axis=1)).tolist()
    measured = Sample(list(learned.labels), [learned.rows[i] for i in unseen], learned.targets[unseen])
    raw = learned.probabilities[unseen]
    alike = config.family == PairModel.family
    decision = Decision.fit(raw, measured.targets, learned.exclusive, measured.column("article"), alike, config.promise)
    chances = decision.calibrate(raw)
    decisions = decision.decide(chances)
    lap("calibrate")
    tell("measuring")
    made_from = learned.made_from | {"seed": config.seed, "C": config.C, "versions": versions()}
    if config.task is Task.stance and not isinstance(learned.model, Reader):
        made_from["labelled"] = {claim.id: int(learned.targets[:, sides].any(axis=1).sum()) for claim, sides in codebook.columns}
    if measured.labels == codebook.labels(config.task):
        made_from["measured"] = measured.confusion(decisions)
    if isinstance(learned.model, FineTuned | PairModel):
        made_from["tuning"] = learned.model.made_
    if measured.labels != codebook.labels(config.task):
        decision = decision.over(store.exclusive_sets(codebook, config.task))
    stored = store.save(folder, config.task, learned.model, codebook, decision, made_from)
    run = Run(
        config,
        stored,
        folder,
        learned,
        measured,
        chances,
        decisions,
        measured.evaluate(chances, decisions, config.seed),
        measured.baselines(codebook, config.task, config.seed),
        suspects(measured.rows, measured.targets, chances, measured.labels),
        behave(stored),
        seconds,
        _peak_memory(),
        commit(),
    )
    lap("measure")
    return run


def commit() -> str:
    """The commit of the code that runs, with `+changes` where files differ from it; empty where it is not in a git repository."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):  # no git, or no repository
        return ""


def _peak_memory() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that a model depends on."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
