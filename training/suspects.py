"""Suspect labels: those that contradict, most surely, what a model says that has not seen the sentence's article."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from datasets import Dataset

MOST = 300  # as many as a person looks through


def suspects(
    dataset: Dataset, targets: np.ndarray, probabilities: np.ndarray, labels: Sequence[str], most: int = MOST
) -> list[dict[str, Any]]:
    """The labels given against the smallest out-of-fold chances, and those withheld against the greatest, worst first.

    The chance that the label deserves is its self-confidence (Northcutt, Jiang and Chuang 2021,
    https://doi.org/10.1613/jair.1.12125). It is a list to look through: a rare wording looks as suspect as a wrong label.

    Args:
        targets: 0/1, shape (n, n_labels).
        probabilities: calibrated and out of fold, same shape.

    Returns:
        Rows with `id`, `label`, `given` (whether the sentence carries it), `probability` and `text`.
    """
    deserved = np.where(targets.astype(bool), probabilities, 1 - probabilities)
    found = []
    for flat in np.argsort(deserved, axis=None, kind="stable")[:most]:
        row, column = divmod(int(flat), len(labels))
        sentence = dataset[row]
        found.append(
            {
                "id": sentence["id"],
                "label": labels[column],
                "given": bool(targets[row, column]),
                "probability": round(float(probabilities[row, column]), 4),
                "text": sentence["text"],
            }
        )
    return found
