"""Micro-batching: sentences of many requests labelled together, in turns, so that a long article does not hold up a short one.

One thread labels. It waits a moment for company, takes some sentences of every request, labels them together, and goes on until each
request has all of its records. Who cannot be taken in is told so at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from data.article import Sentence
from serve.predictor import Predictor, Record

BATCH = 32  # sentences that are labelled together
WAIT = 0.003  # seconds that the first sentence waits for others
MOST_WAITING = 20_000  # sentences of all requests together; more are refused


class Full(Exception):
    """As many sentences wait as may; come back later."""


@dataclass
class _Job:
    predictor: Predictor
    sentences: Sequence[Sentence]
    everything: bool
    since: float
    done: list[Record] = field(default_factory=list)
    future: Future[list[Record]] = field(default_factory=Future)


class Batcher:
    """Takes sentences from many threads and labels them in one.

    Args:
        watch: is told how many sentences each batch has.
    """

    def __init__(self, most_waiting: int = MOST_WAITING, watch: Callable[[int], None] = lambda _: None) -> None:
        self.most_waiting = most_waiting
        self.watch = watch
        self.waiting = 0
        self._jobs: deque[_Job] = deque()
        self._change = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="labelling", daemon=True)
        self._thread.start()

    def submit(self, predictor: Predictor, sentences: Sequence[Sentence], everything: bool = False) -> Future[list[Record]]:
        """Queue a request's sentences; all of them are labelled by this predictor, whichever serves by then.

        Raises:
            Full: too many sentences wait, or the server is about to end.
        """
        job = _Job(predictor, sentences, everything, monotonic())
        if not sentences:
            job.future.set_result([])
            return job.future
        with self._change:
            if self._closed or self.waiting + len(sentences) > self.most_waiting:
                raise Full
            self.waiting += len(sentences)
            self._jobs.append(job)
            self._change.notify()
        return job.future

    @property
    def works(self) -> bool:
        """Whether labelling goes on."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Take nothing more, finish what was taken, and end."""
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join()

    def _work(self) -> None:
        while jobs := self._next():
            parts = [job.sentences[len(job.done) : len(job.done) + max(1, BATCH // len(jobs))] for job in jobs]
            together = [sentence for part in parts for sentence in part]
            self.watch(len(together))
            try:
                records = iter(jobs[0].predictor.label_sentences(together, jobs[0].everything))
                for job, part in zip(jobs, parts, strict=True):
                    job.done += [next(records) for _ in part]
            except Exception:  # whose sentence it was comes out one by one
                for job, part in zip(jobs, parts, strict=True):
                    self._alone(job, part)
            self._settle(jobs)

    def _alone(self, job: _Job, part: Sequence[Sentence]) -> None:
        try:
            job.done += job.predictor.label_sentences(part, job.everything)
        except Exception as error:  # it is for this request to tell
            with suppress(InvalidStateError):  # nobody waits any more
                job.future.set_exception(error)

    def _next(self) -> list[_Job]:
        """Requests whose sentences are labelled together: those at the head that have the same predictor; none when all is done."""
        with self._change:
            while True:
                if not self._jobs and self._closed:
                    return []
                if self._jobs:
                    left = self._jobs[0].since + WAIT - monotonic()
                    if self._closed or left <= 0 or self.waiting >= BATCH:
                        break
                    self._change.wait(left)
                else:
                    self._change.wait()
            first = self._jobs[0]
            alike = [job for job in self._jobs if job.predictor is first.predictor and job.everything == first.everything]
            return alike[:BATCH]

    def _settle(self, jobs: Sequence[_Job]) -> None:
        """Hand finished requests back, drop those that nobody waits for, and put the others behind those that have not had a turn."""
        with self._change:
            for job in jobs:
                self._jobs.remove(job)
                if job.future.done() or len(job.done) == len(job.sentences):  # done already: failed, or given up by who asked
                    self.waiting -= len(job.sentences)
                    with suppress(InvalidStateError):
                        job.future.set_result(job.done)
                else:
                    self._jobs.append(job)
