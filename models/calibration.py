"""Calibration: from what a model gives to probabilities that hold, so that of those at 0.8 four in five are right.

Learned from out-of-fold predictions. Three ways are tried, and the one is taken that makes articles which it has not seen the
likeliest: Platt's (1999) sigmoid, one temperature (Guo et al. 2017, https://arxiv.org/abs/1706.04599), isotonic regression
(Zadrozny and Elkan 2002, https://doi.org/10.1145/775047.775151).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from data.splits import SEED, folds
from models.logistic import expit, logit

EDGE = 1e-6  # raw probabilities are kept this far from 0 and 1
ENOUGH = 300  # positives of a label from which its own sigmoid weighs as much as everybody's


@dataclass(frozen=True)
class Calibration:
    """A rising function of raw log-odds. As it is made without arguments, it changes nothing.

    Attributes:
        method: platt, temperature, isotonic or none.
        slope, intercept: of the calibrated log-odds; one for all labels, or shape (n_labels,).
        raw, calibrated: log-odds between which isotonic regression goes in straight lines; empty for the other methods.
    """

    method: str = "none"
    slope: np.ndarray | float = 1.0
    intercept: np.ndarray | float = 0.0
    raw: tuple[float, ...] = ()
    calibrated: tuple[float, ...] = ()

    @classmethod
    def fit(cls, raw: np.ndarray, targets: np.ndarray, articles: Sequence[str], alike: bool = False, seed: int = SEED) -> Self:
        """Learn from probabilities of sentences that the model had not seen.

        Args:
            raw, targets: probabilities as the model gave them, and 0/1; shape (n, n_labels).
            articles: the article of each sentence.
            alike: all labels are calibrated together.
            seed: of the folds in which the methods are compared.
        """
        if not len(targets) or targets.min() == targets.max() or len(set(articles)) < 2:
            return cls()
        odds = _odds(raw)
        ways: list[Callable[..., dict[str, Any]]] = [_platt if alike else _platt_by_label, _temperature, _isotonic]
        splits = [split for split in folds(articles, seed) if np.ptp(targets[split[0]])]
        if not splits:  # all that is labelled stands in one article
            return cls()
        losses = [np.mean([_loss(cls(**way(odds[kept], targets[kept])), raw[new], targets[new]) for kept, new in splits]) for way in ways]
        return cls(**ways[int(np.argmin(losses))](odds, targets))

    def __call__(self, raw: np.ndarray) -> np.ndarray:
        """Calibrated probabilities for raw ones, same shape.

        >>> Calibration("temperature", slope=0.5)(np.array([0.9])).round(2).tolist()
        [0.75]
        """
        odds = _odds(raw)
        return expit(np.interp(odds, self.raw, self.calibrated) if self.raw else odds * self.slope + self.intercept)

    def as_dict(self) -> dict[str, Any]:
        """What `from_dict` takes, fit for JSON."""
        return vars(self) | {"slope": np.asarray(self.slope).tolist(), "intercept": np.asarray(self.intercept).tolist()}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """What `as_dict` gave."""
        slope, intercept = (np.asarray(content[name], dtype=float) for name in ("slope", "intercept"))
        return cls(content["method"], slope, intercept, tuple(content["raw"]), tuple(content["calibrated"]))


def _odds(raw: np.ndarray) -> np.ndarray:
    return logit(np.clip(raw, EDGE, 1 - EDGE))


def _loss(calibration: Calibration, raw: np.ndarray, targets: np.ndarray) -> float:
    found = np.clip(calibration(raw), EDGE, 1 - EDGE)
    return float(-np.log(np.where(targets, found, 1 - found)).mean())


def _sigmoid(odds: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression().fit(odds.reshape(-1, 1), targets.ravel())
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def _platt(odds: np.ndarray, targets: np.ndarray) -> dict[str, Any]:
    slope, intercept = _sigmoid(odds, targets)
    return {"method": "platt", "slope": slope, "intercept": intercept}


def _platt_by_label(odds: np.ndarray, targets: np.ndarray) -> dict[str, Any]:
    """Each label's sigmoid, drawn toward the one of all labels together, the more the fewer examples it has."""
    found = np.tile(_sigmoid(odds, targets), (targets.shape[1], 1))
    for label, positives in enumerate(targets.sum(axis=0)):
        if 0 < positives < len(targets):
            weight = positives / (positives + ENOUGH)
            found[label] = weight * np.array(_sigmoid(odds[:, label], targets[:, label])) + (1 - weight) * found[label]
    return {"method": "platt", "slope": found[:, 0], "intercept": found[:, 1]}


def _temperature(odds: np.ndarray, targets: np.ndarray) -> dict[str, Any]:
    from scipy.optimize import minimize_scalar

    signed = np.where(targets, odds, -odds)
    slope = minimize_scalar(lambda slope: np.logaddexp(0, -slope * signed).mean(), bounds=(0.05, 10), method="bounded").x
    return {"method": "temperature", "slope": float(slope)}


def _isotonic(odds: np.ndarray, targets: np.ndarray) -> dict[str, Any]:
    """Straight lines between the middles of the steps, so that few raw values become one (Oron and Flournoy 2017,
    https://doi.org/10.1080/19466315.2017.1286256)."""
    from sklearn.isotonic import IsotonicRegression

    flat, hits = odds.ravel(), targets.ravel()
    steps, step = np.unique(IsotonicRegression().fit_transform(flat, hits), return_inverse=True)
    many = np.bincount(step)
    if steps[0] == 0:  # no step is quite sure
        steps[0] = min(steps[1], 1 / (2 * many[0] + 2))
    if steps[-1] == 1:
        steps[-1] = max(steps[-2], 1 - 1 / (2 * many[-1] + 2))
    steps = np.clip(steps, EDGE, 1 - EDGE)
    middles = np.bincount(step, flat) / many
    return {"method": "isotonic", "raw": tuple(middles.tolist()), "calibrated": tuple(logit(steps).tolist())}
