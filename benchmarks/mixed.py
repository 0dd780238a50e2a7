"""Mixed load: texts, articles, sentences, invocations, explanations and bad requests, each answer held against what the models that may
serve would say, worked out beforehand and without a server.

    python benchmarks/mixed.py JOB > answers.jsonl

The first line of the output says that asking has begun, each other line is an answer.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from data import corpus
from data.article import Article, Sentence
from data.splits import SEED
from data.text import detect_language
from load import Client
from models import store
from models.embedding import SentenceEncoder
from models.explain import explain
from peers import texts
from serve.predictor import Predictor, Record

SAMPLES = Path(__file__).resolve().parent.parent / "data" / "samples"
BEGUN = "begun"
OF_EACH = 40  # questions of each kind, asked again and again
SENT_AWAY = 429
AGAIN = 1.0  # seconds after which a client that was sent away asks the next thing
BAD = [  # path, body, status
    ("/label", b"{", 422),
    ("/label", b"", 422),
    ("/label", b"[" * 100_000, 400),
    ("/label", b'{"text": "a", "sentences": ["a"]}', 422),
    ("/label", b'{"sentences": [3]}', 422),
    ("/label", b'{"text": " "}', 422),
    ("/label", b" " * 8_000_001, 413),
    ("/explain", b'{"sentence": "a", "label": "weather"}', 422),
    ("/invocations", b'{"inputs": [3]}', 400),
    ("/invocations", b"\xff", 400),
    ("/nowhere", b"{}", 404),
]


@dataclass(frozen=True)
class Job:
    """What to ask for how long, and the folders of the models that may answer."""

    address: str
    topics: list[str]
    stance: list[str]
    clients: int
    seconds: float


@dataclass(frozen=True)
class Question:
    """Something to ask, and the answer that each pair of models gives; a bad question is answered by its status."""

    kind: str
    path: str
    body: bytes
    status: int
    answers: dict[str, Any]

    def given_by(self, status: int, body: bytes) -> list[str]:
        """The pairs of models whose answer this is."""
        if status != self.status:
            return []
        try:
            found = json.loads(body) if status == 200 else None
        except ValueError:
            return []
        return [models for models, answer in self.answers.items() if answer == found]


@dataclass(frozen=True)
class Answer:
    """An answer: its status, when it was asked for and had, and the pairs of models that give it."""

    kind: str
    status: int
    asked: float
    had: float
    models: list[str]


def named(made_by: dict[str, Any]) -> str:
    """A pair of models, from what records and /readyz say of them."""
    return f"{made_by['topics']} {made_by['stance']}"


def questions(predictors: Sequence[Predictor]) -> list[Question]:
    """All questions, with the answers of the predictors."""
    draw, sentences = random.Random(SEED), texts(corpus.TEST)
    labels = [label for stored in predictors[0].models for label in stored.labels]
    pages = [{"id": path.stem, "text": path.read_text(encoding="utf-8"), "html": True} for path in sorted(SAMPLES.glob("*.html"))]

    def some() -> list[str]:
        return draw.sample(sentences, draw.randint(1, 8))

    def article() -> str:
        return "\n".join([*some(), "Baca juga: Ramalan cuaca"])

    asked: list[tuple[str, str, dict[str, Any]]] = []
    for _ in range(OF_EACH):
        asked += [
            ("text", "/label", {"text": article()}),
            ("articles", "/label", {"articles": [{"id": "a", "text": article()}, {"id": "b", "text": article()}, *pages]}),
            ("sentences", "/label", {"sentences": some(), "everything": draw.random() < 0.5}),
            ("invocations", "/invocations", {"dataframe_split": {"columns": ["text"], "data": [[text] for text in some()]}}),
            ("explain", "/explain", {"sentence": draw.choice(sentences), "label": draw.choice(labels)}),
        ]
    good = [
        Question(kind, path, json.dumps(body).encode(), 200, {named(each.made_by): answer(each, path, body) for each in predictors})
        for kind, path, body in asked
    ]
    bad = [Question("bad", path, body, status, {named(each.made_by): None for each in predictors}) for path, body, status in BAD]
    return good + bad * (OF_EACH // len(bad))


def answer(predictor: Predictor, path: str, body: dict[str, Any]) -> Any:
    """What the server should say, as JSON has it."""
    if path == "/explain":
        (stored,) = (stored for stored in predictor.models if body["label"] in stored.labels)
        (found,) = explain(stored, body["sentence"], body["label"])
        told: Any = {"label": found.label, "probability": found.probability, "words": [vars(word) for word in found.words]}
    elif path == "/invocations":
        records = lone(predictor, [row[0] for row in body["dataframe_split"]["data"]])
        told = {"predictions": [{"topics": record["topics"], "stances": record["stances"]} for record in records]}
    else:
        given = body.get("articles") or ([{"id": "article", "text": body["text"]}] if "text" in body else [])
        records = lone(predictor, body.get("sentences", []), body.get("everything", False))
        for one in given:
            records += predictor.label_article(Article(one["id"], one["text"], "", one.get("html", False)))
        told = {"records": records, "faults": [], "model": predictor.made_by}
    return json.loads(json.dumps(told))


def lone(predictor: Predictor, given: Sequence[str], everything: bool = False) -> list[Record]:
    """Records of sentences that are of no article."""
    found = [
        Sentence(f"sentence#{i}", "sentences", i, 0, len(text), text, detect_language(text, predictor.languages))
        for i, text in enumerate(given)
    ]
    return predictor.label_sentences(found, everything) if found else []


def run(job: Job) -> None:
    """Ask until time is up, and write down each answer."""
    encoders: dict[str, SentenceEncoder] = {}
    topics, stance = ([store.load(folder, encoders) for folder in folders] for folders in (job.topics, job.stance))
    asked = questions([Predictor(*pair) for pair in product(topics, stance)])
    print(BEGUN, flush=True)
    until = monotonic() + job.seconds
    writing = threading.Lock()

    def work(number: int) -> None:
        client, draw = Client(job.address), random.Random(SEED + number)
        while (began := monotonic()) < until:
            question = draw.choice(asked)
            status, body = client.ask(question.path, question.body)
            found = Answer(question.kind, status, began, monotonic(), question.given_by(status, body))
            with writing:
                print(json.dumps(asdict(found)))
            if status == SENT_AWAY:
                sleep(AGAIN)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(job.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    run(Job(**json.loads(sys.argv[1])))
