import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from data import codebook
from data.codebook import Task
from models.decision import NO, REVIEW, YES
from training.bootstrap import Bootstrap
from training.evaluate import evaluate, gains
from training.measure import keywords

TARGETS = np.array([[1, 0], [1, 1], [0, 0], [0, 1]])
DECIDED = np.array([[YES, NO], [YES, NO], [YES, REVIEW], [NO, YES]])
ARTICLES = ["1", "1", "2", "3"]


def noisy(n: int, right: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, and probabilities and decisions that are right so often."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, 2, (n, 2))
    given = np.where(generator.random((n, 2)) < right, targets, 1 - targets)
    return targets, np.where(given, 0.9, 0.1), given * YES


def test_figures_of_a_case_counted_by_hand() -> None:
    found = evaluate(TARGETS, DECIDED / 2, DECIDED, ["a", "b"], ARTICLES, seed=0)
    assert (found.micro.precision.value, found.micro.recall.value, found.micro.f1.value) == (0.75, 0.75, 0.75)
    assert found.labels["a"].f1.value == pytest.approx(0.8)
    assert found.labels["b"].recall.value == 0.5
    assert found.macro.f1.value == pytest.approx((0.8 + 2 / 3) / 2)
    assert found.exact_match.value == 0.5
    assert found.review.value == 0.25
    assert found.kept.value == 0.75
    assert found.likeliest.value == 1
    assert evaluate(TARGETS, 1 - DECIDED / 2, DECIDED, ["a", "b"], ARTICLES, seed=0).likeliest.value == pytest.approx(1 / 3)


def test_the_calibration_error_is_the_distance_from_what_is_right() -> None:
    chances = np.array([[0.8]] * 5 + [[0.02]] * 5)
    targets = np.array([[1], [1], [1], [0], [0], [0], [0], [0], [0], [0]])
    found = evaluate(targets, chances, np.where(chances > 0.5, YES, NO), ["a"], [str(i) for i in range(10)], seed=0)
    assert found.shown_error.value == pytest.approx(0.2)
    assert found.calibration_error.value == pytest.approx((0.2 + 0.02) / 2)
    assert [(bar.right, bar.pairs) for bar in found.reliability] == [(0.0, 5), (0.6, 5)]


def test_claims_have_the_mean_of_both_sides() -> None:
    found = evaluate(TARGETS, DECIDED / 2, DECIDED, ["c/support", "c/oppose"], ARTICLES, seed=0)
    assert found.claims["c"].value == pytest.approx((0.8 + 2 / 3) / 2)
    assert not evaluate(TARGETS, DECIDED / 2, DECIDED, ["a", "b"], ARTICLES, seed=0).claims


def test_each_language_has_figures_of_its_own() -> None:
    found = evaluate(TARGETS, DECIDED / 2, DECIDED, ["a", "b"], ARTICLES, 0, ["id", "id", "en", "en"])
    assert found.languages["id"].micro.precision.value == 1
    assert found.languages["en"].sentences == 2


def test_intervals_hold_their_figure_and_depend_on_articles_alone() -> None:
    targets, chances, decided = noisy(300, 0.8)
    many = evaluate(targets, chances, decided, ["a", "b"], [str(i) for i in range(300)], seed=0)
    few = evaluate(targets, chances, decided, ["a", "b"], [str(i // 60) for i in range(300)], seed=0)
    for figure in (many.micro.f1, many.macro.recall, many.labels["a"].average_precision, many.exact_match, many.calibration_error):
        assert figure
        assert figure.low <= figure.value <= figure.high
        assert figure.low < figure.high
    assert few.micro.f1.value == many.micro.f1.value
    assert (few.micro.f1.low, few.micro.f1.high) != (many.micro.f1.low, many.micro.f1.high)
    assert many == evaluate(targets, chances, decided, ["a", "b"], [str(i) for i in range(300)], seed=0)


def test_the_average_precision_is_that_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    targets, chances = generator.integers(0, 2, 200), generator.random(200).round(1)  # with ties
    values = Bootstrap([str(i) for i in range(200)], 0).rankings(targets, chances)
    assert values[0] == pytest.approx(average_precision_score(targets, chances))


def test_a_gain_is_told_from_noise() -> None:
    targets, chances, decided = noisy(400, 0.7)
    _, better_chances, better = noisy(400, 0.9)
    articles = [str(i) for i in range(400)]
    found = gains(targets, (decided, better), (chances, better_chances), ["a", "b"], articles, seed=0)
    assert all(found[name].low > 0 for name in ("micro F1", "average precision", "a", "b"))
    same = gains(targets, (decided, decided), (chances, chances), ["a", "b"], articles, seed=0)
    assert all(gain.low == gain.value == gain.high == 0 for gain in same.values())


def test_a_label_that_never_occurs_counts_for_nothing() -> None:
    found = evaluate(TARGETS[:, :1] * [1, 0], DECIDED[:, :1] * [1, 0] / 2, DECIDED[:, :1] * [1, 0], ["a", "b"], ["1"] * 4, seed=0)
    assert found.labels["b"].average_precision is None
    assert found.macro.f1 == found.labels["a"].f1


def test_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        evaluate(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((0, 2)), ["a", "b"], [], seed=0)


def test_keywords_are_found_in_their_language() -> None:
    book = codebook.load()
    texts, languages = ["Polisi menyita sabu di perbatasan.", "A military alliance was formed."], ["id", "en"]
    topics = [[book.labels(Task.topics)[i] for i in row.nonzero()[0]] for row in keywords(book, Task.topics, texts, languages)]
    assert topics == [["narcotics", "border-security"], ["military"]]
    assert keywords(book, Task.stance, texts, languages)[1].nonzero()[0].tolist() == [0]
    assert not keywords(book, Task.topics, texts, ["en", "en"])[0].any()
