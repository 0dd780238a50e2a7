"""Figures: counts with names, corrected where the models' errors are known, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data.codebook import SIDES, Codebook, Task
from serve.report.correct import Errors, Estimate, contested, counts
from serve.report.makers import Label, Maker, Makers
from serve.report.query import EVERYTHING, Counts, Sentence, Slice

ENOUGH = 20  # sentences with a side from which on a claim is ranked by how contested it is
NOT_MEASURED, NOT_TOLD = "not measured", "cannot tell"


@dataclass(frozen=True)
class Count:
    """How many sentences have a label.

    Attributes:
        said: as the models said.
        of: sentences that were read.
        review: those that a person should look at.
        corrected: for what the models get wrong; None where that is not known.
        why: then, the reason.
    """

    said: int
    of: int
    review: int
    corrected: Estimate | None
    why: str = ""

    @property
    def share(self) -> float:
        """Of the sentences that were read."""
        return self.said / max(self.of, 1)

    @property
    def in_review(self) -> float:
        """Share of the sentences that may have the label which no model is sure of."""
        return self.review / max(self.said + self.review, 1)


@dataclass(frozen=True)
class Sides:
    """Support and opposition of a claim in a part of the sentences.

    Attributes:
        contested: how evenly they share it, corrected where both are (`serve.report.correct.contested`).
    """

    name: str
    support: Count
    oppose: Count
    contested: float | None

    @property
    def said(self) -> int:
        """Sentences with a side."""
        return self.support.said + self.oppose.said

    @property
    def enough(self) -> bool:
        """Whether there are enough sentences to speak of a contest."""
        return self.said >= ENOUGH


@dataclass(frozen=True)
class TopicFigures:
    """A topic, in all sentences and period by period."""

    name: str
    total: Count
    periods: list[Count]


@dataclass(frozen=True)
class ClaimFigures:
    """A claim, in all sentences and in parts of them; a tag for each side."""

    id: str
    statement: str
    tags: dict[str, str]
    total: Sides
    slices: dict[str, list[Sides]]
    certain: dict[str, list[Sentence]]
    doubtful: list[Sentence]


@dataclass(frozen=True)
class Figures:
    """All that is shown of labels.

    Attributes:
        absent: names of labels that no sentence has, of the codebooks that the labels come from.
        uncorrected: names of labels by the reason for which there is no corrected count.
    """

    topics: list[TopicFigures]
    claims: list[ClaimFigures]
    absent: list[str]
    uncorrected: dict[str, list[str]]

    @property
    def corrected(self) -> bool:
        """Whether any count is."""
        sides = [side for claim in self.claims for side in (claim.total.support, claim.total.oppose)]
        return any(count.corrected for count in [*sides, *(topic.total for topic in self.topics)])


class Names:
    """What labels are called in English, by the first codebook that has them; ids where none does."""

    def __init__(self, books: Sequence[Codebook]) -> None:
        self.books = books
        self.topics = {topic.id: topic.name.get("en") or topic.id for book in reversed(books) for topic in book.topics}
        self.claims = {claim.id: claim for book in reversed(books) for claim in book.claims}
        self.tags = {label: book.tag(*label.split("/")) for book in reversed(books) for label in book.labels(Task.stance)}

    @property
    def labels(self) -> dict[str, str]:
        """Labels of stances by tag."""
        return {tag: label for label, tag in self.tags.items()}

    def statement(self, claim: str) -> str:
        """What is claimed."""
        known = self.claims.get(claim)
        return known.statement.get("en") or next(iter(known.statement.values()), claim) if known else claim

    def of(self, label: Label) -> str:
        """A topic's name, or the tag of a side."""
        task, name = label
        return (self.topics if task is Task.topics else self.tags).get(name, name)


