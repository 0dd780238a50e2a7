"""A training run: learn, measure on what was not learned from, choose thresholds, write the model folder.

Yields plain data; `training.tracking` writes it to MLflow.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from data import codebook as codebooks
from data import corpus, pairs
from data.codebook import Task
from data.text import normalise
from models import families, store
from models.base import Reader
from models.decision import Decision
from models.finetuned import FineTuned
from models.labels import probabilities as probabilities_of
from models.pair import PairModel
from models.store import Stored
from models.tuning import Watch
from training.behaviour import Behaviour, behave
from training.config import Config
from training.evaluate import Evaluation, PairEvaluation, evaluate, evaluate_pairs
from training.learn import learn
from training.suspects import suspects

LIBRARIES = ("scikit-learn", "transformers", "torch", "datasets", "numpy", "mlflow")


@dataclass(frozen=True)
class Run:
    """What a training run leaves behind.

    Attributes:
        out_of_fold: figures on sentences whose article the measured model had not seen.
        baseline: the same figures for the prior.
        suspects: labels to look at again (`training.suspects`).
        behaviour: what a stance model understands (`training.behaviour`).
        seconds: time spent, by stage.
    """

    config: Config
    stored: Stored
    folder: Path
    out_of_fold: Evaluation
    baseline: Evaluation
    suspects: list[dict[str, Any]]
    behaviour: Behaviour | None
    seconds: dict[str, float]

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

    unseen = np.flatnonzero(~np.isnan(learned.probabilities).any(axis=1)).tolist()
    targets = learned.targets[unseen]
    priors = families.create("baseline", seed=config.seed).cross_fit(learned.texts, learned.targets, learned.articles)
    figures = partial(evaluate, targets, labels=learned.labels, articles=[learned.articles[i] for i in unseen], seed=config.seed)
    decision, naive = (
        Decision.fit(raw[unseen], targets, learned.exclusive, alike=config.family == PairModel.family)
        for raw in (learned.probabilities, priors)
    )
    chances, prior_chances = decision.calibrate(learned.probabilities[unseen]), naive.calibrate(priors[unseen])
    out_of_fold, baseline = figures(chances, decision.decide(chances)), figures(prior_chances, naive.decide(prior_chances))
    doubtful = suspects([learned.rows[i] for i in unseen], targets, chances, learned.labels)
    made_from = learned.made_from | {"seed": config.seed, "C": config.C, "versions": versions()}
    if config.task is Task.stance and not isinstance(learned.model, Reader):
        made_from["labelled"] = {claim.id: int(learned.targets[:, sides].any(axis=1).sum()) for claim, sides in codebook.columns}
    if isinstance(learned.model, FineTuned | PairModel):
        made_from["tuning"] = learned.model.made_
    if list(learned.labels) != codebook.labels(config.task):
        decision = decision.over(store.exclusive_sets(codebook, config.task))
    stored = store.save(folder, config.task, learned.model, codebook, decision, made_from)
    lap("measure")
    return Run(config, stored, folder, out_of_fold, baseline, doubtful, behave(stored), seconds)


def measure(stored: Stored, sources: Sequence[Path | str], seed: int) -> Evaluation:
    """Figures of a stored model on labelled sentences, as `data.corpus.load` takes them."""
    dataset = corpus.load(sources, stored.codebook)
    targets = corpus.targets(dataset, stored.task, stored.codebook)
    (chances,) = probabilities_of([stored], dataset["text"])
    return evaluate(targets, chances, stored.decision.decide(chances), stored.labels, dataset["article"], seed)


def measure_pairs(stored: Stored, source: Path | str, seed: int) -> PairEvaluation:
    """Figures of a stored model on pairs (`data.pairs`).

    Raises:
        ValueError: a model that knows its claims by number, not by their words.
    """
    if not isinstance(stored.model, PairModel):
        raise ValueError(f"{source}: expected a model of the family pair for rows of text and target, found {stored.reference}")
    rows = pairs.load([source])
    found = stored.model.read([(row.target, normalise(row.text)) for row in rows])
    return evaluate_pairs([row.stance for row in rows], found, [row.text for row in rows], seed)


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that a model depends on."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
