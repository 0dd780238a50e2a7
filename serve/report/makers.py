"""The models that made the labels: found by the digests that the records name, for the errors that were measured of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data import codebook as codebooks
from data.codebook import Codebook, Task
from models import registry
from models.store import FEW, StoreError, manifest_of, reference

Label = tuple[Task, str]  # a topic's id, or claim/side
_REFERENCE = re.compile(r"(topics|stance)-[\w.-]+@([0-9a-f]{8})")


@dataclass(frozen=True)
class Maker:
    """What made the labels of a record, by reference as the record has it; None where it names none."""

    topics: str | None
    stance: str | None
    reader: str | None = None


@dataclass(frozen=True)
class Known:
    """A model whose folder was found.

    Attributes:
        measured: by label, numbers of true positives, false positives, false negatives and true negatives; empty for a model that was
            trained before they were written down.
        labelled: sentences that each claim was learned from; empty for a model that does not know claims by number.
    """

    codebook: Codebook
    measured: Mapping[str, list[int]]
    labelled: Mapping[str, int]

    @classmethod
    def read(cls, folder: Path, manifest: Mapping[str, Any]) -> Known:
        """From a model folder and its manifest."""
        made_from = manifest["made_from"]
        book = codebooks.load(folder / "codebook.yaml")
        return cls(book, made_from.get("measured", {}), made_from.get("labelled", {}))

    def answers(self, claim: str) -> bool:
        """Whether a stance model answers for a claim itself and leaves it to no reader."""
        return any(own.id == claim for own in self.codebook.claims) and self.labelled.get(claim, FEW) >= FEW


class Makers:
    """The models that records name, as far as they are to be had.

    Attributes:
        known: by reference.
        unknown: references without a folder.
    """

    def __init__(self, makers: Iterable[Maker], given: Iterable[str]) -> None:
        """Look for the models in the registry, and in what is given.

        Args:
            given: folders or registry names of models that labelled.

        Raises:
            StoreError: a given model cannot be had, or labelled none of this.
        """
        named = sorted({name for maker in makers for name in (maker.topics, maker.stance, maker.reader) if name})
        self.known: dict[str, Known] = {}
        for name in given:
            folder = registry.resolve(name)
            manifest = manifest_of(folder)
            if reference(manifest) not in named:
                raise StoreError(f"{name}: expected a model that made these labels ({', '.join(named)}), found {reference(manifest)}")
            self.known[reference(manifest)] = Known.read(folder, manifest)
        for name in named:
            parts = _REFERENCE.fullmatch(name)
            found = registry.digested(Task(parts[1]), parts[2]) if parts and name not in self.known else None
            if found:
                self.known[name] = Known.read(found, manifest_of(found))
        self.unknown = [name for name in named if name not in self.known]

    def measured(self, maker: Maker, label: Label) -> tuple[str, list[int]] | None:
        """The model that answered for a label, and its errors; None where they are not known."""
        task, name = label
        by = maker.topics if task is Task.topics else maker.stance
        if task is Task.stance and maker.reader and by in self.known and not self.known[by].answers(name.partition("/")[0]):
            by = maker.reader
        found = self.known.get(by or "")
        return (by or "", found.measured[name]) if found and name in found.measured else None
