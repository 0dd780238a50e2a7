"""Tracking: training runs into MLflow, and out of it again. The one file of this room that imports mlflow.

Runs come here as plain data (`training.run.Run`); what is logged is decided here and nowhere else.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import distributions, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from data.codebook import Task
from models import registry
from models.tuning import Watch
from training import report
from training.behaviour import Behaviour
from training.bootstrap import Figure
from training.config import Config
from training.evaluate import Evaluation, Score
from training.run import Run
from training.runs import EXPERIMENT

if TYPE_CHECKING:
    from mlflow import ActiveRun

CODE = ("data", "models")  # what a logged model carries, so that it loads where Sikap is not installed
# What that code imports to label, whatever the family.
NEEDED = ("mlflow", "numpy", "onnxruntime", "pandas", "py3langid", "pydantic", "pyyaml", "rich", "safetensors", "scipy", "tokenizers")
OF_PAIRS = ("pairs", "pairs_data", "pretrained_on", "pretrain_data", "wordings")  # what the family that reads claims has learned from
MOST_DIGEST = 36  # letters of a digest that MLflow keeps of a dataset
EXAMPLES = 2  # sentences that a logged model shows how it is called with


@dataclass(frozen=True)
class Registered:
    """A run's model in the registry."""

    name: str
    version: int
    run_id: str
    is_champion: bool


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
    """Log a run (settings, code, data, environment, figures, pictures, the model folder) and register its model.

    The first model of a name that beats the baselines becomes the champion. Of those that read claims, the newest becomes the reader,
    unless it passes fewer cases of the behaviour suite than the one before.
    """
    import mlflow

    client = registry.client()
    with _begin(run.config) as active:
        manifest, config = run.stored.manifest, run.config
        made_from = manifest["made_from"]
        mlflow.log_params(
            {
                "task": config.task.value,
                "family": config.family,
                "C": config.C,
                "ridge": config.ridge,
                "seed": config.seed,
                "encoder": config.encoder if run.stored.model.encoder else "none",
                "data": _source(config),
                "data_digest": made_from["data"],
                "sentences": made_from["sentences"],
                "codebook": run.stored.codebook.reference,
                "calibration": run.stored.decision.calibration.method,
                "model_digest": manifest["digest"],
                "commit": run.commit,
            }
            | {f"promise/{name}": value for name, value in asdict(config.promise).items() if value is not None}
            | {name: made_from[name] for name in OF_PAIRS if name in made_from}
            | {f"tuning/{name}": value for name, value in made_from.get("tuning", {}).items()}
        )
        mlflow.log_input(_dataset(run), context="training")
        mlflow.log_dict(json.loads(json.dumps(asdict(config), default=str)), "config.json")
        mlflow.log_text(yaml.safe_dump(run.stored.codebook.model_dump(mode="json"), allow_unicode=True, sort_keys=False), "codebook.yaml")
        mlflow.log_text("".join(sorted(f"{found.name}=={found.version}\n" for found in distributions())), "environment.txt")
        figures = metrics(run.out_of_fold)
        for name, baseline in run.baselines.items():
            figures |= {f"{name}_{figure}": value for figure, value in metrics(baseline).items() if figure.startswith("micro_f1")}
        figures |= {f"seconds_{stage}": value for stage, value in run.seconds.items()} | {"peak_memory_mb": run.peak_memory / 2**20}
        mlflow.log_metrics(figures)
        for point in run.learned.curve:
            mlflow.log_metric("learning_curve/average_precision", point.average_precision, step=point.sentences)
        mlflow.log_dict({"out_of_fold": asdict(run.out_of_fold)} | {k: asdict(v) for k, v in run.baselines.items()}, "evaluation.json")
        for file, picture in report.pictures(run.measured.targets, run.chances, run.decisions, run.out_of_fold, run.learned.curve).items():
            mlflow.log_figure(picture, f"pictures/{file}")
        table = {column: [suspect[column] for suspect in run.suspects] for column in run.suspects[0]}
        mlflow.log_table(table, "suspects.json")
        if run.behaviour:
            note_behaviour(active.info.run_id, run.behaviour)
        version = _log_model(run, client)
        name = registry.registered_name(config.task)
        tags = {"data_digest": made_from["data"], "codebook": run.stored.codebook.reference} | {
            figure: f"{figures[figure]:.4f}" for figure in ("micro_f1", "average_precision", "calibration_error") if figure in figures
        }
        for key, value in tags.items():
            client.set_model_version_tag(name, str(version), key, value)
        beaten = {name for name, other in run.baselines.items() if run.out_of_fold.micro.f1.value > other.micro.f1.value}
        crowned = run.knows_the_codebook and beaten == set(run.baselines) and registry.aliased(config.task, registry.CHAMPION) is None
        if crowned:
            client.set_registered_model_alias(name, registry.CHAMPION, str(version))
        reads = run.knows_the_codebook and run.stored.reads_claims and "majority" in beaten  # keywords tell nothing of new claims
        if reads and run.behaviour and run.behaviour.rate >= _behaviour_of_reader(client):
            client.set_registered_model_alias(name, registry.READER, str(version))
        return Registered(name, version, active.info.run_id, crowned)


