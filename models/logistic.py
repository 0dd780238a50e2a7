"""Log-odds to probabilities and back, in numpy alone: importing `scipy.special` takes longer than labelling a page."""

from __future__ import annotations

import numpy as np


def expit(odds: np.ndarray) -> np.ndarray:
    """Probabilities for log-odds, same shape.

    >>> expit(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    return np.exp(-np.logaddexp(0, -odds))


def logit(probabilities: np.ndarray) -> np.ndarray:
    """Log-odds for probabilities between 0 and 1, same shape."""
    return np.log(probabilities / (1 - probabilities))
