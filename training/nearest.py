"""The labelled sentences that are nearest to one, so that one sees what a model learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data import codebook, corpus
from data.codebook import Task
from data.text import normalise
from models.embedding import SentenceEncoder
from training.vectors import encode


@dataclass(frozen=True)
class Neighbour:
    """A sentence of the shipped corpus.

    Attributes:
        labels: topics, and stances as their tags.
        likeness: cosine of the two sentences' vectors, in [-1, 1].
    """

    text: str
    labels: list[str]
    likeness: float


def nearest(sentence: str, most: int) -> list[Neighbour]:
    """The nearest sentences of the shipped corpus, by the shipped encoder; the first call takes as long as encoding the corpus does."""
    book, encoder = codebook.load(), SentenceEncoder.named()
    dataset = corpus.load([], book)
    vectors = _unit(encode([normalise(text) for text in dataset["text"]], encoder))
    likeness = vectors @ _unit(encoder.encode([normalise(sentence)]))[0]
    names = [book.tag(*label.split("/")) if "/" in label else label for task in Task for label in book.labels(task)]
    targets = np.hstack([corpus.targets(dataset, task, book) for task in Task])
    return [
        Neighbour(dataset[i]["text"], [names[column] for column in np.flatnonzero(targets[i])], float(likeness[i]))
        for i in np.argsort(-likeness, kind="stable")[:most].tolist()
    ]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
