"""Promotion: which version of a model serves. A candidate becomes champion if nothing got worse, and the step can be taken back.

The champion is an alias in the registry, which servers and `sikap label` follow. What was champion before is kept as a tag of the
registered model, oldest first.
"""

from __future__ import annotations

import json
from typing import Any

from data.codebook import Task
from models import registry

HISTORY = "champions"
REASON = "promoted"  # tag of a version: why it became champion


def version_of(task: Task, name: str) -> int:
    """The version that is meant by a number, a name such as sikap-topics/3, or (the beginning of) a run's id.

    Raises:
        ValueError: none, or more than one.
    """
    registered = registry.registered_name(task)
    versions = registry.client().search_model_versions(f"name = '{registered}'")
    number = name.removeprefix(f"{registered}/")
    found = [version for version in versions if str(version.version) == number or (len(name) > 4 and str(version.run_id).startswith(name))]
    if len(found) != 1:
        known = ", ".join(sorted((str(version.version) for version in versions), key=int)) or "none"
        raise ValueError(
            f"{name}: expected a version of {registered} ({known}) or the id of a run that made one; see `sikap runs {task.value}`"
        )
    return int(found[0].version)


def champion(task: Task) -> int | None:
    """Version of the champion, None where there is none."""
    return registry.aliased(task, registry.CHAMPION)


def promote(task: Task, version: int, reason: str) -> None:
    """Make a version the champion, and keep why."""
    client, name, serving = registry.client(), registry.registered_name(task), champion(task)
    if serving == version:
        raise ValueError(f"{name}/{version} is the champion already")
    client.set_model_version_tag(name, str(version), REASON, reason)
    client.set_registered_model_alias(name, registry.CHAMPION, str(version))
    client.set_registered_model_tag(name, HISTORY, json.dumps([*_before(client, name, serving), version]))


def rollback(task: Task) -> tuple[int, int]:
    """Make the champion before this one the champion again.

    Returns:
        Version that served, and version that serves.

    Raises:
        ValueError: nothing to go back to.
    """
    client, name, serving = registry.client(), registry.registered_name(task), champion(task)
    before = _before(client, name, serving)
    if serving is None or len(before) < 2:
        raise ValueError(f"{name}: expected a champion before this one to go back to, found none")
    client.set_registered_model_alias(name, registry.CHAMPION, str(before[-2]))
    client.set_registered_model_tag(name, HISTORY, json.dumps(before[:-1]))
    return serving, before[-2]


def _before(client: Any, name: str, serving: int | None) -> list[int]:
    """Champions so far, the serving one last, even where somebody else made it champion."""
    kept = json.loads(client.get_registered_model(name).tags.get(HISTORY, "[]"))
    return kept if serving is None or kept[-1:] == [serving] else [*kept, serving]