def _source(config: Config) -> str:
    return ", ".join(map(str, config.data)) or "shipped corpus"


def _dataset(run: Run) -> Any:
    """What was learned from, as MLflow shows datasets: where it came from, its columns, its digest."""
    from datasets import Dataset
    from mlflow.data.huggingface_dataset import from_huggingface

    rows = run.learned.rows
    data = rows if isinstance(rows, Dataset) else Dataset.from_list([dict(row) for row in rows])
    source, digest = _source(run.config), run.stored.manifest["made_from"]["data"][:MOST_DIGEST]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*can be interpreted in multiple ways.*")
        return from_huggingface(data, name=source, digest=digest, source=source)


def _behaviour_of_reader(client: Any) -> float:
    """Share of the behaviour suite that the reader passed; 0 where there is none yet."""
    version = registry.aliased(Task.stance, registry.READER)
    if version is None:
        return 0.0
    run_id = client.get_model_version(registry.registered_name(Task.stance), str(version)).run_id
    return float(client.get_run(run_id).data.metrics.get("behaviour/all", 0.0))


def note_behaviour(run_id: str, behaviour: Behaviour) -> None:
    """Log a model's pass rates with the run that made it."""
    client = registry.client()
    for kind, (passed, cases) in behaviour.kinds.items():
        client.log_metric(run_id, f"behaviour/{kind}", passed / cases)
    client.log_metric(run_id, "behaviour/all", behaviour.rate)
    client.set_tag(run_id, "behaviour", "passed" if behaviour.passes else "failed")
    client.log_dict(run_id, {"failed": behaviour.failed}, "behaviour.json")


def search_run(config: Config, run_id: str | None) -> str:
    """The run under which a search's trials are nested: the one that was begun, if the store still has it, or a new one."""
    from mlflow.exceptions import MlflowException

    client = registry.client()
    try:
        if run_id and client.get_run(run_id).info.lifecycle_stage == "active":
            return run_id
    except MlflowException:  # the store is another, or was emptied
        pass
    run = client.create_run(_experiment_id(client), run_name=f"tune-{config.task.value}-{config.family}")
    for name, value in {"task": config.task.value, "family": config.family, "seed": config.seed, "data": _source(config)}.items():
        client.log_param(run.info.run_id, name, value)
    client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


@contextmanager
def trial(parent: str, number: int, settings: Mapping[str, float]) -> Iterator[Callable[[int, float], None]]:
    """A nested run; what is yielded logs the average precision after a fold. One that is given up or stopped ends as KILLED."""
    client = registry.client()
    tags = {"mlflow.parentRunId": parent}
    run_id = client.create_run(_experiment_id(client), tags=tags, run_name=f"trial-{number}").info.run_id
    for name, setting in settings.items():
        client.log_param(run_id, name, setting)

    def log(fold: int, value: float) -> None:
        client.log_metric(run_id, "average_precision", value, step=fold)

    try:
        yield log
    except BaseException:
        client.set_terminated(run_id, "KILLED")
        raise
    client.set_terminated(run_id)


