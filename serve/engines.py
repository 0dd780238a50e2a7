"""Engines: who labels the batches of articles. Each gives back every batch with its answers, in any order, alike row for row."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from itertools import chain, islice
from typing import TYPE_CHECKING

from data.article import Sentence, Unreadable, sentences
from serve.journal import Answer, Item
from serve.predictor import Predictor

if TYPE_CHECKING:
    from concurrent.futures import Future

Batch = Sequence[Item]
Load = Callable[[], Predictor]
Engine = Callable[[Iterable[Batch]], Iterator[tuple[Batch, list[Answer]]]]

PATIENCE = 600.0  # seconds in which a process has to label a batch; one that hangs on a broken page is ended
AHEAD = 2  # batches that are on their way to each process


def answers(predictor: Predictor, batch: Batch, everything: bool) -> list[Answer]:
    """The records of each item, or why it has none; all sentences of a batch are labelled together."""
    found: list[list[Sentence] | str] = []
    for item in batch:
        try:
            found.append([item] if isinstance(item, Sentence) else sentences(item, predictor.languages))
        except Unreadable as reason:
            found.append(str(reason))
        except (RecursionError, MemoryError) as error:
            found.append(f"expected an article, found what is nested too deeply or too large to be read ({type(error).__name__})")
    records = iter(predictor.label_sentences([one for part in found if not isinstance(part, str) for one in part], everything))
    return [part if isinstance(part, str) else list(islice(records, len(part))) for part in found]


class Here:
    """Labels in this process."""

    def __init__(self, predictor: Predictor, everything: bool) -> None:
        self.predictor = predictor
        self.everything = everything

    def __call__(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, list[Answer]]]:
        for batch in batches:
            yield batch, answers(self.predictor, batch, self.everything)


_here: Here | None = None  # of a worker process


def _begin(load: Load, everything: bool) -> None:
    global _here
    from models import embedding

    embedding.THREADS = 1  # there are as many processes as cores
    _here = Here(load(), everything)


def _work(batch: Batch) -> list[Answer]:
    assert _here
    ((_, found),) = _here([batch])
    return found


class Processes:
    """Labels in processes, one a core. An item on which one dies or hangs is set aside, and the others are labelled.

    Args:
        load: loads the predictor, in each process once.
    """

    def __init__(self, load: Load, everything: bool, workers: int | None = None) -> None:
        self.load = load
        self.everything = everything
        self.workers = workers or len(os.sched_getaffinity(0))

    def __call__(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, list[Answer]]]:
        import multiprocessing

        from pebble import ProcessPool

        context = multiprocessing.get_context("spawn")  # a fork would share threads and models that are half at work
        pool = ProcessPool(self.workers, initializer=_begin, initargs=(self.load, self.everything), context=context)
        waiting: dict[Future[list[Answer]], Batch] = {}
        coming = iter(batches)
        try:
            while True:
                for batch in islice(coming, self.workers * AHEAD - len(waiting)):
                    waiting[pool.schedule(_work, (batch,), timeout=PATIENCE)] = batch
                if not waiting:
                    break
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    batch = waiting.pop(future)
                    reason = _failure(future)
                    if reason is None:
                        yield batch, future.result()
                    elif len(batch) == 1:
                        yield batch, [reason]
                    else:  # one of them is the reason: each for itself
                        coming = chain([[item] for item in batch], coming)
        except BaseException:
            pool.stop()
            raise
        finally:
            pool.close()
            pool.join()


def _failure(future: Future[list[Answer]]) -> str | None:
    from pebble import ProcessExpired

    error = future.exception()
    if isinstance(error, TimeoutError):
        return f"not labelled within {PATIENCE:.0f} seconds"
    if isinstance(error, ProcessExpired):
        return f"the process that labelled it died (exit code {error.exitcode}); out of memory?"
    if error:
        raise error
    return None
