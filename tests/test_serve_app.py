"""A real server on loopback: what it answers, what it refuses, and that models change under it without a lost request."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import uvicorn

from conftest import ROOT, Cli, rows
from models import explain, registry
from serve.app import MOST_EXPLAINED, create
from serve.guard import digest
from serve.live import Live

TEXT = "SCO bukan blok militer, kata sekretaris jenderalnya. Polisi menyita sabu di perbatasan."


def ask(url: str, content: Any = None, **headers: str) -> tuple[int, bytes, Any]:
    """Status, body and headers of an answer."""
    body = content if isinstance(content, bytes) or content is None else json.dumps(content).encode()
    request = Request(url, body, {"content-type": "application/json"} | headers)
    try:
        with urlopen(request, timeout=120) as answer:
            return answer.status, answer.read(), answer.headers
    except HTTPError as error:
        return error.code, error.read(), error.headers


class Server:
    """`sikap serve` in a process of its own."""

    def __init__(self, sikap: Cli, *arguments: object, **environment: str) -> None:
        command = [str(Path(sys.executable).with_name("sikap")), "serve", "--port", "0", *map(str, arguments)]
        self.log = sikap.store / f"serve-{time.monotonic_ns()}.log"
        self.process = subprocess.Popen(
            command, stderr=self.log.open("w"), env=os.environ | {"MLFLOW_TRACKING_URI": sikap.uri, "COLUMNS": "500"} | environment
        )
        self.address = ""
        while not self.address:
            assert self.process.poll() is None, self.log.read_text()
            said = re.search(r"http://\S+:\d+", self.log.read_text())
            self.address = said[0] if said else ""
            time.sleep(0.05)

    def ask(self, path: str, content: Any = None, **headers: str) -> tuple[int, bytes, Any]:
        return ask(f"{self.address}{path}", content, **headers)

    def json(self, path: str, content: Any = None, **headers: str) -> Any:
        status, body, _ = self.ask(path, content, **headers)
        assert status == 200, body
        return json.loads(body)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)


@pytest.fixture(scope="module")
def server(store: Cli) -> Iterator[Server]:
    running = Server(store)
    yield running
    running.stop()


def test_it_answers_with_the_records_of_sikap_label(store: Cli, server: Server, tmp_path: Path) -> None:
    samples = sorted((ROOT / "data" / "samples").glob("*"))[:2]
    assert store("label", *samples, "--out", tmp_path / "labels.jsonl").returncode == 0
    articles = [{"id": path.stem, "text": path.read_text(), "html": path.suffix == ".html"} for path in samples]
    answer = server.json("/label", {"articles": articles})
    assert answer["records"] == rows(tmp_path / "labels.jsonl")
    assert answer["faults"] == []
    alone = server.json("/label", {"text": TEXT, "everything": True})
    assert [TEXT[record["start"] : record["end"]] for record in alone["records"]] == [record["text"] for record in alone["records"]]
    assert len(alone["records"][0]["topics"]) == 16
    given = server.json("/label", {"sentences": ["Polisi menyita sabu.", "The summit was postponed."]})
    assert [record["lang"] for record in given["records"]] == ["id", "en"]


def test_what_is_wrong_is_named_and_other_articles_are_labelled(server: Server) -> None:
    answer = server.json("/label", {"articles": [{"id": "a", "text": "   \n "}, {"id": "b", "text": TEXT}]})
    assert [fault["article"] for fault in answer["faults"]] == ["a"]
    assert {record["article"] for record in answer["records"]} == {"b"}
    for content, place in [
        ({}, ["body"]),
        ({"text": TEXT, "sentences": ["a"]}, ["body"]),
        ({"sentences": ["a"] * 5001}, ["body", "sentences"]),
        ({"articles": [{"id": "a", "text": 3}]}, ["body", "articles", 0, "text"]),
        ({"text": TEXT, "colour": 1}, ["body", "colour"]),
        ({"text": "  "}, ["body", "text"]),
    ]:
        status, body, _ = server.ask("/label", content)
        assert status == 422
        assert json.loads(body)["detail"][0]["loc"] == place
    assert server.ask("/explain", {"sentence": "a", "label": "weather"})[0] == 422


HOSTILE = {
    "malformed": (b"{", 422),
    "not UTF-8": (b"\xff\xfe{}", 422),
    "deep": (b"[" * 100_000, 400),
    "large": (b" " * 9_000_000, 413),
    "empty": (b"", 422),
}


@pytest.mark.parametrize(("body", "status"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_bodies_are_refused_and_others_served(server: Server, body: bytes, status: int) -> None:
    assert server.ask("/label", body)[0] == status
    assert server.json("/label", {"text": TEXT})["records"]


def test_clients_of_mlflow_are_served(server: Server) -> None:
    texts = ["SCO bukan blok militer.", "Polisi menyita sabu."]
    asked = [
        {"dataframe_split": {"columns": ["id", "text"], "data": [[1, texts[0]], [2, texts[1]]]}},
        {"dataframe_records": [{"text": text} for text in texts]},
        {"instances": texts},
        {"inputs": {"text": texts}},
    ]
    found = [server.json("/invocations", content)["predictions"] for content in asked]
    assert all(predictions == found[0] for predictions in found)
    assert [entry["id"] for entry in found[0][1]["topics"] if entry["decision"] == "yes"][:1] == ["narcotics"]
    status, body, _ = server.ask("/invocations", b"text\nPolisi menyita sabu.\n", **{"content-type": "text/csv"})
    assert json.loads(body)["predictions"] == found[0][1:]
    one = server.json("/invocations", {"dataframe_split": {"columns": ["text"], "data": texts}})
    assert one["predictions"] == found[0]
    for wrong in (
        {"dataframe_split": {"columns": ["a"], "data": []}},
        {"dataframe_split": {"columns": "text", "data": "text"}},
        {"dataframe_split": {"columns": ["text"], "data": [{"text": "a"}]}},
        {"dataframe_records": texts},
        {"inputs": ["half \ud800 of a letter"]},
        {"inputs": [3]},
    ):
        assert server.ask("/invocations", wrong)[0] == 400
    assert server.ask("/invocations", b"{}", **{"content-type": "Text/CSV; charset=utf-8"})[0] == 400, "no column text"
    assert server.ask("/ping")[0] == server.ask("/version")[0] == 200
    assert status == 200


def test_models_codebook_and_meters_can_be_asked_for(server: Server) -> None:
    served = server.json("/model")
    assert {stored["task"] for stored in served["models"]} == {"topics", "stance"}
    assert all(stored["made_from"]["data"] for stored in served["models"])
    assert len(server.json("/codebook")["claims"]) == 14
    server.json("/label", {"text": TEXT})
    meters = server.ask("/metrics")[1].decode()
    assert 'sikap_requests_total{path="/label",status="200"}' in meters
    assert 'sikap_labels_total{decision="yes",label="narcotics"}' in meters
    assert served["model"]["topics"] in meters
    assert server.json("/openapi.json")["paths"]["/label"]
    assert server.ask("/docs")[0] == 200
    assert b"http" not in server.ask("/")[1], "the page needs nothing from elsewhere"


def test_requests_are_logged_with_their_id_and_without_their_text(server: Server) -> None:
    _, _, headers = server.ask("/label", {"text": TEXT})
    time.sleep(0.2)
    (line,) = (line for line in server.lines() if line.get("request") == headers["x-request-id"])
    assert (line["path"], line["status"], line["sentences"]) == ("/label", 200, 2)
    assert "sabu" not in server.log.read_text()


def test_champions_change_under_load_and_no_request_is_lost(store: Cli, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    wrong: list[Any] = []
    seen: set[str] = set()
    end = threading.Event()

    def load() -> None:
        while not end.is_set():
            status, body, _ = server.ask("/label", {"text": TEXT})
            answer = json.loads(body)
            models = {record["model"]["topics"] for record in answer.get("records", [])}
            if status != 200 or len(models) != 1:
                wrong.append((status, body))
            seen.update(models)

    def wait_for(reference: str) -> None:
        deadline = time.monotonic() + 60
        while server.json("/readyz")["model"]["topics"] != reference:
            assert time.monotonic() < deadline
            time.sleep(0.2)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    first = server.json("/readyz")["model"]["topics"]
    assert store("promote", "topics", "2", "--force", "a test").returncode == 0
    deadline = time.monotonic() + 60
    while (second := server.json("/readyz")["model"]["topics"]) == first:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert store("rollback", "topics").returncode == 0
    wait_for(first)
    (broken,) = (path for path in store.store.glob("artifacts/models/*/artifacts/**/manifest.json") if second[-8:] in path.read_text())
    kept = broken.read_text()
    broken.write_text("{}")
    registry.client().set_registered_model_alias("sikap-topics", registry.CHAMPION, "2")
    deadline = time.monotonic() + 60
    while not server.json("/readyz")["trouble"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert server.json("/readyz")["model"]["topics"] == first
    assert "sikap_model_failures 1.0" in server.ask("/metrics")[1].decode()
    broken.write_text(kept)
    registry.client().set_registered_model_alias("sikap-topics", registry.CHAMPION, "1")
    end.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert seen == {first, second}


def test_it_finishes_what_it_took_in_before_it_ends(store: Cli) -> None:
    server = Server(store, "--quiet")
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(server.ask("/label", {"sentences": [f"{TEXT} {i}" for i in range(1500)]})[0]))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    server.stop()
    for thread in threads:
        thread.join()
    assert answers == [200, 200]
    assert server.process.returncode in (0, -signal.SIGTERM)


@contextmanager
def running(app: Any) -> Iterator[str]:
    """The application in this process, at the address that is yielded."""
    settings = uvicorn.Config(app, port=0, log_config=None)
    server, socket = uvicorn.Server(settings), settings.bind_socket()
    socket.listen()  # what is asked before uvicorn accepts waits, and is not refused
    thread = threading.Thread(target=server.run, args=([socket],))
    thread.start()
    try:
        yield "http://{}:{}".format(*socket.getsockname())
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize(("limits", "status"), [({"most_waiting": 5}, 429), ({"timeout": 1e-6}, 504)])
def test_what_cannot_be_labelled_soon_is_refused(store: Cli, monkeypatch: pytest.MonkeyPatch, limits: dict[str, Any], status: int) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    with running(create(Live(), log=False, **limits)) as address:
        found, _, headers = ask(f"{address}/label", {"sentences": [TEXT] * 6})
        assert found == status
        assert status != 429 or int(headers["retry-after"]) >= 1
        assert b'"ready":true' in ask(f"{address}/readyz")[1]


EXPLAIN = {"sentence": "SCO bukan blok militer.", "label": "military-bloc/oppose"}


@pytest.fixture
def go_on(store: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Explanations are begun, and made when this is set."""
    real, event = explain.explain, threading.Event()

    def held(*given: Any) -> Any:
        event.wait(120)
        return real(*given)

    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    monkeypatch.setattr(explain, "explain", held)
    yield event
    event.set()


