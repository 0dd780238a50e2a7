"""Vectors of a frozen encoder for many sentences, kept on disk between runs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from models import cache
from models.embedding import SentenceEncoder


def encode(texts: Sequence[str], encoder: SentenceEncoder) -> np.ndarray:
    """Vectors of the sentences, with a progress bar; kept on disk, so that the next run on the same data need not wait."""
    from datasets import Dataset, Features, List, Value

    content = hashlib.sha256("\n".join([encoder.digest, *texts]).encode("utf-8")).hexdigest()
    kept = cache.root() / "vectors" / f"{content[:32]}.arrow"
    kept.parent.mkdir(parents=True, exist_ok=True)
    encoded = Dataset.from_dict({"text": texts}).map(
        lambda batch: {"vector": encoder.encode(batch["text"])},
        batched=True,
        batch_size=1024,
        remove_columns=["text"],
        features=Features({"vector": List(Value("float32"))}),
        cache_file_name=str(kept),
        new_fingerprint=kept.stem,
        desc="encoding sentences",
    )
    return np.asarray(encoded.with_format("numpy")["vector"], dtype=np.float32)
