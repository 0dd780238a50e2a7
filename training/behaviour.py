"""Behaviour: authored minimal cases that a stance model must understand, by kind, and the bound under which it fails.

After CheckList (Ribeiro et al. 2020, https://aclanthology.org/2020.acl-main.442/): figures on news tell how often a model is right,
these tell what it does not understand. The cases are in data/behaviour.jsonl.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data import pairs
from data.article import Fault
from data.codebook import SIDES, Task
from data.rows import rows
from models.decision import YES
from models.labels import probabilities
from models.store import Stored

SUITE = pairs.BEHAVIOUR
OVERALL, EACH = 0.90, 0.75  # share of the cases, and of the cases of each kind, that a model has to pass


@dataclass(frozen=True)
class Behaviour:
    """What a model did.

    Attributes:
        kinds: per kind, how many cases it passed, and of how many.
        failed: the cases that it did not pass, each with what was `found`.
        passed: whether it passed, for the id of each case.
    """

    kinds: dict[str, tuple[int, int]]
    failed: list[dict[str, Any]]
    passed: dict[str, bool]

    @property
    def rate(self) -> float:
        """Share of all cases that were passed."""
        return sum(passed for passed, _ in self.kinds.values()) / sum(cases for _, cases in self.kinds.values())

    @property
    def passes(self) -> bool:
        """Whether it passes as a whole."""
        return self.rate >= OVERALL and all(passed / cases >= EACH for passed, cases in self.kinds.values())


def behave(stored: Stored, suite: Path = SUITE) -> Behaviour | None:
    """Run the cases whose claims the model's codebook has; None where it has none of them.

    A case is passed if the model decides as it expects; where it expects none, `review` passes too.
    """
    cases = [row for _, row in rows(suite) if not isinstance(row, Fault)]
    known = {claim.id for claim in stored.codebook.claims}
    cases = [case for case in cases if case["claim"] in known]
    if not cases or stored.task is not Task.stance:
        return None
    found = _stances(stored, cases)
    kinds: dict[str, tuple[int, int]] = {}
    for case, stance in zip(cases, found, strict=True):
        passed, among = kinds.get(case["kind"], (0, 0))
        kinds[case["kind"]] = (passed + (stance == case["expect"]), among + 1)
    failed = [case | {"found": stance} for case, stance in zip(cases, found, strict=True) if stance != case["expect"]]
    return Behaviour(kinds, failed, {case["id"]: stance == case["expect"] for case, stance in zip(cases, found, strict=True)})


def _stances(stored: Stored, cases: Sequence[dict[str, Any]]) -> list[str]:
    texts = list(dict.fromkeys(case["text"] for case in cases))
    (chances,) = probabilities([stored], texts)
    decided = dict(zip(texts, stored.decision.decide(chances), strict=True))
    column = {label: i for i, label in enumerate(stored.labels)}
    return [next((side for side in SIDES if decided[case["text"]][column[f"{case['claim']}/{side}"]] == YES), "none") for case in cases]
