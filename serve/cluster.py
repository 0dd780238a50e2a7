"""The engine on a Ray cluster: the same batches, labelled on many machines by Ray Data.

Ray Data loads the models once a worker, holds back what the workers cannot yet take, and starts dead workers anew. Sikap has to be
installed on the machines, and the models to be had from each: by a shared folder, or a tracking server in $MLFLOW_TRACKING_URI.
"""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, cast

from serve.engines import Batch, Load, answers
from serve.journal import Answer

AT_ONCE = 2000  # batches that are given to the cluster together; workers are started anew for each such load
RETRIES = 3  # of a batch whose worker died


class Worker:
    """Labels batches on a machine of the cluster."""

    def __init__(self, load: Load, everything: bool) -> None:
        self.predictor = load()
        self.everything = everything

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"number": row["number"], "answers": pickle.dumps(answers(self.predictor, pickle.loads(row["batch"]), self.everything))}


class Cluster:
    """Labels on the Ray cluster of this machine, or the one that $RAY_ADDRESS names.

    An item whose worker died each time is set aside, as `serve.engines.Processes` does.

    Args:
        load: loads the predictor, in each worker once.
        workers: at most; each takes a core. All cores of the cluster where none is given.

    Raises:
        ConnectionError: no cluster is running.
    """

    def __init__(self, load: Load, everything: bool, workers: int | None = None) -> None:
        try:
            import ray
        except ImportError as error:
            raise ValueError("--engine ray: expected Ray, which is not installed: pip install 'sikap[ray]'") from error

        self.load = load
        self.everything = everything
        if not ray.is_initialized():
            try:
                ray.init(address=os.environ.get("RAY_ADDRESS", "auto"), log_to_driver=False, logging_level=logging.ERROR)
            except ConnectionError as error:
                raise ConnectionError("expected a running Ray cluster (`ray start --head`, or $RAY_ADDRESS), found none") from error
        self.workers = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def __call__(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, list[Answer]]]:
        coming = iter(batches)
        while several := list(islice(coming, AT_ONCE)):
            lost = yield from self._labelled(several)
            lost = yield from self._labelled([[item] for batch in lost for item in batch])
            for batch in lost:
                yield batch, [f"the worker that labelled it died {RETRIES + 1} times; out of memory?"]

    def _labelled(self, batches: Sequence[Batch]) -> Any:
        """Yield batches with their answers; return those that have none."""
        import ray

        if not batches:
            return []
        context = ray.data.DataContext.get_current()
        context.max_errored_blocks = -1  # what fails is told by its absence
        context.enable_progress_bars = False
        rows = [{"number": number, "batch": pickle.dumps(list(batch))} for number, batch in enumerate(batches)]
        done = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            cast(Any, Worker),
            fn_constructor_args=(self.load, self.everything),
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(self.workers, len(rows))),
            num_cpus=1,
            max_restarts=-1,
            max_task_retries=RETRIES,
        )
        lost = dict(enumerate(batches))
        for row in done.iter_rows():
            yield lost.pop(row["number"]), pickle.loads(row["answers"])
        return list(lost.values())
