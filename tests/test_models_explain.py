"""Explanations: the words that are named do carry the decision."""

import numpy as np
import pytest

from conftest import Cli, shipped_rows
from data.codebook import Task
from models import registry, store
from models.explain import explain
from models.labels import probabilities
from models.store import Stored

TASKS = list(Task)


@pytest.fixture(params=TASKS, ids=[task.value for task in TASKS])
def champion(cli: Cli, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Stored:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", cli.uri)
    return store.load(registry.resolve(registry.champion(request.param)))


def without(text: str, spans: list[tuple[int, int]]) -> str:
    return "".join(letter for i, letter in enumerate(text) if not any(start <= i < end for start, end in spans))


def test_taking_the_named_words_out_moves_the_probability_more_than_taking_others(champion: Stored) -> None:
    generator, named, others = np.random.default_rng(0), [], []
    for row in shipped_rows("test", limit=150)[::3]:
        for found in explain(champion, row["text"])[:1]:
            if len(found.words) < 6:
                continue
            top = sorted(found.words, key=lambda word: -word.weight)[:2]
            rest = [word for word in found.words if word not in top]
            random = [rest[i] for i in generator.choice(len(rest), 2, replace=False)]
            column = champion.labels.index(found.label)
            left = [without(row["text"], [(word.start, word.end) for word in words]) for words in (top, random)]
            (chances,) = probabilities([champion], left)
            named.append(found.probability - chances[0, column])
            others.append(found.probability - chances[1, column])
    assert len(named) > 5
    assert np.mean(named) > 3 * abs(np.mean(others))


def test_words_stand_where_they_are_said_to_stand(champion: Stored) -> None:
    text = "Polisi menyita sabu; SCO bukan blok militer."
    (found,) = explain(champion, text, champion.labels[0])
    assert [text[word.start : word.end] for word in found.words] == ["Polisi", "menyita", "sabu", "SCO", "bukan", "blok", "militer"]
    assert found.label == champion.labels[0]


def test_a_label_that_the_model_does_not_have_is_refused(champion: Stored) -> None:
    with pytest.raises(ValueError, match="no-such-label"):
        explain(champion, "Polisi menyita sabu.", "no-such-label")


def test_the_command_names_words_and_nearest_sentences(cli: Cli) -> None:
    done = cli("explain", "SCO bukan blok militer, kata sekretaris jenderalnya.", "--label", "military-bloc/oppose")
    assert done.returncode == 0, done.stderr
    assert "without bukan" in done.stdout
    assert "not a military bloc" in done.stdout.replace("\n", " ")
    unknown = cli("explain", "SCO bukan blok militer.", "--label", "weather")
    assert unknown.returncode == 2
    assert "weather" in unknown.stderr
