"""Labelling on a Ray cluster of two nodes. Runs where Ray is installed (the extra `ray`), which the other tests do without."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT
from data.article import Article, Sentence
from serve.engines import Here
from test_serve_batch import Fragile

ray = pytest.importorskip("ray", reason="needs Ray: pip install --editable '.[ray]'")


class Slow(Fragile):
    """Takes long enough to be killed at work."""

    def label_sentences(self, found: list[Sentence], everything: bool = False) -> list[dict]:
        time.sleep(0.3)
        return super().label_sentences(found, everything)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster of two nodes, each with a core."""
    from ray.cluster_utils import Cluster

    before = dict(os.environ)
    os.environ["PYTHONPATH"] = f"{ROOT / 'tests'}:{ROOT}"  # the workers have to find what they run
    node = {"num_cpus": 1, "object_store_memory": 10**8}
    made = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
    made.add_node(**node)
    os.environ["RAY_ADDRESS"] = made.address
    yield made.address
    ray.shutdown()
    made.shutdown()
    os.environ.clear()
    os.environ.update(before)


def batches(bad: dict[str, str]) -> Iterator[list[Article]]:
    for number in range(20):
        names = [f"{number}-{i}" for i in range(3)]
        yield [Article(name, bad.get(name, f"Sentence {name} is harmless."), name) for name in names]


def kill_one(killed: list[int]) -> None:
    """Kill the first worker that is seen at work."""
    while not killed:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if command.startswith(b"ray::MapWorker(Map(Worker)).submit"):
                os.kill(int(process.name), 9)
                killed.append(int(process.name))
                return
        time.sleep(0.05)


def test_nothing_is_lost_when_a_worker_dies(cluster: str) -> None:
    from serve.cluster import Cluster

    killed: list[int] = []
    threading.Thread(target=kill_one, args=(killed,), daemon=True).start()
    engine = Cluster(Slow, False)  # type: ignore[arg-type]
    found = {item.id: answer for batch, answers in engine(batches({})) for item, answer in zip(batch, answers, strict=True)}
    here = Here(Slow(), False)  # type: ignore[arg-type]
    assert killed
    assert found == {item.id: answer for batch, answers in here(batches({})) for item, answer in zip(batch, answers, strict=True)}


def test_what_workers_die_of_is_set_aside_alone(cluster: str) -> None:
    from serve.cluster import Cluster

    engine = Cluster(Fragile, False)  # type: ignore[arg-type]
    bad = {"4-1": "The machines die here."}
    found = {item.id: answer for batch, answers in engine(batches(bad)) for item, answer in zip(batch, answers, strict=True)}
    assert [name for name, answer in found.items() if isinstance(answer, str)] == ["4-1"]
    assert len(found) == 60
