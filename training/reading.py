"""Training the family that reads claims: what it learns from, and that a stopped run goes on."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from data import pairs, wordings
from data.codebook import SIDES, Codebook
from data.pairs import Pair
from data.splits import folds
from data.text import normalise
from models import cache, pretrained
from models.drawing import Material
from models.embedding import SentenceEncoder
from models.pair import DEFAULT, HELD_OUT, MEASURED, PairModel
from models.tuning import Watch, last_whole
from training.config import Config
from training.vectors import encode


def material(config: Config, found: Sequence[Path | str]) -> Material:
    """What there is beside labelled sentences: the pairs that were found in the data, or the claim bank where none is named.

    Raises:
        data.corpus.CorpusError: rows that are not usable.
    """
    rows = pairs.load(found if config.data else pairs.SHIPPED)
    first = pairs.load(config.pretrain)
    pairs.refuse_test([*rows, *first])
    claims = [claim for file in (wordings.OF_CODEBOOK, wordings.OF_BANK) for claim in wordings.load(file).values()]
    return Material(_normalised(rows), _normalised(first), claims)


def with_claims(
    config: Config,
    codebook: Codebook,
    material: Material,
    made_from: dict[str, Any],
    texts: Sequence[str],
    targets: np.ndarray,
    articles: Sequence[str],
    tell: Callable[[str], None],
    watch: Watch | None,
) -> tuple[PairModel, np.ndarray]:
    """A model that learned from sentences and material, and its probabilities for the sentences, shape (n, n_labels).

    What it learned from beside the sentences goes into `made_from`.
    """
    made_from |= _digests(material)
    model, checkpoints = _new(config, codebook, material, made_from, tell, watch)
    probabilities = model.cross_fit(texts, targets, articles, encode(texts, SentenceEncoder.named(config.encoder)))
    shutil.rmtree(checkpoints, ignore_errors=True)
    return model, probabilities


def pairs_alone(
    config: Config,
    codebook: Codebook,
    material: Material,
    tell: Callable[[str], None],
    watch: Watch | None,
    lap: Callable[[str], None],
) -> dict[str, Any]:
    """What `training.learn.Learned` holds, of a model that learned from pairs alone; labels are the two sides."""
    rows = material.rows
    _, new = next(folds([row.text for row in rows], config.seed, HELD_OUT))  # what is said of one text stays on one side
    held_out = set(new.tolist())
    unseen = [rows[i] for i in np.sort(np.random.default_rng(config.seed).permutation(new)[:MEASURED])]
    kept = replace(material, rows=[row for i, row in enumerate(rows) if i not in held_out])
    made_from = {"data": pairs.digest(rows), "sentences": len(rows)} | _digests(material)
    model, checkpoints = _new(config, codebook, kept, made_from, tell, watch)
    probabilities = model.fit_pairs(unseen)
    shutil.rmtree(checkpoints, ignore_errors=True)
    lap("fit")
    return {
        "model": model,
        "rows": [{"id": row.target, "article": row.text, "lang": "", "text": row.text} for row in unseen],
        "targets": np.array([[row.stance == side for side in SIDES] for row in unseen], dtype=np.int8),
        "probabilities": probabilities,
        "labels": SIDES,
        "exclusive": np.zeros(len(SIDES), dtype=int),
        "made_from": made_from,
    }


def _new(
    config: Config, codebook: Codebook, material: Material, made_from: dict[str, Any], tell: Callable[[str], None], watch: Watch | None
) -> tuple[PairModel, Path]:
    """A model that is about to learn, and where it keeps what it needs to go on after a stop: by all that the tuning depends on."""
    tuning = DEFAULT if config.epochs is None else replace(DEFAULT, epochs=config.epochs)
    parts = [made_from, codebook.reference, pretrained.folder(config.encoder).name, asdict(tuning), config.seed]
    checkpoints = cache.root() / "checkpoints" / hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
    tell("tuning an encoder to read claims" + (", from where it was broken off" if last_whole(checkpoints) else ""))
    return PairModel(codebook.claims, material, config.encoder, tuning, config.seed, checkpoints, watch), checkpoints


def _digests(material: Material) -> dict[str, Any]:
    words = hashlib.sha256(json.dumps([claim.model_dump(mode="json") for claim in material.claims]).encode()).hexdigest()
    return {
        "pairs": len(material.rows),
        "pairs_data": pairs.digest(material.rows),
        "pretrained_on": len(material.first),
        "pretrain_data": pairs.digest(material.first),
        "wordings": words,
    }


def _normalised(rows: Sequence[Pair]) -> list[Pair]:
    return [replace(row, text=normalise(row.text)) for row in rows]
