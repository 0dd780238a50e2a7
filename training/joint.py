"""Joint training: one tuning for topics and stance, made once for whichever task is trained first."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data import corpus
from data.codebook import Codebook, Task
from models import cache, pretrained
from models.finetuned import FineTuned
from models.tuning import DEFAULT, Watch, last_whole
from training.config import Config

if TYPE_CHECKING:
    from datasets import Dataset

HELD_OUT = "held_out.npy"


def tuned(
    config: Config, codebook: Codebook, dataset: Dataset, texts: list[str], tell: Callable[[str], None], watch: Watch | None
) -> tuple[FineTuned, np.ndarray]:
    """The finetuned model of the configuration's task, and its probabilities for the sentences that it did not learn from.

    What was tuned is kept, by everything that it depends on: data, codebook, encoder and settings. The second task finds it
    there, and a tuning that was broken off goes on from its last checkpoint.

    Returns:
        The model, and probabilities of shape (n, n_labels), NaN where it learned from the sentence.
    """
    tuning = DEFAULT if config.epochs is None else replace(DEFAULT, epochs=config.epochs)
    parts = [corpus.digest(dataset), codebook.reference, pretrained.folder(config.encoder).name, asdict(tuning), config.C, config.seed]
    name = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
    checkpoints = cache.root() / "checkpoints" / name
    columns = {task: corpus.targets(dataset, task, codebook) for task in Task}

    def make(folder: Path) -> None:
        tell("tuning an encoder for topics and stance" + (", from where it was broken off" if last_whole(checkpoints) else ""))
        model = FineTuned(config.encoder, tuning, config.C, config.seed, checkpoints, watch)
        probabilities = model.cross_fit(texts, np.hstack(list(columns.values())), dataset["article"])
        model.save(folder)
        np.save(folder / HELD_OUT, probabilities)

    folder = cache.cached("tuned", name, make)
    shutil.rmtree(checkpoints, ignore_errors=True)
    first = columns[Task.topics].shape[1]
    mine = slice(0, first) if config.task is Task.topics else slice(first, None)
    return FineTuned.load(folder).only(mine), np.load(folder / HELD_OUT)[:, mine]
