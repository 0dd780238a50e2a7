"""One thing at a time, with a few that wait: for what takes long and is not worth the memory of a long queue."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from serve.batcher import Full

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Turns:
    """A thread that does one thing after another.

    What is given up before its turn gives its place back at once; what is given up in its turn keeps it until it is done, because
    the thread is busy for so long.

    Args:
        most_waiting: behind the one that is done; more are refused.
    """

    def __init__(self, most_waiting: int) -> None:
        self._places = threading.Semaphore(most_waiting + 1)
        self._thread = ThreadPoolExecutor(1, "turns")

    def submit(self, do: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Future[Result]:
        """Queue it.

        Raises:
            Full: as many wait as may.
        """
        if not self._places.acquire(blocking=False):
            raise Full
        future = self._thread.submit(do, *args, **kwargs)
        future.add_done_callback(lambda _: self._places.release())
        return future

    def close(self) -> None:
        """Take nothing more, and begin nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
