from pathlib import Path

import numpy as np

from models.decision import NO, REVIEW, YES, Decision

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
