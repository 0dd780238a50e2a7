"""The predictor: articles or sentences in, prediction records out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data import codebook as codebooks
from data.article import Article, Sentence, sentences
from data.codebook import Codebook, Task
from models import registry, store
from models.embedding import SentenceEncoder
from models.labels import FIELD, label
from models.store import Stored, StoreError

Record = dict[str, Any]


class Predictor:
    """A topics model and a stance model, labelling together, and where it is needed a third that reads new claims.

    One encoder pass a sentence serves topics and stance where they were trained on the same encoder.

    Attributes:
        reader: the model that reads claims which the stance model does not know, asked for just those.
        unread: ids of claims that no model here knows or reads.
        codebooks: references of the codebooks that the labels come from.
    """

    def __init__(
        self,
        topics: Stored | None,
        stance: Stored | None,
        reader: Stored | None = None,
        reads: Codebook | None = None,
        unread: Sequence[str] = (),
    ) -> None:
        self.models = [stored for stored in (topics, stance, reader) if stored]
        self.reader = reader
        self.unread = unread
        books = [stored.codebook for stored in (topics, stance) if stored] + ([reads] if reads else [])
        self.codebooks = ", ".join(dict.fromkeys(book.reference for book in books))

    @classmethod
    def named(
        cls, topics: str | None = None, stance: str | None = None, codebook: Path | None = None, reader: str | None = None
    ) -> Predictor:
        """Load models by folder or registry name; the champions where none is given.

        Args:
            codebook: may have claims that the stance model does not know; the project's own where none is given and the stance model
                is of that.
            reader: the model that reads those.

        Raises:
            StoreError: a model cannot be had, or predicts something else than it was asked for.
            data.codebook.CodebookError: the codebook is not usable.
        """
        encoders: dict[str, SentenceEncoder] = {}
        first, second = (_loaded(task, name, encoders) for task, name in ((Task.topics, topics), (Task.stance, stance)))
        book = codebooks.load(codebook or codebooks.DEFAULT_PATH)
        new = second.unknown(book) if codebook or book.name == second.codebook.name else []
        if not new:
            return cls(first, second)
        try:
            found = second if second.reads_claims and not reader else store.load(registry.resolve(reader or registry.reader()), encoders)
        except StoreError:
            if reader:
                raise
            known = {claim.id for claim in second.codebook.claims}
            return cls(first, second, unread=[claim for claim in new if claim not in known])
        return cls(first, second, found.about(book.only(new)), reads=book)

    @property
    def made_by(self) -> dict[str, str | None]:
        """What makes the labels, as each record names it: the models by what they do, and the codebooks."""
        named: dict[str, str | None] = {task.value: None for task in Task}
        for stored in self.models:
            named["reader" if stored is self.reader else stored.task.value] = stored.reference
        return named | {"codebook": self.codebooks}

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
        nothing: Record = {field: [] for field in FIELD.values()}
        made_by = self.made_by
        return [vars(sentence) | nothing | labels | {"model": made_by} for sentence, labels in zip(found, labelled, strict=True)]


def _loaded(task: Task, name: str | None, encoders: dict[str, SentenceEncoder]) -> Stored:
    stored = store.load(registry.resolve(name or registry.champion(task)), encoders)
    if stored.task is not task:
        raise StoreError(f"{name}: expected a model of {task.value}, found one of {stored.task.value}")
    if stored.model.encoder:
        stored.model.encoder.start()  # it loads while the other model and the articles are read
    return stored
