"""Drawing: what a model that reads claims learns from, pair by pair, anew for each time that it goes through the sentences.

A sentence that is labelled for one claim implies more than one pair: with the claim in other words, with its contrary (then the
stance is the other one), with a near claim on which it says nothing, with the codebook's other claims. Drawing them anew each
time, the model sees a sentence seldom twice with the same words, and cannot learn statements by heart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.codebook import Claim
from data.pairs import STANCES, Pair
from data.wordings import ByLanguage, Wordings

# Shares of the pairs that have another wording than the statement, its contrary, or a claim that is not in the sentence's language.
# The first time through all have the statement: with contraries from the start, a small model takes twice as long to tell the
# sides apart.
REWORDED, CONTRARY, OTHER_LANGUAGE = 0.15, 0.1, 0.05
NEAR = 0.1  # of the sentences with a stance, how many also come with a near claim on which they take none
BESIDE = 0.4  # of the sentences with a stance, how many also come with a claim on which they take none
SWAPPED = 0.2  # of pairs without wordings, how many also come with another row's target
UNTOUCHED = 0.25  # of the sentences without any stance, how many come, with one claim each
EVEN = 0.02  # added to the chances by which a sentence draws claims that it says nothing of: hard ones mostly, any at times
OTHER = {"support": "oppose", "oppose": "support", "none": "none"}


@dataclass(frozen=True)
class Labelled:
    """Sentences labelled for the claims of a codebook.

    Attributes:
        texts, languages: of n sentences.
        stances: number of a stance in STANCES, shape (n, n_claims).
        likeness: how likely a model of words takes a sentence for one with the claim, shape (n, n_claims).
        claims: the claims in many words, in the order of the columns.
    """

    texts: Sequence[str]
    languages: Sequence[str]
    stances: np.ndarray
    likeness: np.ndarray
    claims: Sequence[Wordings]


@dataclass(frozen=True)
class Material:
    """What there is to learn from beside labelled sentences.

    Attributes:
        rows: pairs as they were read.
        first: pairs that are gone through once before all else, as they are.
        claims: claims in many words. A codebook's claim and the target of a row that have their id or their statement come in
            those words too.
    """

    rows: Sequence[Pair] = ()
    first: Sequence[Pair] = ()
    claims: Sequence[Wordings] = ()

    def of(self, claim: Claim) -> Wordings:
        """The claim with the words that there are for it."""
        for wordings in self.claims:
            if wordings.id == claim.id and wordings.statement in ({}, claim.statement):
                return wordings.model_copy(update={"statement": claim.statement})
        return Wordings(id=claim.id, statement=claim.statement)


def once(labelled: Labelled | None, material: Material, rng: np.random.Generator, vary: bool = True) -> list[Pair]:
    """Pairs for one time through sentences and rows, in random order.

    Args:
        vary: put claims in other words than those of their statements at times.
    """
    found = [*_of_codebook(labelled, rng, vary)] if labelled else []
    rows, targets = material.rows, [row.target for row in material.rows]
    claims = [*material.claims, *(labelled.claims if labelled else [])]
    known = {statement: (claim, language) for claim in claims for language, statement in claim.statement.items()}
    swappable = any(row.stance == "none" for row in rows)  # where every row takes a side, another row's target may well be meant
    for row in rows:
        claim, language = known.get(row.target, (None, ""))
        if claim:
            found.append(_worded(row.text, claim, language, row.stance, rng, vary))
            found += _near(row.text, claim, language, rng)
            continue
        found.append(row)
        if swappable and rng.random() < SWAPPED:
            other = targets[rng.integers(len(targets))]
            if other != row.target:
                found.append(Pair(row.text, other, "none"))
    return [found[i] for i in rng.permutation(len(found))]


def _of_codebook(labelled: Labelled, rng: np.random.Generator, vary: bool) -> list[Pair]:
    none = STANCES.index("none")
    found = []
    for text, language, stances, likeness in zip(labelled.texts, labelled.languages, labelled.stances, labelled.likeness, strict=True):
        taken = np.flatnonzero(stances != none).tolist()
        for claim in taken:
            found.append(_worded(text, labelled.claims[claim], language, STANCES[stances[claim]], rng, vary))
            found += _near(text, labelled.claims[claim], language, rng)
        if len(taken) == len(stances) or rng.random() >= (BESIDE if taken else UNTOUCHED):
            continue
        chances = np.where(stances == none, likeness + EVEN, 0.0)
        other = int(rng.choice(len(stances), p=chances / chances.sum()))
        found.append(_worded(text, labelled.claims[other], language, "none", rng, vary))
    return found


def _worded(text: str, claim: Wordings, language: str, stance: str, rng: np.random.Generator, vary: bool) -> Pair:
    if vary and rng.random() < OTHER_LANGUAGE:
        language = _another(claim, language, rng)
    kind = rng.random() if vary else 1.0
    if kind < CONTRARY and claim.negated.get(language):
        return Pair(text, _one(claim.negated, language, rng), OTHER[stance])
    if kind < CONTRARY + REWORDED and claim.wordings.get(language):
        return Pair(text, _one(claim.wordings, language, rng), stance)
    return Pair(text, claim.statement[language], stance)


def _near(text: str, claim: Wordings, language: str, rng: np.random.Generator) -> list[Pair]:
    if not claim.elsewhere.get(language) or rng.random() >= NEAR:
        return []
    return [Pair(text, _one(claim.elsewhere, language, rng), "none")]


def _one(wordings: ByLanguage, language: str, rng: np.random.Generator) -> str:
    return wordings[language][rng.integers(len(wordings[language]))]


def _another(claim: Wordings, language: str, rng: np.random.Generator) -> str:
    others = sorted(claim.statement.keys() - {language})
    return others[rng.integers(len(others))] if others else language
