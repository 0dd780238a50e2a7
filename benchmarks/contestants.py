"""Who competes in `benchmarks/peers.py`, and how each prepares, trains, loads and labels. Times and memory are not its matter.

Libraries are imported when they are used: what a process measures is the contestant that it runs and no other.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data import codebook
from data.codebook import Task
from data.splits import SEED

# Steps of SetFit's contrastive tuning, all its models together: about two seconds each on two quiet cores, so that it tunes as long
# as the finetuned family, 10 to 15 minutes. Its own default, every pair of sentences once, would take months on the shipped corpus.
STEPS = 400
REFERENCE = "setfit-one-body"  # what the throughput of all is compared with
PEERS = ("setfit", REFERENCE, "svc")


class Contestant(ABC):
    """Both tasks, from labelled sentences to labels. A folder holds what training left and loading needs, nothing else."""

    title: str

    @abstractmethod
    def prepare(self, aside: Path) -> None:
        """Make ready what an installation brings and no training should be charged with; `aside` is empty and for nobody else."""

    @abstractmethod
    def train(self, data: Sequence[str], folder: Path) -> None:
        """Learn both tasks from labelled sentences, as `data.corpus.load` takes them, and write models into an empty folder."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Read what `train` wrote."""

    @abstractmethod
    def decide(self, texts: list[str]) -> dict[Task, np.ndarray]:
        """Which labels are given, bool of shape (n, n_labels), for each task."""

    def label(self, texts: list[str]) -> object:
        """What is timed. For peers the bare decisions, though users would still have to put them into words."""
        return self.decide(texts)


class Sikap(Contestant):
    """A family of ours, through the path that `sikap label` walks."""

    def __init__(self, family: str) -> None:
        self.title = f"Sikap `{family}`"
        self.family = family

    def prepare(self, aside: Path) -> None:
        """Export the shipped encoder into a cache in which no earlier training has left vectors or a tuned encoder."""
        from models.embedding import SentenceEncoder

        os.environ["SIKAP_CACHE"] = str(aside)
        SentenceEncoder.named()

    def train(self, data: Sequence[str], folder: Path) -> None:
        from training.config import Config
        from training.run import train

        for task in Task:
            train(Config(task, self.family, tuple(data)), folder / task.value, lambda stage: print(stage, flush=True))

    def load(self, folder: Path) -> None:
        from serve.predictor import Predictor

        self.models = Predictor.named(str(folder / Task.topics), str(folder / Task.stance)).models

    def decide(self, texts: list[str]) -> dict[Task, np.ndarray]:
        from models.decision import YES
        from models.labels import probabilities

        chances = probabilities(self.models, texts)
        return {stored.task: stored.decision.decide(found) == YES for stored, found in zip(self.models, chances, strict=True)}

    def label(self, texts: list[str]) -> object:
        from models.labels import label

        return label(self.models, texts)


