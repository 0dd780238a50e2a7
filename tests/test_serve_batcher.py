import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from data.article import Sentence
from serve.batcher import BATCH, Batcher, Full


def sentence(text: str) -> Sentence:
    return Sentence(text, "", 0, 0, len(text), text, "id")


class Slow:
    """Stands for a predictor: echoes texts, in batches that it remembers, each taking a moment."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.batches: list[list[str]] = []

    def label_sentences(self, found: Any, everything: bool = False) -> list[Any]:
        time.sleep(self.seconds)
        self.batches.append([one.text for one in found])
        if any(one.text == "bad" for one in found):
            raise RuntimeError("bad")
        return [SimpleNamespace(text=one.text) for one in found]


def texts(records: Any) -> list[str]:
    return [record.text for record in records]


def test_each_request_gets_its_own_records_in_order() -> None:
    batcher, slow = Batcher(), Slow()
    asked = [[f"{i}-{k}" for k in range(i * 7)] for i in range(12)]
    futures = [batcher.submit(slow, [sentence(text) for text in part]) for part in asked]  # type: ignore[arg-type]
    assert [texts(future.result(10)) for future in futures] == asked
    assert max(map(len, slow.batches)) <= BATCH
    assert len(slow.batches) < sum(map(len, asked)) / 4, "requests share batches"
    assert batcher.waiting == 0
    batcher.close()


def test_a_long_request_does_not_hold_up_a_short_one() -> None:
    batcher, slow = Batcher(), Slow(0.01)
    long = batcher.submit(slow, [sentence(f"{i}") for i in range(3200)])  # type: ignore[arg-type]
    short = batcher.submit(slow, [sentence("short")])  # type: ignore[arg-type]
    assert texts(short.result(5)) == ["short"]
    assert not long.done()
    long.cancel()
    batcher.close()
    assert len(slow.batches) < 50, "what nobody waits for is not labelled"


def test_too_much_is_refused_and_what_was_taken_is_finished() -> None:
    batcher, slow = Batcher(most_waiting=100), Slow(0.01)
    taken = batcher.submit(slow, [sentence(f"{i}") for i in range(100)])  # type: ignore[arg-type]
    with pytest.raises(Full):
        batcher.submit(slow, [sentence("more")])  # type: ignore[arg-type]
    closing = threading.Thread(target=batcher.close)
    closing.start()
    assert len(taken.result(10)) == 100
    closing.join()
    with pytest.raises(Full):
        batcher.submit(slow, [sentence("late")])  # type: ignore[arg-type]


def test_a_failure_is_told_to_who_asked_and_to_nobody_else() -> None:
    batcher, slow = Batcher(), Slow(0.02)
    first = batcher.submit(slow, [sentence("first")])  # type: ignore[arg-type]
    bad, beside = (batcher.submit(slow, [sentence(text)]) for text in ("bad", "beside"))  # type: ignore[arg-type]
    assert texts(first.result(5)) == ["first"]
    assert texts(beside.result(5)) == ["beside"]
    assert isinstance(bad.exception(5), RuntimeError)
    with pytest.raises(RuntimeError, match="bad"):
        batcher.submit(slow, [sentence("bad")]).result(5)  # type: ignore[arg-type]
    assert texts(batcher.submit(slow, [sentence("good")]).result(5)) == ["good"]  # type: ignore[arg-type]
    batcher.close()
