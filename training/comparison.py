"""Comparing two models on the same labelled sentences, label by label, and telling whether anything got worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data import corpus
from data.codebook import Task
from models.decision import WORDS, YES
from models.store import Stored
from training.behaviour import Behaviour, behave
from training.bootstrap import Bootstrap, Figure
from training.evaluate import Evaluation, evaluate, gains
from training.measure import Sample, predict

FROZEN = corpus.TEST  # no training may see these sentences, so that two models can always be compared on them


@dataclass(frozen=True)
class Comparison:
    """Two models side by side.

    Attributes:
        models: references of the first and the second model.
        evaluations: their figures, over the labels that both know.
        gains: by how much the second is better, per figure and label.
        behaviour: what each understands; None for topics.
        disagreements: sentences of which one says `yes` where the other does not, those first in which they differ most surely.
    """

    models: tuple[str, str]
    evaluations: tuple[Evaluation, Evaluation]
    gains: dict[str, Figure]
    behaviour: tuple[Behaviour | None, Behaviour | None]
    disagreements: list[dict[str, Any]]

    @property
    def worse(self) -> list[str]:
        """What is worse with the second model, beyond noise: figures whose whole interval lies below 0."""
        return [name for name, gain in self.gains.items() if gain.high < 0]


def compare(first: Stored, second: Stored, sources: Sequence[Path | str], seed: int) -> Comparison:
    """Compare two models of one task.

    Args:
        sources: labelled sentences, as `data.corpus.load` takes them; none means the frozen test split.

    Raises:
        ValueError: models of different tasks, or without a label in common.
        data.corpus.CorpusError: sentences that are not usable, or labelled with what the second model's codebook lacks.
    """
    if first.task is not second.task:
        raise ValueError(f"expected two models of one task, found {first.reference} and {second.reference}")
    labels = [label for label in second.labels if label in first.labels]
    if not labels:
        raise ValueError(f"expected models with labels in common, found none in {first.reference} and {second.reference}")
    sample = Sample.read(list(sources) or [FROZEN], second.task, second.codebook)
    found = []
    for stored in (first, second):
        columns = [stored.labels.index(label) for label in labels]
        found.append([part[:, columns] for part in predict(stored, sample.column("text"))])
    (chances, decisions), (chances_then, decisions_then) = found
    targets, articles = sample.targets[:, [second.labels.index(label) for label in labels]], sample.column("article")
    gained = gains(targets, (decisions, decisions_then), (chances, chances_then), labels, articles, seed)
    behaviour = (behave(first), behave(second)) if second.task is Task.stance else (None, None)
    if behaviour[0] and behaviour[1] and behaviour[0].passed.keys() & behaviour[1].passed.keys():
        gained["behaviour"] = _behaviour_gain(behaviour[0], behaviour[1], seed)
    return Comparison(
        (first.reference, second.reference),
        (
            evaluate(targets, chances, decisions, labels, articles, seed),
            evaluate(targets, chances_then, decisions_then, labels, articles, seed),
        ),
        gained,
        behaviour,
        _disagreements(sample, labels, targets, (chances, chances_then), (decisions, decisions_then)),
    )


def _behaviour_gain(first: Behaviour, second: Behaviour, seed: int) -> Figure:
    """By how much more of the cases that both were asked the second passes."""
    both = [case for case in first.passed if case in second.passed]
    return Bootstrap(both, seed).mean(np.array([float(second.passed[case]) - first.passed[case] for case in both]))


def _disagreements(
    sample: Sample, labels: Sequence[str], targets: np.ndarray, chances: Sequence[np.ndarray], decisions: Sequence[np.ndarray]
) -> list[dict[str, Any]]:
    apart = np.argwhere((decisions[0] == YES) != (decisions[1] == YES))
    distance = np.abs(chances[1] - chances[0])
    return [
        {
            "id": sample.rows[row]["id"],
            "label": labels[column],
            "given": bool(targets[row, column]),
            "first": WORDS[decisions[0][row, column]],
            "first_probability": round(float(chances[0][row, column]), 4),
            "second": WORDS[decisions[1][row, column]],
            "second_probability": round(float(chances[1][row, column]), 4),
            "text": sample.rows[row]["text"],
        }
        for row, column in sorted(apart.tolist(), key=lambda place: -distance[place[0], place[1]])
    ]
