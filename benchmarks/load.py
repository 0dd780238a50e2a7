"""The load: asks a server over and over, in a process of its own, so that who asks and who answers share no interpreter.

python benchmarks/load.py < job.json > outcome.json
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException
from itertools import count
from time import monotonic, sleep

LOST = 0  # the status of a request that nothing came back for
LONGEST = 120.0  # seconds that a client waits for an answer
IDLE = 4.0  # seconds after which a client opens a new connection: uvicorn closes one that is idle for five


@dataclass(frozen=True)
class Job:
    """What to ask.

    Attributes:
        bodies: asked for in turns.
        clients: connections, each with one request at a time.
        seconds: after which nothing new is asked.
        rate: requests a second; each is timed from when it was due. None asks as fast as answers come.
        requests: how many at most; None asks until time is up.
    """

    address: str
    path: str
    bodies: list[str]
    clients: int
    seconds: float
    rate: float | None = None
    requests: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of it: seconds in all, answers by status, and the seconds that those with status 200 took."""

    seconds: float
    statuses: dict[str, int]
    latencies: list[float]

    @property
    def errors(self) -> int:
        """Requests that were neither answered nor sent away until later."""
        return sum(number for status, number in self.statuses.items() if status not in ("200", "429"))


class Client:
    """A client that keeps its connection."""

    def __init__(self, address: str) -> None:
        self._connection = HTTPConnection(address, timeout=LONGEST)
        self._used = monotonic()

    def ask(self, path: str, body: bytes | None = None, content_type: str = "application/json") -> tuple[int, bytes]:
        """Status and body of an answer; `LOST` where none comes."""
        if monotonic() - self._used > IDLE:
            self._connection.close()
        try:
            self._connection.request("GET" if body is None else "POST", path, body, {"content-type": content_type})
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException):
            self._connection.close()
            return LOST, b""
        finally:
            self._used = monotonic()


def run(job: Job) -> Outcome:
    """Ask until time or requests are up."""
    bodies = [body.encode() for body in job.bodies]
    numbers: Iterable[int] = count() if job.requests is None else iter(range(job.requests))
    found: list[tuple[int, float]] = []
    began = monotonic()

    def work() -> None:
        client = Client(job.address)
        for number in numbers:  # shared: each number is somebody's
            due = began + number / job.rate if job.rate else monotonic()
            if due > began + job.seconds:
                return
            sleep(max(0.0, due - monotonic()))
            status, _ = client.ask(job.path, bodies[number % len(bodies)])
            found.append((status, monotonic() - due))

    threads = [threading.Thread(target=work) for _ in range(job.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = Counter(str(status) for status, _ in found)
    return Outcome(monotonic() - began, dict(statuses), [seconds for status, seconds in found if status == 200])


if __name__ == "__main__":
    json.dump(asdict(run(Job(**json.load(sys.stdin)))), sys.stdout)
