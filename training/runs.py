"""The tracked runs, read back from MLflow. `training.tracking` writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from data.codebook import Task
from models import registry
from models.store import Stored

EXPERIMENT = "sikap"
MAIN_FIGURES = ("micro_f1", "micro_f1_low", "micro_f1_high", "average_precision", "calibration_error")


@dataclass(frozen=True)
class PastRun:
    """A line of the table of runs."""

    run_id: str
    started: datetime
    status: str
    task: str
    family: str
    version: str
    sentences: str
    figures: dict[str, float]


def run_of(stored: Stored) -> str | None:
    """The run that made a model, if the store has it."""
    client = registry.client()
    experiment = client.get_experiment_by_name(EXPERIMENT)
    query = f"params.model_digest = '{stored.manifest['digest']}'"
    found = client.search_runs([experiment.experiment_id], query, max_results=1) if experiment else []
    return str(found[0].info.run_id) if found else None


def past_runs(task: Task | None = None) -> list[PastRun]:
    """The tracked runs, newest first."""
    client = registry.client()
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return []
    query = f"params.task = '{task.value}'" if task else ""
    versions_of = {
        version.run_id: version.version
        for name in map(registry.registered_name, Task)
        for version in client.search_model_versions(f"name = '{name}'")
    }
    found = client.search_runs([experiment.experiment_id], query, order_by=["attributes.start_time DESC"], max_results=1000)
    return [
        PastRun(
            run.info.run_id,
            datetime.fromtimestamp(run.info.start_time / 1000, UTC),
            run.info.status,
            run.data.params.get("task", ""),
            run.data.params.get("family", ""),
            str(versions_of.get(run.info.run_id, "")),
            run.data.params.get("sentences", ""),
            {name: run.data.metrics[name] for name in MAIN_FIGURES if name in run.data.metrics},
        )
        for run in found
    ]
