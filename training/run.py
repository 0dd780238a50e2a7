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
from data.splits import folds
from data.text import normalise
from models import families, store
from models.base import Model
from models.decision import Decision
from models.embedding import SentenceEncoder, cache_folder
from models.labels import probabilities as probabilities_of
from models.store import Stored
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


def train(config: Config, folder: Path, tell: Callable[[str], None] = lambda _: None) -> Run:
    """Train one model and write it to `folder`, which must not exist.

    Args:
        tell: is told, in a few words, what begins.

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

    new_model = partial(families.create, config.family, config.encoder, C=config.C, seed=config.seed)
    encoder = new_model().encoder
    vectors = encode(texts, encoder) if encoder else None
    lap("encode")

    tell("measuring out of fold")
    exclusive = store.exclusive_sets(codebook, config.task)
    held_out = partial(_out_of_fold, texts=texts, targets=targets, articles=articles, seed=config.seed)
    probabilities, priors = held_out(new_model, vectors=vectors), held_out(partial(families.create, "baseline"))
    decision = Decision.fit(probabilities, targets, exclusive)
    figures = partial(evaluate, targets, labels=labels, articles=articles, seed=config.seed)
    out_of_fold, baseline = (
        figures(chosen.calibrate(raw), chosen.decide(chosen.calibrate(raw)))
        for chosen, raw in ((decision, probabilities), (Decision.fit(priors, targets, exclusive), priors))
    )
    doubtful = suspects(dataset, targets, decision.calibrate(probabilities), labels)
    lap("measure")

    tell("fitting on all sentences")
    model = new_model().fit(texts, targets, vectors)
    made_from = {"data": corpus.digest(dataset), "sentences": len(dataset), "seed": config.seed, "C": config.C, "versions": versions()}
    stored = store.save(folder, config.task, model, codebook, decision, made_from)
    lap("fit")
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
    kept = cache_folder() / "vectors" / f"{content[:32]}.arrow"
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


def _out_of_fold(
    new_model: Callable[[], Model], texts: list[str], targets: np.ndarray, articles: list[str], seed: int, vectors: np.ndarray | None = None
) -> np.ndarray:
    """Probabilities for each sentence from a model that has not seen its article, shape as `targets`."""
    probabilities = np.zeros(targets.shape)
    for kept, held_out in folds(articles, seed):
        (seen, seen_vectors), (new, new_vectors) = (
            ([texts[i] for i in rows], None if vectors is None else vectors[rows]) for rows in (kept, held_out)
        )
        probabilities[held_out] = new_model().fit(seen, targets[kept], seen_vectors).predict_proba(new, new_vectors)
    return probabilities
