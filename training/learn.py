"""Learning: from what a configuration names to a model, and its probabilities for sentences that it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data import corpus, pairs
from data.codebook import Codebook, Task
from data.text import normalise
from models import families, store
from models.base import Model
from models.drawing import Material
from models.finetuned import FineTuned
from models.pair import PairModel
from models.tuning import Watch
from training import joint, reading
from training.config import Config
from training.curve import Point, curve
from training.vectors import encode


@dataclass(frozen=True)
class Learned:
    """A model, and what it makes of sentences that it has not learned from.

    Attributes:
        rows: with `id`, `article`, `lang` and `text`; n of them, and of all that follows.
        targets: 0/1, shape (n, n_labels).
        probabilities: same shape; NaN where the model learned from the row.
        labels: names of the columns: the codebook's, or the two sides where it learned from pairs alone.
        exclusive: the set that each label belongs to (`models.decision`).
        made_from: digest and number of all sentences and pairs.
        curve: what more sentences bring (`training.curve`); none for families that take too long to learn several times.
    """

    model: Model
    rows: Sequence[Mapping[str, Any]]
    targets: np.ndarray
    probabilities: np.ndarray
    labels: Sequence[str]
    exclusive: np.ndarray
    made_from: dict[str, Any]
    curve: Sequence[Point] = ()


def learn(config: Config, codebook: Codebook, tell: Callable[[str], None], watch: Watch | None, lap: Callable[[str], None]) -> Learned:
    """Read the data and learn from it.

    Args:
        lap: is told the name of each stage that ended.

    Raises:
        data.corpus.CorpusError: the data is not usable.
        ValueError: data that the family cannot learn from.
    """
    sentences, found = pairs.split(config.data)
    reads_claims = config.family == PairModel.family
    if reads_claims and config.task is Task.topics:
        raise ValueError("expected the task stance, since the family pair reads claims, found topics")
    if (found or config.pretrain) and not reads_claims:
        raise ValueError(f"{[*found, *config.pretrain][0]}: expected labelled sentences; rows of text and target train only --family pair")
    material = reading.material(config, found) if reads_claims else Material()
    if found and not sentences:
        tell(f"read {len(material.rows):,} pairs")
        lap("read")
        return Learned(**reading.pairs_alone(config, codebook, material, tell, watch, lap))

    dataset = corpus.load(sentences, codebook)
    corpus.refuse_test(dataset)
    targets = corpus.targets(dataset, config.task, codebook)
    if not targets.any():
        raise ValueError(f"expected sentences with {config.task.value} to learn from, found none among {len(dataset):,}")
    texts, articles = [normalise(sentence) for sentence in dataset["text"]], list(dataset["article"])
    with_labels = int(targets.any(axis=1).sum())
    tell(f"read {len(dataset):,} sentences of {len(set(articles)):,} articles, {with_labels:,} with {config.task.value}")
    lap("read")

    model: Model
    points: list[Point] = []
    made_from: dict[str, Any] = {"data": corpus.digest(dataset), "sentences": len(dataset)}
    if reads_claims:
        model, probabilities = reading.with_claims(config, codebook, material, made_from, texts, targets, articles, tell, watch)
    elif config.family == FineTuned.family:
        model, probabilities = joint.tuned(config, codebook, dataset, texts, tell, watch)
        lap("tune")
    else:
        model = families.create(config.family, config.encoder, config.C, config.seed, ridge=config.ridge)
        vectors = encode(texts, model.encoder) if model.encoder else None
        lap("encode")
        tell("learning, and measuring out of fold")
        probabilities = model.cross_fit(texts, targets, articles, vectors)
        tell("drawing the learning curve")
        points = curve(model, texts, targets, articles, vectors, probabilities, config.seed)
    lap("fit")
    labels, exclusive = codebook.labels(config.task), store.exclusive_sets(codebook, config.task)
    return Learned(model, dataset, targets, probabilities, labels, exclusive, made_from, points)
