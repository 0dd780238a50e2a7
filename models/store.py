"""The model folder: everything that a prediction needs, written whole, checked on loading, without pickle.

manifest.json    what it is, what it was made from, and the SHA-256 of every other file
codebook.yaml    labels, in order
decision.json    thresholds of each label
...              the family's own files
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from data import codebook as codebooks
from data.codebook import SIDES, Codebook, Task
from data.text import NORMALISER
from models.base import Model, Reader
from models.decision import Decision
from models.embedding import SentenceEncoder
from models.families import family

FORMAT = 2
MANIFEST = "manifest.json"
FEW = 8  # labelled sentences from which on a family that knows claims by number answers for one


class StoreError(ValueError):
    """A model folder that cannot be used; the message names the file and what to do."""


@dataclass(frozen=True)
class Stored:
    """A model with what its predictions need."""

    model: Model
    codebook: Codebook
    decision: Decision
    manifest: Mapping[str, Any]

    @property
    def task(self) -> Task:
        """What it predicts."""
        return Task(self.manifest["task"])

    @property
    def labels(self) -> list[str]:
        """Label names in the order of the probabilities' columns."""
        return self.codebook.labels(self.task)

    @property
    def reference(self) -> str:
        """Names the model in predictions: task, family and the folder's short digest, `topics-encoder@0123abcd`."""
        return reference(self.manifest)

    def unknown(self, codebook: Codebook) -> list[str]:
        """Ids of the codebook's claims that this model does not answer for: not its own, or learned from too few sentences to know."""
        labelled = self.manifest["made_from"].get("labelled", {})  # of a model that knows claims by number
        learned = {claim.id: labelled.get(claim.id, FEW) for claim in self.codebook.claims}
        return [claim.id for claim in codebook.claims if learned.get(claim.id, 0) < FEW]

    @property
    def reads_claims(self) -> bool:
        """Whether it answers for claims that it was not trained on."""
        return isinstance(self.model, Reader)

    def about(self, codebook: Codebook) -> Stored:
        """The same model, asked for the claims of another codebook.

        Raises:
            StoreError: a model that knows its claims by number, not by their words.
        """
        if not isinstance(self.model, Reader):  # not `reads_claims`, which tells the type checker nothing
            raise StoreError(f"{self.reference}: expected a model that reads claims (family pair), found one of {self.manifest['family']}")
        decision = self.decision.over(exclusive_sets(codebook, Task.stance))
        return replace(self, model=self.model.about(codebook.claims), codebook=codebook, decision=decision)


def exclusive_sets(codebook: Codebook, task: Task) -> np.ndarray:
    """Which labels exclude each other: the two sides of a claim; topics do not. See `models.decision.Decision`."""
    if task is Task.topics:
        return np.full(len(codebook.topics), -1)
    return np.repeat(np.arange(len(codebook.claims)), len(SIDES))


def save(folder: Path, task: Task, model: Model, codebook: Codebook, decision: Decision, made_from: Mapping[str, Any]) -> Stored:
    """Write a model folder; it appears whole or not at all.

    Args:
        made_from: what the model was made from (data digest, seed, ...), kept in the manifest as it is.

    Raises:
        StoreError: the folder exists.
    """
    if folder.exists():
        raise StoreError(f"{folder}: expected a folder that does not exist yet")
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    aside.mkdir(parents=True)
    try:
        model.save(aside)
        decision.save(aside / "decision.json", codebook.labels(task))
        codebooks.save(codebook, aside / "codebook.yaml")
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "task": task.value,
            "family": model.family,
            "normaliser": NORMALISER,
            "codebook": codebook.reference,
            "encoder": model.encoder.digest if model.encoder else None,
            "made_from": dict(made_from),
            "files": {path.relative_to(aside).as_posix(): _digest(path) for path in _files(aside)},
        }
        manifest["digest"] = _digest_of(manifest)
        (aside / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False), encoding="utf-8")
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Stored(model, codebook, decision, manifest)


def load(folder: Path | str, encoders: dict[str, SentenceEncoder] | None = None) -> Stored:
    """Read a model folder, every byte checked against the manifest.

    Args:
        encoders: encoders in memory by digest. One that fits is shared instead of loaded again; a new one is put in.

    Raises:
        StoreError: no model folder, a file that is missing, added or changed, or a version that this code cannot read.
    """
    folder = Path(folder)
    manifest = _checked_manifest(folder)
    encoders = {} if encoders is None else encoders
    try:
        model = family(manifest["family"]).load(folder, encoders.get(manifest["encoder"]))
        codebook = codebooks.load(folder / "codebook.yaml")
        decision = Decision.load(folder / "decision.json")
        if codebook.reference != manifest["codebook"]:
            raise ValueError(f"expected the codebook {manifest['codebook']}, found {codebook.reference}")
    except (KeyError, ValueError, OSError) as error:
        raise StoreError(f"{folder}: cannot be loaded: {error}") from error
    if model.encoder:
        model.encoder = encoders.setdefault(manifest["encoder"], model.encoder)
    return Stored(model, codebook, decision, manifest)


def reference(manifest: Mapping[str, Any]) -> str:
    """What a model is called in predictions: `topics-encoder@0123abcd`."""
    return f"{manifest['task']}-{manifest['family']}@{manifest['digest'][:8]}"


def manifest_of(folder: Path) -> dict[str, Any]:
    """A model folder's manifest, checked against its own digest alone: what a model is and how well it does, without reading it.

    Raises:
        StoreError: no model folder, or a manifest that was changed.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise StoreError(f"{folder}: expected a model folder with {MANIFEST}, found none; train one with `sikap train`")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        stated = manifest.pop("digest")
    except (ValueError, KeyError, AttributeError) as error:
        raise StoreError(f"{path}: expected the JSON that `sikap train` wrote: {error}") from error
    if stated != _digest_of(manifest):
        raise StoreError(f"{path}: changed since it was written; train again or restore the folder")
    return manifest | {"digest": stated}


def _checked_manifest(folder: Path) -> dict[str, Any]:
    manifest = manifest_of(folder)
    if manifest["format"] != FORMAT or manifest["normaliser"] != NORMALISER:
        raise StoreError(
            f"{folder}: expected format {FORMAT} and text normaliser {NORMALISER}, found {manifest['format']} and "
            f"{manifest['normaliser']}; it was made by another version of Sikap: train again"
        )
    found = {file.relative_to(folder).as_posix() for file in _files(folder)} - {MANIFEST}
    for name in sorted(found ^ set(manifest["files"])):
        raise StoreError(f"{folder / name}: {'not part of the model' if name in found else 'missing'}; restore the folder or train again")
    for name, digest in manifest["files"].items():
        if _digest(folder / name) != digest:
            raise StoreError(f"{folder / name}: changed since it was written (SHA-256 differs); restore the folder or train again")
    return manifest


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_of(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True, ensure_ascii=False).encode("utf-8")).hexdigest()
