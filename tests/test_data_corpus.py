from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from conftest import shipped_rows, write_rows
from data import codebook, corpus
from data.codebook import Task
from data.corpus import CorpusError
from data.splits import folds

BOOK = codebook.load()
ROW = {"id": "a", "text": "SCO bukan blok militer.", "lang": "id", "topics": ["military"], "stances": []}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"topics": ["militer"]}, ["field 'topics'", "'militer'", "regional-security/1"]),
        ({"topics": "military"}, ["field 'topics'", "list"]),
        ({"stances": [{"claim": "peace", "stance": "support"}]}, ["field 'stances'", "'peace'"]),
        ({"stances": [{"claim": "dialogue", "stance": "yes"}]}, ["support or oppose", "'yes'"]),
        (
            {"stances": [{"claim": "dialogue", "stance": "support"}, {"claim": "dialogue", "stance": "oppose"}]},
            ["'dialogue'", "more than once"],
        ),
        ({"text": "  "}, ["field 'text'"]),
        ({"id": "first"}, ["field 'id'", "'first'"]),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, change: dict, words: list[str]) -> None:
    path = write_rows(tmp_path / "rows.jsonl", [ROW | {"id": "first"}, ROW | change])
    with pytest.raises(CorpusError) as error:
        corpus.load([path], BOOK)
    for word in [f"{path}:2", *words]:
        assert word in str(error.value)


def test_targets_follow_the_codebook(tmp_path: Path) -> None:
    stances = [{"claim": "sanctions", "stance": "oppose"}]
    loaded = corpus.load([write_rows(tmp_path / "rows.jsonl", [ROW | {"stances": stances}])], BOOK)
    topics, stance = (corpus.targets(loaded, task, BOOK) for task in (Task.topics, Task.stance))
    assert topics.sum() == topics[0, BOOK.labels(Task.topics).index("military")] == 1
    assert stance.sum() == stance[0, BOOK.labels(Task.stance).index("sanctions/oppose")] == 1


def test_columns_are_typed() -> None:
    loaded = corpus.load([], BOOK)
    assert loaded.features == corpus.features()
    assert loaded[0]["stances"] == [] or set(loaded[0]["stances"][0]) == {"claim", "stance"}


def test_the_digest_sees_labels_but_not_order(tmp_path: Path) -> None:
    def digest(*content: dict) -> str:
        return corpus.digest(corpus.load([write_rows(tmp_path / "rows.jsonl", list(content))], BOOK))

    other = ROW | {"id": "b", "text": "Kapal itu berlabuh."}
    assert digest(ROW, other) == digest(other, ROW)
    assert digest(ROW) != digest(ROW | {"topics": []})


def test_drafts_are_ready_to_be_taken_in() -> None:
    drafts = corpus.load([corpus.SHIPPED.with_name("drafts"), corpus.SHIPPED], BOOK)
    assert len(set(drafts["text"])) == len(drafts)


def test_folds_never_part_an_article() -> None:
    groups = ["a", "a", "b", "c", "c", "c", "d", "e"]
    held = []
    for kept, out in folds(groups, seed=1):
        assert not {groups[i] for i in kept} & {groups[i] for i in out}
        held += list(out)
    assert sorted(held) == list(range(len(groups)))


def test_one_article_cannot_be_held_out() -> None:
    with pytest.raises(ValueError, match="at least 2 articles"):
        list(folds(["a", "a"], seed=1))


def test_the_shipped_corpus_covers_the_codebook() -> None:
    shipped = shipped_rows()
    topics = Counter(topic for row in shipped for topic in row["topics"])
    stances = Counter(f"{s['claim']}/{s['stance']}" for row in shipped for s in row["stances"])
    languages = Counter(row["lang"] for row in shipped)
    assert len(shipped) >= 2000
    assert 0.65 <= languages["id"] / len(shipped) <= 0.85
    assert np.mean([not row["topics"] for row in shipped]) >= 0.25
    assert min(topics[label] for label in BOOK.labels(Task.topics)) >= 50
    assert min(stances[label] for label in BOOK.labels(Task.stance)) >= 15
    assert len({" ".join(row["text"].lower().split()) for row in shipped}) == len(shipped)