def figures(found: Counts, makers: Makers, names: Names) -> Figures:
    """Put names and corrections to counts."""
    maker = _Maker(found, makers)
    periods: list[Slice] = [("period", day) for day in found.slices["period"]]
    topics = [
        TopicFigures(names.of(label), maker.count(EVERYTHING, label), [maker.count(part, label) for part in periods])
        for label in found.labels
        if label[0] is Task.topics
    ]
    ids = dict.fromkeys(name.partition("/")[0] for task, name in found.labels if task is Task.stance)
    claims = [_claim(claim, found, maker, names) for claim in ids]
    uncorrected: dict[str, list[str]] = {}
    for label, why in maker.reasons.items():
        uncorrected.setdefault(why, []).append(names.of(label))
    used = [book for book in names.books if any(book.reference in reference for reference in found.codebooks)]
    all_labels = dict.fromkeys((task, label) for book in used for task in Task for label in book.labels(task))
    return Figures(
        topics=sorted(topics, key=lambda topic: (-topic.total.said, topic.name)),
        claims=sorted(claims, key=lambda claim: (not claim.total.enough, -(claim.total.contested or 0.0), -claim.total.said, claim.id)),
        absent=[names.of(label) for label in all_labels if label not in found.labels],
        uncorrected=uncorrected,
    )


def _claim(claim: str, found: Counts, maker: _Maker, names: Names) -> ClaimFigures:
    labels: dict[str, Label] = {side: (Task.stance, f"{claim}/{side}") for side in SIDES}
    slices = {kind: [maker.sides((kind, name), claim) for name in parts] for kind, parts in found.slices.items()}
    slices["organisation"] = [sides for sides in slices["organisation"] if sides.said]
    doubtful = [sentence for _, label in labels.values() for sentence in found.doubtful.get(label, [])]
    return ClaimFigures(
        id=claim,
        statement=names.statement(claim),
        tags={side: names.of(label) for side, label in labels.items()},
        total=maker.sides(EVERYTHING, claim),
        slices=slices,
        certain={side: found.certain.get(label, []) for side, (_, label) in labels.items()},
        doubtful=sorted(doubtful, key=lambda sentence: abs((sentence.probability or 0.0) - 0.5))[:3],
    )


class _Maker:
    """Makes figures of counts; the same errors of a model are drawn once, so that its figures go together."""

    def __init__(self, found: Counts, makers: Makers) -> None:
        self.found, self.makers = found, makers
        self.errors: dict[tuple[str, Label], Errors] = {}
        self.reasons: dict[Label, str] = {}  # why a label is not corrected
        self.random = np.random.default_rng(0)

    def sides(self, part: Slice, claim: str) -> Sides:
        support, oppose = (self.count(part, (Task.stance, f"{claim}/{side}")) for side in SIDES)
        if support.corrected and oppose.corrected:
            evenly = contested(support.corrected.value, oppose.corrected.value)
        else:
            evenly = contested(support.said, oppose.said)
        return Sides(part[1], support, oppose, evenly)

    def count(self, part: Slice, label: Label) -> Count:
        said, read = self.found.said.get((part, label), {}), self.found.read.get(part, {})
        draws = self._draws(label, said, read)
        corrected, why = (None, draws) if isinstance(draws, str) else (Estimate.of(draws), "")
        if why:
            self.reasons[label] = why
        return Count(sum(said.values()), sum(read.values()), self.found.review.get((part, label), 0), corrected, why)

    def _draws(self, label: Label, said: Mapping[Maker, int], read: Mapping[Maker, int]) -> np.ndarray | str:
        """Draws of the corrected count, or why there is none."""
        parts = []
        for maker, many in read.items():
            measured = self.makers.measured(maker, label)
            if not measured:
                return NOT_MEASURED
            name, confusion = measured
            if (name, label) not in self.errors:
                self.errors[name, label] = Errors(confusion, self.random)
            if not self.errors[name, label].tells:
                return NOT_TOLD
            parts.append((said.get(maker, 0), many, self.errors[name, label]))
        return counts(parts, self.random)
