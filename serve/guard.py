"""What stands before the endpoint: bodies that are too large or too slow are refused, keys checked, requests named and logged.

Plain ASGI, so that a body is counted while it comes in and never held whole in vain.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from fastapi import HTTPException

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

MOST_BYTES = 8_000_000  # of a request's body
SLOWEST = 15.0  # seconds in which a body has to arrive
OPEN = ("/", "/healthz", "/readyz", "/ping", "/health", "/page/")  # what is served without a key: nothing here labels or tells of models


class Refused(HTTPException):
    """A request that goes no further; FastAPI answers with it where it comes up inside the application."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)


def digest(key: str) -> str:
    """How a key is kept: its SHA-256 in hexadecimal; keys are long and random, so that it need not be slow."""
    return hashlib.sha256(key.encode("utf-8")).hexdigest()


def read_keys(text: str) -> list[str]:
    """Digests of keys, separated by commas or white space; what follows a # in a line is a note.

    >>> read_keys(f"{digest('secret')} # the newsroom") == [digest("secret")]
    True

    Raises:
        ValueError: something that is no digest, such as a key itself.
    """
    words = " ".join(line.partition("#")[0] for line in text.splitlines()).replace(",", " ").split()
    if not all(re.fullmatch(r"[0-9a-f]{64}", word) for word in words):
        raise ValueError("expected the SHA-256 of each API key (64 letters 0-9a-f), found something else; keys themselves are not kept")
    return words


class Guard:
    """Wraps an application.

    Args:
        app: what is guarded.
        keys: digests of the API keys; none lets everybody in.
        done: is told path, status and seconds of each request.
        log: writes a line for each request to standard error.
    """

    def __init__(
        self,
        app: App,
        keys: Iterable[str] = (),
        done: Callable[[str, int, float], None] = lambda path, status, seconds: None,
        log: bool = True,
    ) -> None:
        self.app = app
        self.keys = list(keys)
        self.done = done
        self.log = log

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        name, began, status = uuid.uuid4().hex[:16], perf_counter(), 500
        scope.setdefault("state", {})["request"] = name
        started = False

        async def answer(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                message["headers"] = [*message.get("headers", []), (b"x-request-id", name.encode())]
            await send(message)

        try:
            self._check(scope["path"], headers)
            await self.app(scope, _measured(receive, headers), answer)
        except Refused as refusal:
            if not started:
                await _drain(receive)
                await _say(answer, refusal)
        finally:
            seconds = perf_counter() - began
            self.done(scope["path"], status, seconds)
            if self.log:
                told = scope["state"].get("told", {})
                write_log(
                    "request", request=name, method=scope["method"], path=scope["path"], status=status, seconds=round(seconds, 4), **told
                )

    def _check(self, path: str, headers: dict[str, str]) -> None:
        if self.keys and not (path in OPEN or path.startswith("/page/")):
            given = digest(headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ").strip())
            if not any(hmac.compare_digest(given, key) for key in self.keys):
                raise Refused(401, "expected an API key in the header X-API-Key or Authorization: Bearer, found none that is known")
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > MOST_BYTES:
            raise Refused(413, f"expected a body of at most {MOST_BYTES:,} bytes, found {int(length):,}")


def _measured(receive: Receive, headers: dict[str, str]) -> Receive:
    """Reads on as long as the body is neither too large nor too slow."""
    size, deadline, whole = 0, asyncio.get_running_loop().time() + SLOWEST, False

    async def measured() -> Message:
        nonlocal size, whole
        if whole:  # what comes now tells that the client has gone
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError as error:
            raise Refused(408, f"expected the body within {SLOWEST:.0f} seconds") from error
        size += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if size > MOST_BYTES:
            raise Refused(413, f"expected a body of at most {MOST_BYTES:,} bytes, found more")
        return message

    return measured


async def _drain(receive: Receive) -> None:
    """Let a client finish sending what is not wanted, within bounds: many read no answer before they have."""
    size, more = 0, True
    try:
        async with asyncio.timeout(SLOWEST):
            while more and size < 8 * MOST_BYTES:
                message = await receive()
                size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    except TimeoutError:
        return


async def _say(send: Send, refusal: Refused) -> None:
    body = json.dumps({"detail": refusal.detail}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": refusal.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def write_log(event: str, level: str = "info", **fields: Any) -> None:
    """A line of JSON to standard error."""
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, "event": event} | fields
    print(json.dumps(line, ensure_ascii=False), file=sys.stderr, flush=True)
