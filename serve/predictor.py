"""The predictor: articles or sentences in, prediction records out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data.article import Article, Sentence, sentences
from data.codebook import Task
from models import registry, store
from models.embedding import SentenceEncoder
from models.labels import FIELD, label
from models.store import Stored, StoreError

Record = dict[str, Any]


class Predictor:
    """A topics model and a stance model, labelling together.

    One encoder pass a sentence serves both where they were trained on the same encoder.
    """

    def __init__(self, topics: Stored | None, stance: Stored | None) -> None:
        self.models = [stored for stored in (topics, stance) if stored]

    @classmethod
    def named(cls, topics: str | None = None, stance: str | None = None) -> Predictor:
        """Load two models by folder or registry name; the champions where none is given.

        Raises:
            StoreError: a model cannot be had, or predicts something else than it was asked for.
        """
        encoders: dict[str, SentenceEncoder] = {}
        found = []
        for task, name in ((Task.topics, topics), (Task.stance, stance)):
            stored = store.load(registry.resolve(name or registry.champion(task)), encoders)
            if stored.task is not task:
                raise StoreError(f"{name}: expected a model of {task.value}, found one of {stored.task.value}")
            if stored.model.encoder:
                stored.model.encoder.start()  # it loads while the other model and the articles are read
            found.append(stored)
        return cls(*found)

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages of the codebook."""
        return self.models[0].codebook.languages

    def label_article(self, article: Article, everything: bool = False) -> list[Record]:
        """Records of an article's sentences, in order. Raises data.article.Unreadable where it has none."""
        return self.label_sentences(sentences(article, self.languages), everything)

    def label_sentences(self, found: Sequence[Sentence], everything: bool = False) -> list[Record]:
        """One record a sentence.

        Args:
            everything: write every label with its probability, decided `no` included.
        """
        labelled = label(self.models, [sentence.text for sentence in found], everything)
        made_by: Record = {task.value: None for task in Task} | {stored.task.value: stored.reference for stored in self.models}
        made_by["codebook"] = ", ".join(dict.fromkeys(stored.codebook.reference for stored in self.models))
        nothing: Record = {field: [] for field in FIELD.values()}
        return [vars(sentence) | nothing | labels | {"model": made_by} for sentence, labels in zip(found, labelled, strict=True)]
