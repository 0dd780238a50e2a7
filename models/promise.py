"""Promises: thresholds that keep a precision or a recall which somebody asked for, with stated confidence.

Learn-then-Test (Angelopoulos et al. 2021, https://arxiv.org/abs/2110.01052) as MAPIE has it: of a grid of thresholds those are taken
for which the promise, if it were broken, would be unlikely to look as well kept as it does on sentences that the model had not seen.
What is promised holds for sentences like those; `sikap evaluate` tells what it comes to on others.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

GRID = np.linspace(0.99, 0.01, 99)  # thresholds that are tested, the strictest first
STARTS = 20  # in the grid, from each of which on testing goes until it fails
NEVER = 1.01  # a threshold that no probability reaches


@dataclass(frozen=True)
class Promise:
    """What was asked for, of all labels together.

    Attributes:
        precision: of what is decided yes, how much is right at least.
        recall: of what is true, how much is decided yes or goes to review at least.
        confidence: that it is kept, for each of the two.
    """

    precision: float | None = None
    recall: float | None = None
    confidence: float = 0.9

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not 0 < value < 1:
                raise ValueError(f"expected a {name} between 0 and 1, found {value}")


def threshold(probabilities: np.ndarray, targets: np.ndarray, risk: str, level: float, confidence: float) -> float | None:
    """The threshold that keeps a promise at the least cost; None where no threshold is known to keep it.

    Args:
        probabilities, targets: calibrated, and 0/1; of the same shape.
        risk: precision or recall.
        level: how much of it is promised.
        confidence: that the promise is kept.

    >>> sure = np.repeat([0.2, 0.8], 500)
    >>> 0.2 < threshold(sure, (sure > 0.5).astype(int), "precision", 0.9, 0.9) <= 0.8
    True
    """
    from mapie.risk_control import BinaryClassificationController
    from mapie.risk_control.fwer_control import FWERFixedSequenceTesting

    grid = GRID if risk == "precision" else GRID[::-1]  # from where the promise is easily kept to where it is not
    controller = BinaryClassificationController(
        lambda chances: np.stack([1 - chances, chances], axis=1),
        risk,
        level,
        confidence,
        list_predict_params=grid,
        fwer_method=FWERFixedSequenceTesting(STARTS),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of thresholds that nothing reaches, and where none will do
        controller.calibrate(probabilities.ravel(), targets.ravel())
    found = controller.best_predict_param
    return None if found is None else float(found)
