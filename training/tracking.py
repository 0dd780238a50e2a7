"""Tracking: training runs into MLflow, and out of it again. The one file of this room that imports mlflow.

Runs come here as plain data (`training.run.Run`); what is logged is decided here and nowhere else.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.codebook import Task
from models import registry
from models.store import Stored
from models.tuning import Watch
from training.behaviour import Behaviour
from training.config import Config
from training.evaluate import Evaluation, Score
from training.run import LIBRARIES, Run, versions

if TYPE_CHECKING:
    from mlflow import ActiveRun

EXPERIMENT = "sikap"
CODE = ("data", "models")  # what a logged model carries, so that it loads where Sikap is not installed
OF_PAIRS = ("pairs", "pairs_data", "pretrained_on", "pretrain_data", "wordings")  # what the family that reads claims has learned from
MAIN_FIGURES = ("micro_f1", "micro_f1_low", "micro_f1_high", "macro_f1", "baseline_micro_f1")


@dataclass(frozen=True)
class Registered:
    """A run's model in the registry."""

    name: str
    version: int
    run_id: str
    is_champion: bool


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


@contextmanager
def followed(config: Config) -> Iterator[Watch]:
    """Draw the curves of a training while it goes: a run that begins with their first figure, for `track` to go on with.

    It ends with what is inside, as FAILED or KILLED where that did.
    """
    import mlflow

    def watch(step: int, figures: dict[str, float]) -> None:
        _begin(config)
        mlflow.log_metrics({f"tuning/{name}": value for name, value in figures.items()}, step)

    try:
        yield watch
    except BaseException as error:
        mlflow.end_run("FAILED" if isinstance(error, Exception) else "KILLED")
        raise


def track(run: Run) -> Registered:
    """Log a run (parameters, data digest, codebook, figures overall and per label, the model folder) and register its model.

    The first model of a name that beats the baseline becomes the champion. Of those that read claims, the newest becomes the reader, unless
    it passes fewer cases of the behaviour suite than the one before.
    """
    import mlflow

    client = registry.client()
    with _begin(run.config) as active:
        manifest, config = run.stored.manifest, run.config
        mlflow.log_params(
            {
                "task": config.task.value,
                "family": config.family,
                "C": config.C,
                "seed": config.seed,
                "encoder": config.encoder if run.stored.model.encoder else "none",
                "data": ", ".join(map(str, config.data)) or "shipped corpus",
                "data_digest": manifest["made_from"]["data"],
                "sentences": manifest["made_from"]["sentences"],
                "codebook": run.stored.codebook.reference,
                "model_digest": manifest["digest"],
            }
            | {name: manifest["made_from"][name] for name in OF_PAIRS if name in manifest["made_from"]}
            | {f"tuning/{name}": value for name, value in manifest["made_from"].get("tuning", {}).items()}
        )
        mlflow.log_metrics(_metrics(run.out_of_fold) | {f"seconds_{stage}": value for stage, value in run.seconds.items()})
        mlflow.log_metric("baseline_micro_f1", run.baseline.micro.f1)
        mlflow.log_dict(asdict(run.out_of_fold), "out_of_fold.json")
        table = {column: [suspect[column] for suspect in run.suspects] for column in run.suspects[0]}
        mlflow.log_table(table, "suspects.json")
        if run.behaviour:
            note_behaviour(active.info.run_id, run.behaviour)
        version = _log_model(run, client)
        name = registry.registered_name(config.task)
        tags = {"data_digest": manifest["made_from"]["data"], "codebook": run.stored.codebook.reference}
        for key, value in tags.items():
            client.set_model_version_tag(name, str(version), key, value)
        good = run.knows_the_codebook and run.out_of_fold.micro.f1 > run.baseline.micro.f1
        crowned = good and registry.CHAMPION not in client.get_registered_model(name).aliases
        if crowned:
            client.set_registered_model_alias(name, registry.CHAMPION, str(version))
        if good and run.stored.reads_claims and run.behaviour and run.behaviour.rate >= _behaviour_of_reader(client):
            client.set_registered_model_alias(name, registry.READER, str(version))
        return Registered(name, version, active.info.run_id, crowned)