class SetFit(Contestant):
    """SetFit (Tunstall et al. 2022, https://arxiv.org/abs/2209.11055) on the encoder that ours begin with.

    Args:
        parts: the tasks of each of its models. Apart, every task has a body of its own, as SetFit's users would do it; together,
            sentences are encoded once for both, which is the hardest that SetFit can be to beat.
        steps: of contrastive tuning, all models together.
    """

    def __init__(self, title: str, parts: Sequence[Sequence[Task]], steps: int) -> None:
        self.title = title
        self.parts = parts
        self.steps = steps

    def prepare(self, aside: Path) -> None:
        """Write the pretrained encoder as sentence-transformers has it: fp32, mean of the tokens.

        Their length is left alone, since SetFit's heads learn little from vectors of length 1: of the untuned encoder's, from
        3,000 sentences, 0.14 topics F1 on 500 of the test split, and 0.52 of those as long as they come.
        """
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

        from models import pretrained

        pretrained.write(pretrained.SHIPPED, aside / "pretrained")
        encoder = Transformer(str(aside / "pretrained"), model_kwargs={"dtype": "float32"})
        self.body = aside / "body"
        pooling = Pooling(encoder.get_embedding_dimension(), "mean")
        SentenceTransformer(modules=[encoder, pooling], device="cpu").save(str(self.body), create_model_card=False)

    def train(self, data: Sequence[str], folder: Path) -> None:
        """One tuning a model, then its heads on the vectors of all sentences."""
        import setfit
        from datasets import Dataset

        texts, targets = read(data)
        for number, part in enumerate(self.parts):
            labels = np.hstack([targets[task] for task in part])
            model = setfit.SetFitModel.from_pretrained(str(self.body), multi_target_strategy="one-vs-rest", device="cpu")
            arguments = setfit.TrainingArguments(
                output_dir=str(self.body.with_name("checkpoints")),
                max_steps=self.steps // len(self.parts),
                seed=SEED,
                report_to="none",
                save_strategy="no",
            )
            dataset = Dataset.from_dict({"text": _asked(texts), "label": labels.tolist()})
            setfit.Trainer(model=model, args=arguments, train_dataset=dataset).train()
            model.save_pretrained(str(folder / str(number)))

    def load(self, folder: Path) -> None:
        import setfit

        self.models = [setfit.SetFitModel.from_pretrained(str(folder / str(i)), device="cpu") for i in range(len(self.parts))]
        book = codebook.load()
        self.widths = {task: len(book.labels(task)) for task in Task}

    def decide(self, texts: list[str]) -> dict[Task, np.ndarray]:
        found: dict[Task, np.ndarray] = {}
        for part, model in zip(self.parts, self.models, strict=True):
            given = model.predict(_asked(texts), as_numpy=True, show_progress_bar=False)
            ends = np.cumsum([self.widths[task] for task in part])[:-1]
            found |= zip(part, np.split(np.asarray(given, dtype=bool), ends, axis=1), strict=True)
        return found


class LinearSVC(Contestant):
    """What most would try first: TF-IDF of one and two words and a support vector machine per label (scikit-learn)."""

    title = "TF-IDF + LinearSVC"

    def prepare(self, aside: Path) -> None:
        """Nothing."""

    def train(self, data: Sequence[str], folder: Path) -> None:
        import joblib
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.svm import LinearSVC

        texts, targets = read(data)
        for task in Task:
            fitted = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), OneVsRestClassifier(LinearSVC(random_state=SEED)))
            joblib.dump(fitted.fit(texts, targets[task]), folder / f"{task.value}.joblib")

    def load(self, folder: Path) -> None:
        import joblib

        self.models: dict[Task, Any] = {task: joblib.load(folder / f"{task.value}.joblib") for task in Task}

    def decide(self, texts: list[str]) -> dict[Task, np.ndarray]:
        return {task: model.predict(texts).astype(bool) for task, model in self.models.items()}


def create(name: str, steps: int = STEPS) -> Contestant:
    """A contestant by its name: one of `PEERS` or a family of ours."""
    if name == "setfit":
        return SetFit("SetFit", [[task] for task in Task], steps)
    if name == REFERENCE:
        return SetFit("SetFit, one body for both tasks", [list(Task)], steps)
    return LinearSVC() if name == "svc" else Sikap(name)


def read(sources: Sequence[str | Path]) -> tuple[list[str], dict[Task, np.ndarray]]:
    """Sentences as written, and the 0/1 matrix of each task, shape (n, n_labels)."""
    from data import corpus

    book = codebook.load()
    dataset = corpus.load(sources, book)
    return list(dataset["text"]), {task: corpus.targets(dataset, task, book) for task in Task}


def _asked(texts: list[str]) -> list[str]:
    """Texts with the prefix that the encoder was pretrained with, as ours have it."""
    from models.embedding import SHIPPED_SETTINGS

    return [SHIPPED_SETTINGS.prefix + text for text in texts]
