"""A training run: read, encode, measure out of fold, choose thresholds, fit on everything, write the model folder.

Yields plain data; `training.tracking` writes it to MLflow.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from data import codebook as codebooks
from data import corpus
from data.codebook import Task
from data.text import normalise
from models import cache, families, store
from models.base import Model
from models.decision import Decision
from models.embedding import SentenceEncoder
from models.finetuned import FineTuned
from models.labels import probabilities as probabilities_of
from models.store import Stored
from models.tuning import Watch
from training import joint
from training.config import Config
from training.evaluate import Evaluation, evaluate
from training.suspects import suspects

if TYPE_CHECKING:
    from datasets import Dataset

LIBRARIES = ("scikit-learn", "transformers", "torch", "datasets", "numpy", "mlflow")


@dataclass(frozen=True)
class Run:
    """What a training run leaves behind.

    Attributes:
        out_of_fold: figures on sentences whose article the measured model had not seen.
        baseline: the same figures for the prior.
        suspects: labels to look at again (`training.suspects`).
        seconds: time spent, by stage.
    """

    config: Config
    stored: Stored
    folder: Path
    dataset: Dataset
    out_of_fold: Evaluation
    baseline: Evaluation
    suspects: list[dict[str, Any]]
    seconds: dict[str, float]


def train(config: Config, folder: Path, tell: Callable[[str], None] = lambda _: None, watch: Watch | None = None) -> Run:
    """Train one model and write it to `folder`, which must not exist.

    Args:
        tell: is told, in a few words, what begins.
        watch: is told how a tuning goes while it goes.

    Raises:
        data.codebook.CodebookError, data.corpus.CorpusError: the input is not usable.
        ValueError: the codebook has no label for the task, or an unknown family or encoder is asked for.
    """
    seconds: dict[str, float] = {}
    clock = perf_counter()

    def lap(stage: str) -> None:
        nonlocal clock
        seconds[stage], clock = perf_counter() - clock, perf_counter()

    codebook = codebooks.load(config.codebook)
    labels = codebook.labels(config.task)
    if not labels:
        raise ValueError(f"{config.codebook}: expected {'topics' if config.task is Task.topics else 'claims'} to train on, found none")
    dataset = corpus.load(config.data, codebook)
    corpus.refuse_test(dataset)
    targets = corpus.targets(dataset, config.task, codebook)
    if not targets.any():
        raise ValueError(f"expected sentences with {config.task.value} to learn from, found none among {len(dataset):,}")
    texts = [normalise(sentence) for sentence in dataset["text"]]
    articles = list(dataset["article"])
    tell(f"read {len(dataset):,} sentences of {len(set(articles)):,} articles, {int(targets.any(axis=1).sum()):,} with {config.task.value}")
    lap("read")

    model: Model
    if config.family == FineTuned.family:
        model, probabilities = joint.tuned(config, codebook, dataset, texts, tell, watch)
        lap("tune")
    else:
        model = families.create(config.family, config.encoder, config.C, config.seed)
        vectors = encode(texts, model.encoder) if model.encoder else None
        lap("encode")
        tell("learning, and measuring out of fold")
        probabilities = model.cross_fit(texts, targets, articles, vectors)
        lap("fit")

    unseen = np.flatnonzero(~np.isnan(probabilities).any(axis=1))
    exclusive = store.exclusive_sets(codebook, config.task)
    priors = families.create("baseline", seed=config.seed).cross_fit(texts, targets, articles)
    figures = partial(evaluate, targets[unseen], labels=labels, articles=[articles[i] for i in unseen], seed=config.seed)
    decision, naive = (Decision.fit(raw[unseen], targets[unseen], exclusive) for raw in (probabilities, priors))
    chances, prior_chances = decision.calibrate(probabilities[unseen]), naive.calibrate(priors[unseen])
    out_of_fold, baseline = figures(chances, decision.decide(chances)), figures(prior_chances, naive.decide(prior_chances))
    doubtful = suspects(dataset.select(unseen), targets[unseen], chances, labels)
    made_from: dict[str, Any] = {
        "data": corpus.digest(dataset),
        "sentences": len(dataset),
        "seed": config.seed,
        "C": config.C,
        "versions": versions(),
    }
    if isinstance(model, FineTuned):
        made_from["tuning"] = model.made_
    stored = store.save(folder, config.task, model, codebook, decision, made_from)
    lap("measure")
    return Run(config, stored, folder, dataset, out_of_fold, baseline, doubtful, seconds)


def measure(stored: Stored, sources: Sequence[Path | str], seed: int) -> Evaluation:
    """Figures of a stored model on labelled sentences, as `data.corpus.load` takes them."""
    dataset = corpus.load(sources, stored.codebook)
    targets = corpus.targets(dataset, stored.task, stored.codebook)
    (chances,) = probabilities_of([stored], dataset["text"])
    return evaluate(targets, chances, stored.decision.decide(chances), stored.labels, dataset["article"], seed)


def encode(texts: list[str], encoder: SentenceEncoder) -> np.ndarray:
    """Vectors of the sentences, with a progress bar; kept on disk, so that the next run on the same data need not wait."""
    from datasets import Dataset, Features, List, Value

    content = hashlib.sha256("\n".join([encoder.digest, *texts]).encode("utf-8")).hexdigest()
    kept = cache.root() / "vectors" / f"{content[:32]}.arrow"
    kept.parent.mkdir(parents=True, exist_ok=True)
    encoded = Dataset.from_dict({"text": texts}).map(
        lambda batch: {"vector": encoder.encode(batch["text"])},
        batched=True,
        batch_size=1024,
        remove_columns=["text"],
        features=Features({"vector": List(Value("float32"))}),
        cache_file_name=str(kept),
        new_fingerprint=kept.stem,
        desc="encoding sentences",
    )
    return np.asarray(encoded.with_format("numpy")["vector"], dtype=np.float32)


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that a model depends on."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
