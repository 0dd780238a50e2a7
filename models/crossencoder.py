"""Tuning on pairs: an encoder reads a claim and a sentence together, and three heads say support, oppose or none.

Imports torch; nothing that labels imports this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.pairs import STANCES, Pair
from models import tuning
from models.heads import VectorHeads
from models.networks import PairNetwork
from models.tuning import Tuning, Watch

TOGETHER = 32  # batches among which pairs are sorted by length, so that little is spent on padding


def tune(
    name: str, pairs: Sequence[Pair], settings: Tuning, seed: int, checkpoints: Path, watch: Watch | None = None
) -> tuple[Any, Any, VectorHeads]:
    """Tune the named encoder (`models.pretrained.folder`) on pairs, once through and about in the order in which they stand.

    Returns:
        The encoder (float32, on the CPU), its tokenizer, and the three heads on the mean of its last hidden states.

    Raises:
        OSError: a checkpoint cannot be written; the earlier ones stay.
    """
    encoder, tokenizer = tuning.prepared(name, settings, seed)
    encoder.set_attn_implementation("eager")  # for sentences, it is the fastest on a CPU
    net = PairNetwork(encoder, len(STANCES), settings.dropout)
    rows = _tokenised(in_batches(pairs, settings.batch, seed), tokenizer, settings.max_tokens)
    tuning.run(net, tokenizer, rows, None, None, settings, seed, checkpoints, watch, in_order=True)
    return encoder, tokenizer, net.given()


def in_batches(pairs: Sequence[Pair], batch: int, seed: int) -> list[Pair]:
    """The pairs in an order in which those of a batch are about as long, and batches of all lengths come by turns."""
    rng = np.random.default_rng(seed)
    found: list[Pair] = []
    for start in range(0, len(pairs), batch * TOGETHER):
        part = sorted(pairs[start : start + batch * TOGETHER], key=lambda pair: len(pair.text) + len(pair.target))
        batches = [part[i : i + batch] for i in range(0, len(part), batch)]
        found += [pair for i in rng.permutation(len(batches)) for pair in batches[i]]
    return found


def _tokenised(pairs: Sequence[Pair], tokenizer: Any, most: int) -> Any:
    from datasets import Dataset

    columns = {"target": [pair.target for pair in pairs], "text": [pair.text for pair in pairs]}
    rows = Dataset.from_dict(columns | {"labels": [STANCES.index(pair.stance) for pair in pairs]})

    def encode(batch: dict[str, Any]) -> Any:
        return tokenizer(batch["target"], batch["text"], truncation=True, max_length=most, return_token_type_ids=False)

    return rows.map(encode, batched=True, remove_columns=list(columns), desc="tokenising")
