"""Tuning for labels: one head a label, beside log-odds that the words gave already.

Imports torch; nothing that labels imports this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models import tuning
from models.heads import VectorHeads
from models.networks import LabelNetwork, vectors
from models.tuning import Tuning, Watch


@dataclass(frozen=True)
class Examples:
    """Normalised sentences, their labels (0/1), and log-odds that the heads add to; both of shape (n, n_labels)."""

    texts: Sequence[str]
    targets: np.ndarray
    odds: np.ndarray


def tune(
    name: str, learn: Examples, check: Examples | None, settings: Tuning, seed: int, checkpoints: Path, watch: Watch | None = None
) -> tuple[Any, Any, VectorHeads]:
    """Tune the named encoder (`models.pretrained.folder`) on `learn`, watched and stopped by `check`.

    The heads start as they are best on the untuned vectors, so that the first steps do not spoil the encoder (Kumar et al.
    2022, https://arxiv.org/abs/2202.10054).

    Returns:
        The encoder (float32, on the CPU), its tokenizer, and the heads on the mean of its last hidden states.

    Raises:
        OSError: a checkpoint cannot be written; the earlier ones stay.
    """
    encoder, tokenizer = tuning.prepared(name, settings, seed)
    commonness = np.maximum(learn.targets.mean(axis=0), 1 / len(learn.targets))
    net = LabelNetwork(encoder, (commonness.max() / commonness) ** settings.rare, settings.dropout)
    rows, watching = (_tokenised(part, tokenizer, settings.max_tokens) if part else None for part in (learn, check))
    if not tuning.last_whole(checkpoints):
        net.take(VectorHeads().fit(vectors(net, rows, tokenizer), learn.targets, learn.odds))
    tuning.run(net, tokenizer, rows, watching, _figures, settings, seed, checkpoints, watch)
    return encoder, tokenizer, net.given()


def _tokenised(examples: Examples, tokenizer: Any, most: int) -> Any:
    from datasets import Dataset

    columns = {"labels": examples.targets, "odds": examples.odds}
    rows = Dataset.from_dict({"text": list(examples.texts)} | {name: column.astype(np.float32) for name, column in columns.items()})

    def encode(batch: dict[str, Any]) -> dict[str, Any]:
        encoded = tokenizer(batch["text"], truncation=True, max_length=most, return_token_type_ids=False)
        return {**encoded, "length": [len(ids) for ids in encoded["input_ids"]]}

    return rows.map(encode, batched=True, remove_columns=["text"], desc="tokenising")


def _figures(predicted: Any) -> dict[str, float]:
    from sklearn.metrics import average_precision_score

    logits, targets = predicted
    return {"average_precision": float(average_precision_score(targets.ravel(), logits.ravel())) if targets.any() else 0.0}
