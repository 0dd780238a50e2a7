from pathlib import Path

import numpy as np
import pytest

from models.calibration import Calibration
from models.decision import NO, REVIEW, YES, Decision
from models.promise import Promise

FREE = np.array([-1, -1])


def test_a_band_lies_between_no_and_yes() -> None:
    decision = Decision(np.array([0.6, 0.6]), np.array([0.3, 0.3]), FREE)
    assert decision.decide(np.array([[0.6, 0.59], [0.3, 0.29]])).tolist() == [[YES, REVIEW], [REVIEW, NO]]


def test_a_claim_gets_at_most_its_likelier_side() -> None:
    decision = Decision(np.array([0.2, 0.2]), np.array([0.1, 0.1]), np.array([0, 0]))
    assert decision.decide(np.array([[0.5, 0.4], [0.15, 0.3]])).tolist() == [[YES, NO], [NO, YES]]


def test_thresholds_separate_what_can_be_separated() -> None:
    targets = np.array([[1, 0]] * 200 + [[0, 1]] * 200)
    chances = np.array([[0.4, 0.05]] * 200 + [[0.1, 0.9]] * 200)
    decision = Decision.fit(chances, targets, FREE)
    assert (decision.decide(decision.calibrate(chances))[:, 0] == YES).tolist() == [True] * 200 + [False] * 200
    assert (decision.review <= decision.yes).all()


def test_a_label_without_examples_is_never_given() -> None:
    chances = np.linspace(0, 0.99, 100)[:, None]
    assert (Decision.fit(chances, np.zeros((100, 1), int), np.array([-1])).decide(chances) == NO).all()


def test_no_sentences_no_decisions() -> None:
    assert Decision(np.ones(2), np.ones(2), np.array([0, 0])).decide(np.zeros((0, 2))).shape == (0, 2)


def test_saved_and_loaded_decides_the_same(tmp_path: Path) -> None:
    chances = np.random.default_rng(0).random((50, 2))
    decision = Decision.fit(chances, (chances > 0.7).astype(int), np.array([0, 0]))
    decision.save(tmp_path / "decision.json", ["a", "b"])
    assert (Decision.load(tmp_path / "decision.json").decide(chances) == decision.decide(chances)).all()


def test_modest_probabilities_are_made_to_hold() -> None:
    generator = np.random.default_rng(0)
    true = generator.random((4000, 2))
    targets = (generator.random((4000, 2)) < true).astype(int)
    modest = 0.5 + (true - 0.5) * 0.3
    found = Calibration.fit(modest, targets, [str(i // 2) for i in range(4000)])
    assert np.abs(found(modest) - true).mean() < 0.05 < np.abs(modest - true).mean()


def test_isotonic_regression_is_taken_where_a_sigmoid_does_not_fit_and_makes_no_ties() -> None:
    generator = np.random.default_rng(0)
    raw = generator.uniform(0.01, 0.99, (6000, 1))
    targets = (generator.random((6000, 1)) < np.where(raw < 0.5, 0.1, 0.6)).astype(int)
    found = Calibration.fit(raw, targets, [str(i) for i in range(6000)])
    assert found.method == "isotonic"
    calibrated = found(np.array([[0.2], [0.8]]))
    assert calibrated[0, 0] < 0.2 < 0.5 < calibrated[1, 0]
    assert Calibration.from_dict(found.as_dict())(raw).tolist() == found(raw).tolist()


def test_a_promise_is_kept_on_sentences_that_were_not_seen() -> None:
    generator = np.random.default_rng(0)
    chances = generator.beta(0.3, 0.8, (8000, 3))
    targets = (generator.random((8000, 3)) < chances).astype(int)
    seen, unseen = slice(0, 4000), slice(4000, None)
    decision = Decision.fit(chances[seen], targets[seen], np.full(3, -1), promise=Promise(precision=0.8, recall=0.9))
    decided = decision.decide(decision.calibrate(chances[unseen]))
    assert targets[unseen][decided == YES].mean() > 0.78
    assert (decided[targets[unseen] == 1] != NO).mean() > 0.88
    assert (decided == YES).sum() > 200
    assert (decided == REVIEW).any()


def test_what_cannot_be_promised_goes_to_review() -> None:
    generator = np.random.default_rng(0)
    chances = generator.random((500, 1))
    targets = generator.integers(0, 2, (500, 1))
    decision = Decision.fit(chances, targets, np.array([-1]), promise=Promise(precision=0.95))
    decided = decision.decide(decision.calibrate(chances))
    assert not (decided == YES).any()
    assert (decided == REVIEW).any()


def test_a_promise_of_certainty_is_refused() -> None:
    with pytest.raises(ValueError, match="precision between 0 and 1"):
        Promise(precision=1.0)


def test_labels_of_one_article_alone_are_no_reason_to_fail() -> None:
    chances = np.linspace(0.01, 0.99, 40)[:, None]
    targets = np.zeros((40, 1), int)
    targets[3] = 1
    assert Calibration.fit(chances, targets, [str(i) for i in range(40)]).method != "none"
    assert Calibration.fit(chances, targets, ["a" if i == 3 else "b" for i in range(40)]).method == "none"


def test_a_few_sure_rows_do_not_cap_all_probabilities() -> None:
    generator = np.random.default_rng(1)
    raw = generator.uniform(0.01, 0.99, (4000, 1))
    targets = (generator.random((4000, 1)) < np.where(raw < 0.5, 0.05, 0.95)).astype(int)
    found = Calibration.fit(raw, targets, [str(i) for i in range(4000)])
    assert found(np.array([[0.9]]))[0, 0] > 0.9