def note_best(parent: str, number: int, value: float, settings: Mapping[str, float]) -> None:
    """Mark a search's best trial, and say with the search which it is."""
    client = registry.client()
    query = f"tags.`mlflow.parentRunId` = '{parent}'"
    for run in client.search_runs([_experiment_id(client)], query, max_results=1000):
        client.set_tag(run.info.run_id, "best", str(run.info.run_name == f"trial-{number}").lower())
    client.log_metric(parent, "average_precision", value)
    client.log_dict(parent, {"trial": number} | dict(settings), "best.json")


def _begin(config: Config) -> ActiveRun:
    """The run that is going on, or a new one."""
    import mlflow

    client = registry.client()
    name = f"{config.task.value}-{config.family}"
    return mlflow.active_run() or mlflow.start_run(experiment_id=_experiment_id(client), run_name=name)


def _experiment_id(client: Any) -> str:
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment:
        return str(experiment.experiment_id)
    folder = registry.store_folder(registry.tracking_uri())
    return str(client.create_experiment(EXPERIMENT, artifact_location=(folder.resolve() / "artifacts").as_uri() if folder else None))


def metrics(evaluation: Evaluation) -> dict[str, float]:
    """Figures by the names under which MLflow shows them, each with the ends of its interval as `_low` and `_high`."""
    figures = {"micro_" + name: figure for name, figure in _of(evaluation.micro).items() if name != "average_precision"}
    figures |= {"macro_" + name: figure for name, figure in _of(evaluation.macro).items()}
    if evaluation.micro.average_precision:
        figures["average_precision"] = evaluation.micro.average_precision
    for name in ("exact_match", "likeliest", "review", "kept", "calibration_error", "shown_error"):
        figures[name] = getattr(evaluation, name)
    for label, score in evaluation.labels.items():
        figures |= {f"{_safe(label)}/{name}": figure for name, figure in _of(score).items()}
    for claim, figure in evaluation.claims.items():
        figures[f"{_safe(claim)}/sides_f1"] = figure
    for language, part in evaluation.languages.items():
        figures |= {f"{language}/micro_f1": part.micro.f1, f"{language}/macro_f1": part.macro.f1}
    found: dict[str, float] = {}
    for name, figure in figures.items():
        found |= {name: figure.value, f"{name}_low": figure.low, f"{name}_high": figure.high}
    return found | {f"{_safe(label)}/support": float(score.support) for label, score in evaluation.labels.items()}


def _of(score: Score) -> dict[str, Figure]:
    figures = {"precision": score.precision, "recall": score.recall, "f1": score.f1}
    return figures if score.average_precision is None else figures | {"average_precision": score.average_precision}


def _safe(label: str) -> str:
    """A label as part of a metric's name: MLflow takes letters, digits and a few marks."""
    return re.sub(r"[^\w. /-]", "_", label)


def _log_model(run: Run, client: Any) -> int:
    """Log the model folder as a pyfunc with the code that reads it, register it, and return its version."""
    import mlflow
    import pandas as pd

    rooms = Path(registry.__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as aside, warnings.catch_warnings():
        # Without the corpus: a model does not carry the sentences that it learned from.
        left_out = shutil.ignore_patterns("annotations", "bank", "behaviour.jsonl", "corpus", "drafts", "labels", "samples", "__pycache__")
        for room in CODE:
            shutil.copytree(rooms / room, Path(aside) / room, ignore=left_out)
        logged = mlflow.pyfunc.log_model(
            name=run.config.task.value,
            python_model=str(rooms / "models" / "pyfunc.py"),
            artifacts={registry.ARTIFACT: str(run.folder)},
            code_paths=[str(Path(aside) / room) for room in CODE],
            pip_requirements=[f"{name}=={version(name)}" for name in NEEDED],
            input_example=pd.DataFrame({"text": [str(row["text"]) for row in run.measured.rows[:EXAMPLES]]}),
        )
    name = registry.registered_name(run.config.task)
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    registered = client.create_model_version(name, source=logged.model_uri, run_id=logged.run_id, model_id=logged.model_id)
    return int(registered.version)