def _behaviour_of_reader(client: Any) -> float:
    """Share of the behaviour suite that the reader passed; 0 where there is none yet."""
    from mlflow.exceptions import MlflowException

    try:
        reader = client.get_model_version_by_alias(registry.registered_name(Task.stance), registry.READER)
    except MlflowException:
        return 0.0
    return float(client.get_run(reader.run_id).data.metrics.get("behaviour/all", 0.0))


def note_behaviour(run_id: str, behaviour: Behaviour) -> None:
    """Log a model's pass rates with the run that made it."""
    client = registry.client()
    for kind, (passed, cases) in behaviour.kinds.items():
        client.log_metric(run_id, f"behaviour/{kind}", passed / cases)
    client.log_metric(run_id, "behaviour/all", behaviour.rate)
    client.set_tag(run_id, "behaviour", "passed" if behaviour.passes else "failed")
    client.log_dict(run_id, {"failed": behaviour.failed}, "behaviour.json")


def run_of(stored: Stored) -> str | None:
    """The run that made a model, if the store has it."""
    client = registry.client()
    experiment = client.get_experiment_by_name(EXPERIMENT)
    query = f"params.model_digest = '{stored.manifest['digest']}'"
    found = client.search_runs([experiment.experiment_id], query, max_results=1) if experiment else []
    return str(found[0].info.run_id) if found else None


def _begin(config: Config) -> ActiveRun:
    """The run that is going on, or a new one."""
    import mlflow

    client = registry.client()
    name = f"{config.task.value}-{config.family}"
    return mlflow.active_run() or mlflow.start_run(experiment_id=_experiment_id(client), run_name=name)


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


def _experiment_id(client: Any) -> str:
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment:
        return str(experiment.experiment_id)
    folder = registry.store_folder(registry.tracking_uri())
    return str(client.create_experiment(EXPERIMENT, artifact_location=(folder.resolve() / "artifacts").as_uri() if folder else None))


def _metrics(evaluation: Evaluation) -> dict[str, float]:
    """Figures by the names under which MLflow shows them."""
    low, high = evaluation.micro_interval
    figures = {
        "micro_f1": evaluation.micro.f1,
        "micro_f1_low": low,
        "micro_f1_high": high,
        "micro_precision": evaluation.micro.precision,
        "micro_recall": evaluation.micro.recall,
        "macro_f1": evaluation.macro_f1,
        "exact_match": evaluation.exact_match,
        "likeliest": evaluation.likeliest,
        "review": evaluation.review,
    }
    for label, score in evaluation.labels.items():
        figures |= {f"{_safe(label)}/{name}": value for name, value in _figures(score).items()}
    return figures


def _figures(score: Score) -> dict[str, float]:
    figures = {"precision": score.precision, "recall": score.recall, "f1": score.f1, "support": float(score.support)}
    return figures if score.average_precision is None else figures | {"average_precision": score.average_precision}


def _safe(label: str) -> str:
    """A label as part of a metric's name: MLflow takes letters, digits and a few marks."""
    return re.sub(r"[^\w. /-]", "_", label)


def _log_model(run: Run, client: Any) -> int:
    """Log the model folder as a pyfunc with the code that reads it, register it, and return its version."""
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    rooms = Path(registry.__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as aside, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*input example was not provided.*")
        # Without the corpus: a model does not carry the sentences that it learned from.
        left_out = shutil.ignore_patterns("annotations", "bank", "behaviour.jsonl", "corpus", "drafts", "labels", "samples", "__pycache__")
        for room in CODE:
            shutil.copytree(rooms / room, Path(aside) / room, ignore=left_out)
        logged = mlflow.pyfunc.log_model(
            name=run.config.task.value,
            python_model=str(rooms / "models" / "pyfunc.py"),
            artifacts={registry.ARTIFACT: str(run.folder)},
            code_paths=[str(Path(aside) / room) for room in CODE],
            pip_requirements=[f"{name}=={number}" for name, number in versions().items() if name in LIBRARIES],
            signature=ModelSignature(inputs=Schema([ColSpec("string", "text")])),
        )
    name = registry.registered_name(run.config.task)
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    version = client.create_model_version(name, source=logged.model_uri, run_id=logged.run_id, model_id=logged.model_id)
    return int(version.version)
