import threading

import pytest

from serve.batcher import Full
from serve.turns import Turns


def test_one_at_a_time_and_a_few_wait() -> None:
    turns, go_on, done = Turns(2), threading.Event(), list[int]()
    taken = [turns.submit(lambda number=number: (go_on.wait(60), done.append(number))) for number in range(3)]
    with pytest.raises(Full):
        turns.submit(done.append, 3)
    go_on.set()
    for future in taken:
        future.result(60)
    assert done == [0, 1, 2]
    turns.submit(done.append, 4).result(60)
    turns.close()


def test_what_is_given_up_gives_its_place_back_once_the_thread_is_free_of_it() -> None:
    turns, begun, go_on = Turns(1), threading.Event(), threading.Event()
    first = turns.submit(lambda: (begun.set(), go_on.wait(60)))
    second = turns.submit(lambda: None)
    begun.wait(60)
    assert not first.cancel()
    with pytest.raises(Full):
        turns.submit(lambda: None)
    assert second.cancel()
    third = turns.submit(lambda: None)
    go_on.set()
    third.result(60)
    turns.close()