def test_a_few_explanations_wait_and_more_are_refused(go_on: threading.Event) -> None:
    with running(create(Live(), log=False)) as address, ThreadPoolExecutor(MOST_EXPLAINED + 4) as clients:
        asked = as_completed([clients.submit(ask, f"{address}/explain", EXPLAIN) for _ in range(MOST_EXPLAINED + 4)], timeout=120)
        refused = [next(asked).result() for _ in range(3)]
        assert ask(f"{address}/label", {"text": TEXT})[0] == 200, "labelling goes on meanwhile"
        go_on.set()
        assert [answer.result()[0] for answer in asked] == [200] * (MOST_EXPLAINED + 1)
        assert [(status, int(headers["retry-after"]) >= 1) for status, _, headers in refused] == [(429, True)] * 3
        assert ask(f"{address}/explain", EXPLAIN)[0] == 200


def test_an_explanation_that_takes_too_long_is_given_up(go_on: threading.Event) -> None:
    with running(create(Live(), log=False, timeout=0.1)) as address:
        assert [ask(f"{address}/explain", EXPLAIN)[0] for _ in range(2)] == [504, 504]
        go_on.set()


def test_keys_are_asked_for_where_there_are_some(store: Cli, tmp_path: Path) -> None:
    refused = store("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 2
    assert "API keys" in refused.stderr
    keys = tmp_path / "keys"
    keys.write_text("secret\n")
    assert "SHA-256" in store("serve", "--keys", keys).stderr
    keys.write_text(f"{digest('secret')}  # the newsroom\n")
    server = Server(store, "--keys", keys)
    try:
        assert server.ask("/label", {"text": TEXT})[0] == 401
        assert server.ask("/label", {"text": TEXT}, **{"x-api-key": "wrong"})[0] == 401
        assert server.ask("/label", {"text": TEXT}, **{"x-api-key": "secret"})[0] == 200
        assert server.ask("/label", {"text": TEXT}, authorization="Bearer secret")[0] == 200
        assert server.ask("/healthz")[0] == 200
    finally:
        server.stop()
