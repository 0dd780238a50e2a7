"""Labels: from texts through loaded models to the label entries of a prediction record.

The one place where probabilities and decisions become words; batch, server, MLflow and evaluation all come through here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from data.codebook import Task
from data.text import normalise
from models.decision import NO, WORDS
from models.store import Stored

FIELD = {Task.topics: "topics", Task.stance: "stances"}
DIGITS = 4


def probabilities(models: Sequence[Stored], texts: Sequence[str]) -> list[np.ndarray]:
    """Calibrated probabilities of each model for texts as written, shape (n, n_labels); an encoder reads a text once."""
    normalised = [normalise(text) for text in texts]
    vectors: dict[str, np.ndarray] = {}
    found = []
    for stored in models:
        encoder, digest = stored.model.encoder, stored.manifest["encoder"]
        if encoder and digest not in vectors:
            vectors[digest] = encoder.encode(normalised)
        raw = stored.model.predict_proba(normalised, vectors.get(digest))
        found.append(stored.decision.calibrate(raw))
    return found


def label(models: Sequence[Stored], texts: Sequence[str], everything: bool = False) -> list[dict[str, list[dict[str, Any]]]]:
    """The label entries of each text: `{"topics": [...], "stances": [...]}`, for the tasks of the given models.

    Entries stand in codebook order; where two models answer for a claim, the later one's stand.

    Args:
        everything: also the labels that are decided no.
    """
    rows: list[dict[str, list[dict[str, Any]]]] = [{} for _ in texts]
    order = {claim: i for i, claim in enumerate(dict.fromkeys(claim.id for stored in models for claim in stored.codebook.claims))}
    for stored, found in zip(models, probabilities(models, texts), strict=True):
        decisions = stored.decision.decide(found)
        names = [_name(stored, name) for name in stored.labels]
        field, claims = FIELD[stored.task], {claim.id for claim in stored.codebook.claims}
        for row, chances, decided in zip(rows, found, decisions, strict=True):
            row[field] = [entry for entry in row.get(field, []) if entry.get("claim") not in claims] + [
                names[i] | {"probability": round(float(chances[i]), DIGITS), "decision": WORDS[decided[i]]}
                for i in range(len(names))
                if everything or decided[i] != NO
            ]
            row[field].sort(key=lambda entry: order.get(entry.get("claim", ""), 0))
    return rows


def _name(stored: Stored, name: str) -> dict[str, str]:
    if stored.task is Task.topics:
        return {"id": name}
    claim, side = name.split("/")
    return {"claim": claim, "stance": side, "tag": stored.codebook.tag(claim, side)}
