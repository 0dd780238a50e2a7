"""What the guard refuses while a body comes in."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest

from serve import guard
from serve.guard import Guard


async def reads(scope: Any, receive: Any, send: Any) -> None:
    """An application that reads the body and says how long it is."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message["body"]), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def ask(parts: Iterable[tuple[float, bytes]], **headers: str) -> tuple[int, bytes]:
    """Status and body for a request whose parts come after so many seconds each."""
    given = [{"type": "http.request", "body": part, "more_body": True} for _, part in parts] + [{"type": "http.request", "body": b""}]
    waits = [seconds for seconds, _ in parts] + [0.0]
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(waits.pop(0))
        return given.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/label", "headers": [(k.encode(), v.encode()) for k, v in headers.items()]}
    asyncio.run(Guard(reads, log=False)(scope, receive, send))
    return sent[0]["status"], sent[1]["body"]


def test_a_body_that_comes_in_parts_is_read() -> None:
    assert ask([(0.0, b"abc"), (0.01, b"de")]) == (200, b"5")


def test_a_body_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SLOWEST", 0.2)
    status, body = ask([(0.05, b"x")] * 50)
    assert status == 408
    assert "seconds" in json.loads(body)["detail"]


def test_a_body_that_says_nothing_of_its_length_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MOST_BYTES", 10)
    assert ask([(0.0, b"12345")] * 2)[0] == 200
    assert ask([(0.0, b"12345")] * 3)[0] == 413
