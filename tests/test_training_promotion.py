"""Which version serves: worse models are refused, better ones taken, and steps taken back, on a real store and a real server."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from conftest import Cli, rows, shipped_rows, write_rows
from data.codebook import Task
from models import registry
from serve.predictor import Predictor
from training import promotion, runs


def train(sikap: Cli, folder: Path, sentences: int, task: str = "topics") -> str:
    """Train a linear model on the first sentences of the corpus."""
    data = write_rows(folder / f"{sentences}.jsonl", shipped_rows(limit=sentences))
    done = sikap("train", task, "--family", "linear", "--data", data)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A store with a champion (version 1), a worse model (2) and a better one (3), and a stance model."""
    sikap = Cli(tmp_path_factory.mktemp("promotion"))
    for sentences in (600, 80, 1800):
        train(sikap, sikap.store, sentences)
    train(sikap, sikap.store, 600, "stance")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", sikap.uri)
        yield sikap


def label(sikap: Cli, folder: Path) -> str:
    """Which topics model labels what was not labelled before, or is to be labelled anew."""
    (folder / "article.txt").write_text("Polisi menyita sabu di perbatasan.", encoding="utf-8")
    assert sikap("label", folder / "article.txt", "--out", folder / "labels.jsonl", "--relabel").returncode == 0
    return str(rows(folder / "labels.jsonl")[0]["model"]["topics"])


def test_a_worse_model_is_refused_a_better_one_taken_and_the_step_taken_back(trained: Cli, tmp_path: Path) -> None:
    first = label(trained, tmp_path)
    assert promotion.champion(Task.topics) == 1

    refused = trained("promote", "topics", "2")
    assert refused.returncode == 1
    assert "not promoted" in refused.stdout
    assert "micro F1" in refused.stdout
    assert promotion.champion(Task.topics) == 1

    run_id = registry.client().get_model_version("sikap-topics", "3").run_id
    taken = trained("promote", "topics", run_id[:8])
    assert taken.returncode == 0, taken.stderr
    assert promotion.champion(Task.topics) == 3
    second = label(trained, tmp_path)
    assert second != first
    assert Predictor.named().made_by["topics"] == second

    back = trained("rollback", "topics")
    assert back.returncode == 0, back.stderr
    assert promotion.champion(Task.topics) == 1
    assert label(trained, tmp_path) == first
    assert Predictor.named().made_by["topics"] == first
    nothing = trained("rollback", "topics")
    assert nothing.returncode == 2
    assert "found none" in nothing.stderr


def test_force_takes_a_worse_model_and_keeps_the_reason(trained: Cli) -> None:
    assert trained("promote", "topics", "2", "--force", " ").returncode == 2
    forced = trained("promote", "topics", "sikap-topics/2", "--force", "the newsroom asked for it")
    assert forced.returncode == 0, forced.stderr
    assert "the newsroom asked for it" in registry.client().get_model_version("sikap-topics", "2").tags[promotion.REASON]
    assert trained("rollback", "topics").returncode == 0


def test_an_unknown_version_is_told_with_the_known_ones(trained: Cli) -> None:
    unknown = trained("promote", "topics", "17")
    assert unknown.returncode == 2
    assert "1, 2, 3" in unknown.stderr


def test_compare_shows_labels_and_sentences_side_by_side(trained: Cli, tmp_path: Path) -> None:
    on = write_rows(tmp_path / "on.jsonl", shipped_rows("test", limit=200))
    compared = trained("compare", "sikap-topics/2", "sikap-topics/3", "--on", on)
    assert compared.returncode == 0, compared.stderr
    assert "200 sentences" in compared.stdout
    assert "better" in compared.stdout
    assert "diplomacy" in compared.stdout
    assert "✓" in compared.stdout
    mixed = trained("compare", "sikap-topics/2", "sikap-stance/1", "--on", on)
    assert mixed.returncode == 2
    assert "one task" in mixed.stderr


