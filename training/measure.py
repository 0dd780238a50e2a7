"""Measuring: a model, or the baselines that any model must beat, on labelled sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from data import corpus, pairs
from data.codebook import SIDES, Codebook, Task
from data.text import normalise
from models.decision import NO, YES
from models.labels import probabilities
from models.pair import PairModel
from models.store import Stored
from training.evaluate import Evaluation, PairEvaluation, evaluate, evaluate_pairs


@dataclass(frozen=True)
class Sample:
    """Labelled sentences to measure on.

    Attributes:
        labels: names of the columns.
        rows: with `id`, `article`, `lang` and `text`; n of them.
        targets: 0/1, shape (n, n_labels).
    """

    labels: list[str]
    rows: Sequence[Mapping[str, Any]]
    targets: np.ndarray

    @classmethod
    def read(cls, sources: Sequence[Path | str], task: Task, codebook: Codebook) -> Self:
        """Read labelled sentences as `data.corpus.load` takes them."""
        dataset = corpus.load(sources, codebook)
        return cls(codebook.labels(task), list(dataset), corpus.targets(dataset, task, codebook))

    def column(self, name: str) -> list[str]:
        """One field of all rows."""
        return [row[name] for row in self.rows]

    def evaluate(self, chances: np.ndarray, decisions: np.ndarray, seed: int) -> Evaluation:
        """Figures of calibrated probabilities and decisions for these sentences, shape (n, n_labels)."""
        return evaluate(self.targets, chances, decisions, self.labels, self.column("article"), seed, self.column("lang"))

    def confusion(self, decisions: np.ndarray) -> dict[str, list[int]]:
        """How often each label was decided `yes`, or not, rightly and wrongly; a label in review is not decided `yes`.

        A model folder carries it, so that whoever counts labels can correct for what the model gets wrong.

        Args:
            decisions: of these sentences, shape (n, n_labels).

        Returns:
            Numbers of true positives, false positives, false negatives and true negatives, by label.

        >>> Sample(["a"], [{}] * 4, np.array([[1], [1], [0], [0]])).confusion(np.array([[YES], [NO], [YES], [NO]]))
        {'a': [1, 1, 1, 1]}
        """
        true, given = self.targets.astype(bool), decisions == YES
        counts = [cells.sum(axis=0) for cells in (true & given, ~true & given, true & ~given, ~true & ~given)]
        return dict(zip(self.labels, np.stack(counts, axis=1).tolist(), strict=True))

    def baselines(self, codebook: Codebook, task: Task, seed: int) -> dict[str, Evaluation]:
        """What comes of saying the same of every sentence, and of searching for the codebook's keywords."""
        shares = np.broadcast_to(self.targets.mean(axis=0), self.targets.shape)
        said = {"majority": (shares, same_for_all(self.targets))}
        if self.labels == codebook.labels(task):
            searched = keywords(codebook, task, self.column("text"), self.column("lang"))
            said["keywords"] = (searched.astype(float), searched)
        return {
            name: evaluate(self.targets, chances, np.where(given, YES, NO), self.labels, self.column("article"), seed)
            for name, (chances, given) in said.items()
        }


def measure(stored: Stored, sources: Sequence[Path | str], seed: int) -> tuple[Evaluation, dict[str, Evaluation]]:
    """Figures of a stored model on labelled sentences, and those of the baselines."""
    sample = Sample.read(sources, stored.task, stored.codebook)
    return sample.evaluate(*predict(stored, sample.column("text")), seed), sample.baselines(stored.codebook, stored.task, seed)


def predict(stored: Stored, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities and decisions for texts as written, each of shape (n, n_labels)."""
    (chances,) = probabilities([stored], texts)
    return chances, stored.decision.decide(chances)


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


def same_for_all(targets: np.ndarray) -> np.ndarray:
    """The labels that, given to every sentence, have the best micro F1: those that most sentences carry; bool of the same shape.

    >>> same_for_all(np.array([[1, 1, 0], [1, 0, 0]]))[0].tolist()
    [True, True, False]
    """
    support = targets.sum(axis=0)
    order = np.argsort(-support, kind="stable")
    f1 = 2 * np.cumsum(support[order]) / (np.arange(1, len(order) + 1) * len(targets) + support.sum())
    given = np.zeros(targets.shape, dtype=bool)
    given[:, order[: int(f1.argmax()) + 1]] = bool(support.any())
    return given


def keywords(codebook: Codebook, task: Task, texts: Sequence[str], languages: Sequence[str]) -> np.ndarray:
    """Which labels have a keyword in the text, bool of shape (n, n_labels)."""
    entries = codebook.topics if task is Task.topics else [getattr(claim, side) for claim in codebook.claims for side in SIDES]
    found = [[entry.has_keyword(text, language) for entry in entries] for text, language in zip(texts, languages, strict=True)]
    return np.array(found, dtype=bool).reshape(len(texts), len(entries))
