import numpy as np
import pytest

from models.decision import NO, REVIEW, YES
from training.evaluate import evaluate

TARGETS = np.array([[1, 0], [1, 1], [0, 0], [0, 1]])
DECIDED = np.array([[YES, NO], [YES, NO], [YES, REVIEW], [NO, YES]])


def test_figures_of_a_case_counted_by_hand() -> None:
    found = evaluate(TARGETS, DECIDED / 2, DECIDED, ["a", "b"], ["1", "1", "2", "3"], seed=0)
    assert (found.micro.precision, found.micro.recall, found.micro.f1) == (0.75, 0.75, 0.75)
    assert found.labels["a"].f1 == pytest.approx(0.8)
    assert found.labels["b"].recall == 0.5
    assert found.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert found.exact_match == 0.5
    assert found.review == 0.25
    assert found.likeliest == 1
    assert evaluate(TARGETS, 1 - DECIDED / 2, DECIDED, ["a", "b"], ["1", "1", "2", "3"], seed=0).likeliest == pytest.approx(1 / 3)


def test_the_interval_holds_the_figure_and_grows_with_fewer_articles() -> None:
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 2, (300, 2))
    decided = np.where(generator.random((300, 2)) < 0.8, targets, 1 - targets) * YES
    many = evaluate(targets, decided / 2, decided, ["a", "b"], [str(i) for i in range(300)], seed=0)
    few = evaluate(targets, decided / 2, decided, ["a", "b"], [str(i // 60) for i in range(300)], seed=0)
    assert many.micro_interval[0] < many.micro.f1 < many.micro_interval[1]
    assert few.micro_interval != many.micro_interval


def test_a_label_that_never_occurs_counts_for_nothing() -> None:
    found = evaluate(TARGETS[:, :1] * [1, 0], DECIDED[:, :1] * [1, 0] / 2, DECIDED[:, :1] * [1, 0], ["a", "b"], ["1"] * 4, seed=0)
    assert found.labels["b"].average_precision is None
    assert found.macro_f1 == found.labels["a"].f1


def test_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        evaluate(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((0, 2)), ["a", "b"], [], seed=0)
