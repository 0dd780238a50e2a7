"""Search: which settings a family learns best with, tried one after another and kept, so that a search can go on.

Optuna's default sampler (TPE) and its median pruner: a trial that is worse than most after a fold is given up. Each fold is learned
from anew, so only families that take minutes are searched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from data import codebook as codebooks
from data import corpus
from data.splits import folds
from data.text import normalise
from models import cache, families, registry
from training import tracking
from training.config import Config
from training.vectors import encode

RANGES = {"linear": {"C": (0.1, 100.0)}, "encoder": {"C": (0.1, 100.0), "ridge": (1e-4, 1e-1)}}  # on a logarithmic scale


@dataclass(frozen=True)
class Best:
    """What a search found.

    Attributes:
        settings: of the best trial, by name.
        value: its average precision, over all labels, mean of the folds.
        trials: how many were finished or given up, those of earlier calls too.
        pruned: how many of them were given up early.
    """

    settings: dict[str, float]
    value: float
    trials: int
    pruned: int


def search(config: Config, trials: int, tell: Callable[[str], None] = lambda _: None) -> Best:
    """Try settings until there are as many trials as asked for, each a nested run in MLflow; the best one is marked there.

    The same data, codebook, family and seed go on with the search that was begun.

    Raises:
        ValueError: a family that cannot be searched.
    """
    import optuna
    from sklearn.metrics import average_precision_score

    if config.family not in RANGES:
        raise ValueError(f"expected a family of {', '.join(RANGES)} to search settings for, found {config.family!r}")
    codebook = codebooks.load(config.codebook)
    dataset = corpus.load(config.data, codebook)
    corpus.refuse_test(dataset)
    targets = corpus.targets(dataset, config.task, codebook)
    texts, articles = [normalise(text) for text in dataset["text"]], list(dataset["article"])
    encoder = families.create(config.family, config.encoder).encoder
    vectors = encode(texts, encoder) if encoder else None

    def learn(trial: Any) -> float:
        tried = replace(config, **{name: trial.suggest_float(name, *ends, log=True) for name, ends in RANGES[config.family].items()})
        total = 0.0
        with tracking.trial(parent, trial.number, trial.params) as log:
            for fold, (kept, new) in enumerate(folds(articles, config.seed), start=1):
                model = families.create(tried.family, tried.encoder, tried.C, tried.seed, ridge=tried.ridge)
                seen, unseen = ([texts[i] for i in rows] for rows in (kept, new))
                model.fit(seen, targets[kept], None if vectors is None else vectors[kept])
                found = model.predict_proba(unseen, None if vectors is None else vectors[new])
                total += float(average_precision_score(targets[new].ravel(), found.ravel()))
                log(fold, total / fold)
                trial.report(total / fold, fold)
                if trial.should_prune():
                    raise optuna.TrialPruned
        return total / fold

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    name = _name(config, codebook.digest, corpus.digest(dataset), registry.tracking_uri())
    file = cache.root() / "searches.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=f"sqlite:///{file}",
        study_name=name,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=3),
    )
    parent = tracking.search_run(config, study.user_attrs.get("run_id"))
    study.set_user_attr("run_id", parent)
    study.sampler = optuna.samplers.TPESampler(seed=config.seed + len(study.trials))  # not the same settings again
    ended = {optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED}
    done = sum(trial.state in ended for trial in study.trials)
    for number in range(done, trials):
        complete = any(trial.state is optuna.trial.TrialState.COMPLETE for trial in study.trials)
        tell(f"trial {number + 1} of {trials}" + (f", best so far {study.best_value:.4f}" if complete else ""))
        study.optimize(learn, n_trials=1)
    pruned = sum(trial.state is optuna.trial.TrialState.PRUNED for trial in study.trials)
    tracking.note_best(parent, study.best_trial.number, study.best_value, study.best_params)
    return Best(study.best_params, study.best_value, max(done, trials), pruned)


def _name(config: Config, *of: str) -> str:
    parts = json.dumps([asdict(config), *of], default=str)
    return f"{config.task.value}-{config.family}-{hashlib.sha256(parts.encode()).hexdigest()[:12]}"
