"""Heads: features to log-odds, one logistic regression per label. What learning needs is imported only to learn."""

from __future__ import annotations

import warnings
from copy import copy
from typing import TYPE_CHECKING, Self

import numpy as np

from models.logistic import expit, logit

if TYPE_CHECKING:
    from scipy import sparse

RARE = 1e-4  # the probability given to a label that the training data never shows
C = 4.0  # inverse strength of the words' regularisation; chosen out of fold
RIDGE = 3e-3  # pull of the vectors' coefficients toward nothing; chosen on held-out articles


class Heads:
    """What was learned: coefficients of shape (n_labels, n_features), and an intercept per label."""

    def odds(self, features: sparse.csr_matrix | np.ndarray) -> np.ndarray:
        """Log-odds, float64 of shape (n, n_labels)."""
        return np.asarray(features @ self.coefficients_.T, dtype=np.float64) + self.intercepts_

    def tensors(self) -> dict[str, np.ndarray]:
        """What was learned, by name, as `from_tensors` takes it."""
        return {"coefficients": self.coefficients_, "intercepts": self.intercepts_}

    def from_tensors(self, tensors: dict[str, np.ndarray]) -> Self:
        """Take over what was learned elsewhere."""
        self.coefficients_ = tensors["coefficients"].astype(np.float32)
        self.intercepts_ = tensors["intercepts"].astype(np.float32)
        return self

    def only(self, columns: slice) -> Self:
        """The same heads for some of the labels."""
        part = copy(self)
        return part.from_tensors({name: tensor[columns] for name, tensor in self.tensors().items()})


class WordHeads(Heads):
    """Independent logistic regressions on sparse features (scikit-learn, liblinear).

    Args:
        C: inverse strength of the regularisation.
        seed: of the solver's random order.
    """

    def __init__(self, C: float, seed: int) -> None:
        self.C = C
        self.seed = seed

    def fit(self, features: sparse.csr_matrix, targets: np.ndarray) -> Self:
        """Learn one regression a column of `targets` (0/1, shape (n, n_labels)), in parallel processes."""
        from joblib import Parallel, delayed

        features.sum_duplicates()  # in place, while it can be written to: the processes see it read-only
        fitted = Parallel(n_jobs=-1)(delayed(_fit)(features, column, self.C, self.seed) for column in targets.T)
        coefficients, intercepts = (np.array(part) for part in zip(*fitted, strict=True))
        return self.from_tensors({"coefficients": coefficients, "intercepts": intercepts})


class VectorHeads(Heads):
    """Logistic regressions on an encoder's vectors, whose log-odds are added to those that something else gave already.

    What they learn is what the other could not know, if the other's log-odds are of sentences that it had not seen.

    Args:
        ridge: pull of the coefficients toward nothing.
    """

    def __init__(self, ridge: float = RIDGE) -> None:
        self.ridge = ridge

    def fit(self, vectors: np.ndarray, targets: np.ndarray, beside: np.ndarray) -> Self:
        """Learn all labels at once (scipy, L-BFGS on the mean loss over standardised vectors).

        Args:
            vectors: float, shape (n, width).
            targets: 0/1, shape (n, n_labels).
            beside: the other's log-odds, shape (n, n_labels).
        """
        from scipy.optimize import minimize

        mean, spread = vectors.mean(axis=0), np.maximum(vectors.std(axis=0), 1e-6)
        standard = ((vectors - mean) / spread).astype(np.float32)
        signs = 2 * targets.astype(np.float32) - 1
        shape = (targets.shape[1], vectors.shape[1] + 1)  # the last column is the intercept

        def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
            weights = flat.reshape(shape).astype(np.float32)
            margins = signs * (standard @ weights[:, :-1].T + weights[:, -1] + beside)
            pull = (-signs * expit(-margins) / len(targets)).astype(np.float32)
            slope = np.hstack([pull.T @ standard + 2 * self.ridge * weights[:, :-1], pull.sum(axis=0)[:, None]])
            value = np.logaddexp(0, -margins).sum() / len(targets) + self.ridge * (weights[:, :-1] ** 2).sum()
            return float(value), slope.ravel().astype(float)

        found = minimize(loss, np.zeros(np.prod(shape)), jac=True, method="L-BFGS-B", options={"maxiter": 100}).x.reshape(shape)
        coefficients = found[:, :-1] / spread
        return self.from_tensors({"coefficients": coefficients, "intercepts": found[:, -1] - coefficients @ mean})


def _fit(features: sparse.csr_matrix, target: np.ndarray, C: float, seed: int) -> tuple[np.ndarray, float]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    if target.min() == target.max():
        share = np.clip(target[:1], RARE, 1 - RARE)
        return np.zeros(features.shape[1]), float(logit(share)[0])
    # Solved to 0.01: going on to the default 0.0001 takes a quarter longer and moved no micro F1 by more than 0.002.
    regression = LogisticRegression(C=C, solver="liblinear", dual=True, tol=0.01, max_iter=300, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(features, target)
    return regression.coef_[0], float(regression.intercept_[0])
