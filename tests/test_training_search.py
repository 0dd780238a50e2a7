"""A search for settings in a real store: nested runs, the best one marked, and a search that goes on where it stopped."""

import os
import re
from pathlib import Path

import pytest

from conftest import Cli, shipped_rows, write_rows
from models import registry


def test_a_search_goes_on_and_marks_its_best_trial(empty_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIKAP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", empty_cli.uri)
    data = write_rows(tmp_path / "rows.jsonl", shipped_rows(limit=400))
    for trials, begins in ((2, "trial 1 of 2"), (4, "trial 3 of 4")):
        done = empty_cli("tune", "topics", "--family", "linear", "--trials", trials, "--data", data)
        assert done.returncode == 0, done.stderr
        assert begins in done.stdout
    assert "trial 2 of 4" not in done.stdout

    client = registry.client()
    runs = client.search_runs([client.get_experiment_by_name("sikap").experiment_id])
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    trials = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(trials) == 4
    assert {run.info.status for run in trials} <= {"FINISHED", "KILLED"}
    (best,) = (run for run in trials if run.data.tags["best"] == "true")
    values = {run.info.run_name: run.data.metrics["average_precision"] for run in trials if run.info.status == "FINISHED"}
    assert values[best.info.run_name] == max(values.values()) == pytest.approx(parent.data.metrics["average_precision"])

    command = re.search(r"sikap (train topics .*)", done.stdout)
    assert command
    assert float(best.data.params["C"]) == pytest.approx(float(command[1].split("--C ")[1]), rel=1e-2)
    trained = empty_cli(*command[1].split(), "--data", data)
    assert trained.returncode == 0, trained.stderr


def test_families_that_take_long_are_refused(empty_cli: Cli) -> None:
    refused = empty_cli("tune", "stance", "--family", "pair")
    assert refused.returncode == 2
    assert "linear, encoder" in refused.stderr
    assert not os.listdir(empty_cli.store), "refused before anything is written"