def test_a_run_can_be_trusted(trained: Cli) -> None:
    client = registry.client()
    past = next(run for run in runs.past_runs(Task.topics) if run.version == "3")
    run = client.get_run(past.run_id)
    assert run.data.params["commit"]
    (dataset,) = run.inputs.dataset_inputs
    assert dataset.dataset.digest == run.data.params["data_digest"][:36]
    metrics = run.data.metrics
    assert metrics["micro_f1_low"] < metrics["micro_f1"] < metrics["micro_f1_high"]
    assert metrics["majority_micro_f1"] < metrics["keywords_micro_f1"] < metrics["micro_f1"]
    assert {"average_precision", "calibration_error", "id/micro_f1", "terrorism/f1_low", "peak_memory_mb", "seconds_fit"} <= metrics.keys()
    names = {file.path for file in client.list_artifacts(past.run_id)}
    assert {"config.json", "codebook.yaml", "environment.txt", "evaluation.json", "suspects.json", "pictures"} <= names
    pictures = {Path(file.path).name for file in client.list_artifacts(past.run_id, "pictures")}
    assert pictures == {"precision_recall.png", "reliability.png", "confusion.png", "learning_curve.png"}
    assert len(client.get_metric_history(past.run_id, "learning_curve/average_precision")) == 3
    version = client.get_model_version("sikap-topics", "3")
    assert {"data_digest", "codebook", "micro_f1", "average_precision"} <= version.tags.keys()
    folder = registry.resolve("sikap-topics/3").parent.parent
    assert (folder / "input_example.json").is_file()
    assert "signature" in (folder / "MLmodel").read_text(encoding="utf-8")


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL database of its own, from the system's packages."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")) or [Path(p) for p in [shutil.which("pg_ctl")] if p]
    if not found:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    programs, folder, port = found[-1].parent, Path(tempfile.mkdtemp(prefix="sikap-")), free_port()
    as_user = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]

    def run(*command: object) -> None:
        subprocess.run([*as_user, *map(str, command)], check=True, capture_output=True, timeout=120, cwd="/")

    run(programs / "initdb", "-D", folder / "data", "-U", "sikap", "--auth=trust", "-E", "UTF8", "--locale=C")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    run(programs / "pg_ctl", "-D", folder / "data", "-o", options, "-l", folder / "log", "-w", "start")
    try:
        yield f"postgresql://sikap@127.0.0.1:{port}/postgres"
    finally:
        run(programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def server(postgres: str, tmp_path: Path) -> Iterator[str]:
    """A real tracking server on loopback, over PostgreSQL."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", postgres, "--port", str(port), "--workers", "1"]
    process = subprocess.Popen(
        [*command, "--artifacts-destination", str(tmp_path / "artifacts")],
        stdout=(tmp_path / "server.log").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            assert process.poll() is None, (tmp_path / "server.log").read_text()
            try:
                urlopen(f"{address}/health", timeout=5).close()
                break
            except (URLError, OSError):
                time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, 15)
        process.wait(60)


def test_a_tracking_server_over_postgresql_works_as_the_local_file_does(server: str, tmp_path: Path) -> None:
    sikap = Cli(tmp_path)
    sikap.uri = server
    assert "now the champion" in train(sikap, tmp_path, 300)
    assert "sikap promote topics 2" in train(sikap, tmp_path, 600)
    assert "now the champion" in train(sikap, tmp_path, 300, "stance")
    first = label(sikap, tmp_path)
    assert sikap("promote", "topics", "2", "--force", "a test").returncode == 0
    assert label(sikap, tmp_path) != first
    assert sikap("rollback", "topics").returncode == 0
    assert label(sikap, tmp_path) == first
    shown = sikap("runs", "topics").stdout
    assert shown.count("topics/") == 2
    assert json.loads(sikap("evaluate", write_rows(tmp_path / "on.jsonl", shipped_rows("test", limit=50)), "--json").stdout)["topics"]
