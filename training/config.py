"""Configuration of a training run: every choice with its default, in one frozen place, saved with the run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from data.codebook import DEFAULT_PATH, Task
from data.splits import SEED
from models.decision import NOTHING
from models.families import DEFAULT
from models.heads import RIDGE, C
from models.pretrained import SHIPPED
from models.promise import Promise


@dataclass(frozen=True)
class Config:
    """What to train, on what, and how.

    Attributes:
        task: topics or stance.
        family: name of a model family (`models.families`).
        data: labelled sentences as `data.corpus.load` takes them, for the family `pair` also pairs (`data.pairs`); none means the
            shipped corpus, and for `pair` the claim bank too.
        pretrain: pairs, such as those of natural-language inference, that the family `pair` goes through before all else.
        codebook: where the labels come from.
        encoder: the shipped encoder, a folder, or a hub name, for families that use one.
        C: inverse strength of regularisation, on words.
        ridge: strength of regularisation, on vectors.
        epochs: how often the families `finetuned` (at most) and `pair` go through the sentences; none leaves it to them.
        promise: a precision or recall that thresholds are chosen to keep.
        seed: of everything that is drawn.
    """

    task: Task
    family: str = DEFAULT
    data: tuple[str, ...] = ()
    pretrain: tuple[str, ...] = ()
    codebook: Path = DEFAULT_PATH
    encoder: str = SHIPPED
    C: float = C
    ridge: float = RIDGE
    epochs: int | None = None
    promise: Promise = NOTHING
    seed: int = SEED
