"""`sikap diff`: which tags came and which went."""

from pathlib import Path

import pytest

from conftest import Cli, rows, write_rows
from serve.diff import diff


def record(number: int, topics: dict[str, str], stances: dict[str, str]) -> dict:
    """A record of an article's sentence, with decisions by label."""
    found = [{"id": name, "probability": 0.5, "decision": decision} for name, decision in topics.items()]
    taken = [
        {"claim": claim, "stance": "oppose", "tag": "not a military bloc", "probability": 0.5, "decision": decision}
        for claim, decision in stances.items()
    ]
    place = {"id": f"a#{number}", "article": "a", "index": number, "start": 0, "end": 9, "text": f"Sentence {number}.", "lang": "en"}
    return place | {"topics": found, "stances": taken, "model": {"topics": "t@1", "stance": "s@1", "codebook": "c/1"}}


def test_tags_that_came_and_went_are_counted_and_told(empty_cli: Cli, tmp_path: Path) -> None:
    first = [record(0, {"arms": "yes", "cyber": "review"}, {}), record(1, {"arms": "yes"}, {"military-bloc": "yes"}), record(2, {}, {})]
    second = [record(0, {"arms": "yes", "cyber": "yes"}, {}), record(1, {"arms": "review"}, {}), record(3, {"arms": "yes"}, {})]
    old, new = write_rows(tmp_path / "old.jsonl", first), write_rows(tmp_path / "new.jsonl", second)
    found = diff(old, new, {})
    assert (found.shared, found.only_old, found.only_new) == (2, 1, 1)
    told = {change.label: (change.before, change.now, change.came, change.went) for change in found.labels}
    assert told == {"arms": (2, 1, 0, 1), "cyber": (0, 1, 1, 0), "military-bloc/oppose": (1, 0, 0, 1)}
    done = empty_cli("diff", old, new, "--out", tmp_path / "changes.jsonl")
    assert done.returncode == 1
    assert "3 tags came or went" in done.stdout
    assert {(row["text"], row["label"], row["was"], row["is"]) for row in rows(tmp_path / "changes.jsonl")} == {
        ("Sentence 0.", "cyber", "review", "yes"),
        ("Sentence 1.", "arms", "yes", "review"),
        ("Sentence 1.", "military-bloc/oppose", "yes", "no"),
    }
    assert empty_cli("diff", old, old).returncode == 0


def test_what_holds_no_labels_is_named(tmp_path: Path) -> None:
    given = write_rows(tmp_path / "articles.jsonl", [{"id": "1", "text": "An article."}])
    with pytest.raises(ValueError, match=r"articles\.jsonl"):
        diff(given, given, {})
