"""The registry: from a model's name to its folder. One of the few files that import mlflow, and only where it must.

A model is a folder, or a name in the MLflow registry: `sikap-topics@champion`, `sikap-topics/3`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from data.codebook import Task
from models.store import MANIFEST, StoreError, manifest_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
READER = "reader"  # the stance model that answers for claims which the champion does not know
ARTIFACT = "model"  # what the model folder is called among the artifacts of a logged model
_INSIDE = f"artifacts/*/{MANIFEST}"  # where the model folder is in what MLflow stores for a version
_NAME = re.compile(r"(?P<name>[\w.-]+)(?:@(?P<alias>[\w-]+)|/(?P<version>\d+))")

_LOCATION = """
    SELECT storage_location FROM model_versions WHERE name = :name AND current_stage <> 'Deleted_Internal' AND version =
    coalesce(:version, (SELECT version FROM registered_model_aliases WHERE name = :name AND alias = :alias))
"""
_LOCATIONS = """
    SELECT storage_location FROM model_versions WHERE name = :name AND current_stage <> 'Deleted_Internal' ORDER BY version DESC
"""


def registered_name(task: Task) -> str:
    """The name under which models of a task are registered."""
    return f"sikap-{task.value}"


def champion(task: Task) -> str:
    """The name of the model that serves unless another is asked for."""
    return f"{registered_name(task)}@{CHAMPION}"


def reader() -> str:
    """The name of the model that reads new claims unless another is asked for."""
    return f"{registered_name(Task.stance)}@{READER}"


def tracking_uri() -> str:
    """Where runs and models are kept: $MLFLOW_TRACKING_URI, or mlruns/mlflow.db in the project (in a folder without a
    project: in the working folder)."""
    project = Path(__file__).resolve().parent.parent
    root = project if (project / "pyproject.toml").is_file() else Path.cwd()
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlruns' / 'mlflow.db'}"


def store_folder(uri: str) -> Path | None:
    """The folder of a local SQLite store, in which artifacts lie too; None for a server or another database."""
    return Path(uri.removeprefix("sqlite:///")).parent if uri.startswith("sqlite:///") else None


def client() -> MlflowClient:
    """A client of the tracking store; the folder of a local store is made."""
    import logging

    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow

    uri = tracking_uri()
    folder = store_folder(uri)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    for name in ("alembic", "mlflow.store.db.utils", "mlflow.tracking._model_registry.client", "mlflow.pyfunc"):
        logging.getLogger(name).setLevel(logging.WARNING)  # new tables, versions and signatures are no news
    mlflow.set_tracking_uri(uri)
    return mlflow.MlflowClient(uri)


def aliased(task: Task, alias: str) -> int | None:
    """The version that an alias names, None where there is none."""
    store, name = client(), registered_name(task)
    found = store.search_registered_models(f"name = '{name}'") and store.get_registered_model(name).aliases.get(alias)
    return int(found) if found else None


def pointer(name: str) -> str:
    """What a name leads to, without fetching it: a folder, or `name/version` in a store that is elsewhere. `resolve` takes either.

    Raises:
        StoreError: neither a folder nor a registered model.
    """
    parts = _NAME.fullmatch(name)
    if Path(name).is_dir() or not parts or store_folder(tracking_uri()):
        return str(resolve(name))
    from mlflow.exceptions import MlflowException

    try:
        store = client()
        version = parts["version"] or store.get_model_version_by_alias(parts["name"], parts["alias"]).version
    except (MlflowException, OSError) as error:
        raise StoreError(f"{name}: not to be had from {tracking_uri()}: {error}") from error
    return f"{parts['name']}/{version}"


def resolve(name: str) -> Path:
    """The local folder of a model, given as a folder or as a name in the registry.

    Raises:
        StoreError: neither a folder nor a registered model.
    """
    if Path(name).is_dir():
        return Path(name)
    parts = _NAME.fullmatch(name)
    if not parts:
        raise StoreError(f"{name}: expected a model folder or a name such as sikap-topics@champion or sikap-topics/3, found neither")
    uri = tracking_uri()
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        raise StoreError(f"{name}: no model is registered yet in {uri}; train one with `sikap train`")
    folder = _read_from_sqlite(uri, parts) or _asked_of_mlflow(uri, parts)
    for manifest in folder.glob(_INSIDE):
        return manifest.parent
    raise StoreError(f"{name}: expected a model of Sikap, found none in {folder}")


def digested(task: Task, digest: str) -> Path | None:
    """The local folder of the registered version whose digest begins with this one, which is how predictions name a model; None where
    no version does, or the store is not to be had."""
    uri, name = tracking_uri(), registered_name(task)
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        return None
    places = _asked_of_sqlite(uri, _LOCATIONS, {"name": name})
    if places is None:
        return _digested_elsewhere(name, digest)
    for folder in filter(None, map(_local, places)):
        for manifest in folder.glob(_INSIDE):
            with suppress(StoreError):
                if manifest_of(manifest.parent)["digest"].startswith(digest):
                    return manifest.parent
    return None


def _digested_elsewhere(name: str, digest: str) -> Path | None:
    """The same, asked of mlflow: a version's run knows the digest, and only the version that is meant is fetched."""
    from mlflow.exceptions import MlflowException

    try:
        store = client()
        for version in store.search_model_versions(f"name = '{name}'"):
            if version.run_id and store.get_run(version.run_id).data.params.get("model_digest", "").startswith(digest):
                return resolve(f"{name}/{version.version}")
    except (MlflowException, OSError, StoreError):
        return None
    return None


def _read_from_sqlite(uri: str, parts: re.Match[str]) -> Path | None:
    """What MLflow stores for a version, read from the store's own file; None where that is not as we know it."""
    places = _asked_of_sqlite(uri, _LOCATION, parts.groupdict())
    folder = _local(places[0]) if places and len(places) == 1 else None
    return folder if folder and any(folder.glob(_INSIDE)) else None


def _asked_of_sqlite(uri: str, query: str, values: Mapping[str, str | None]) -> list[object] | None:
    """The one column of a query, asked of the store's own file; None where that is not as we know it.

    Opening a store through mlflow takes longer than all else that labelling a page needs. Nothing is remembered: a new champion
    serves from the next call on.
    """
    if not uri.startswith("sqlite:///") or {"MLFLOW_REGISTRY_URI", "MLFLOW_ENABLE_WORKSPACES"} & os.environ.keys():
        return None
    import sqlite3

    file = Path(uri.removeprefix("sqlite:///")).resolve()
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as store:
            return [place for (place,) in store.execute(query, values)]
    except sqlite3.Error:
        return None


def _local(place: object) -> Path | None:
    """The folder that a storage location names, None where it is not on this machine."""
    return Path(unquote(urlsplit(str(place)).path)) if str(place).startswith("file:///") else None


def _asked_of_mlflow(uri: str, parts: re.Match[str]) -> Path:
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    try:
        store = client()
        if parts["alias"]:
            version = store.get_model_version_by_alias(parts["name"], parts["alias"])
        else:
            version = store.get_model_version(parts["name"], parts["version"])
        return Path(download_artifacts(f"models:/{version.name}/{version.version}", tracking_uri=uri))
    except (MlflowException, OSError) as error:
        raise StoreError(f"{parts[0]}: not to be had from {uri}: {error}; see `sikap runs`, or train with `sikap train`") from error
