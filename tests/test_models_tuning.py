"""Tuning an encoder: stopped and gone on with, followed in MLflow, shared by both tasks, and safe from what goes wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from conftest import Cli, rows, shipped_rows, write_rows
from data.text import normalise
from models import export, pretrained, registry, store, tuning
from models.embedding import SETTINGS, SentenceEncoder, Settings
from training import runs

EPOCHS = 4


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("data") / "few.jsonl", shipped_rows(limit=400))


def tune(store: Path, data: Path, encoder: str, task: str = "topics", family: str = "finetuned") -> subprocess.Popen[str]:
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": f"sqlite:///{store / 'mlflow.db'}",
        "SIKAP_CACHE": str(store / "cache"),
        "COLUMNS": "200",
    }
    command = [str(Path(sys.executable).with_name("sikap")), "train", task, "--family", family]
    options = ["--encoder", encoder, "--data", str(data), "--epochs", str(EPOCHS)]
    return subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )


def finished(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return out


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, data: Path, tiny_encoder: str) -> Path:
    """A store in which both tasks were trained without a stop."""
    place = tmp_path_factory.mktemp("tuned")
    said = [finished(tune(place, data, tiny_encoder, task)) for task in ("topics", "stance")]
    assert "tuning an encoder" in said[0]
    assert "tuning an encoder" not in said[1], "the second task takes what the first has tuned"
    return place


def logged(place: Path, task: str) -> Path:
    (folder,) = (path.parent for path in place.glob("artifacts/models/**/manifest.json") if store.load(path.parent).task == task)
    return folder


def test_topics_and_stance_share_one_encoder(tuned: Path) -> None:
    topics, stance = (json.loads((logged(tuned, task) / "manifest.json").read_text()) for task in ("topics", "stance"))
    assert topics["encoder"] == stance["encoder"]


def test_its_curves_are_in_mlflow(tuned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tuned / 'mlflow.db'}")
    assert steps_of("tuning/eval_loss")
    steps = steps_of("tuning/loss")
    assert steps == sorted(set(steps))
    assert steps


def steps_of(figure: str) -> list[int]:
    """At which steps the last finished tuning for topics told the figure."""
    run = next(run for run in runs.past_runs() if run.task == "topics" and run.status == "FINISHED")
    return [point.step for point in registry.client().get_metric_history(run.run_id, figure)]


def test_a_killed_tuning_goes_on_and_comes_to_the_same(
    tuned: Path, data: Path, tiny_encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = tune(tmp_path, data, tiny_encoder)
    while process.poll() is None and not list(tmp_path.glob("cache/v*/checkpoints/*/checkpoint-*/trainer_state.json")):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept = tuning.last_whole(next(tmp_path.glob("cache/v*/checkpoints/*")))
    assert kept
    assert "from where it was broken off" in finished(tune(tmp_path, data, tiny_encoder))
    assert not list(tmp_path.glob("cache/v*/checkpoints/*"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert min(steps_of("tuning/eval_loss")) > int(kept.name.rpartition("-")[2]), "what was done before is not done again"
    texts = [normalise(row["text"]) for row in shipped_rows(limit=30)]
    once, again = (store.load(logged(place, "topics")).model.predict_proba(texts) for place in (tuned, tmp_path))
    assert np.abs(once - again).max() < 1e-3


def test_a_killed_training_of_the_family_pair_goes_on_and_comes_to_the_same(data: Path, tiny_encoder: str, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for place in (whole, broken):
        place.mkdir()
    data = write_rows(tmp_path / "fewer.jsonl", rows(data)[:120])  # each gives several pairs
    finished(tune(whole, data, tiny_encoder, "stance", "pair"))
    process = tune(broken, data, tiny_encoder, "stance", "pair")
    while process.poll() is None and not list(broken.glob("cache/v*/checkpoints/*/checkpoint-*/trainer_state.json")):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert tuning.last_whole(next(broken.glob("cache/v*/checkpoints/*")))
    assert "from where it was broken off" in finished(tune(broken, data, tiny_encoder, "stance", "pair"))
    assert not list(broken.glob("cache/v*/checkpoints/*"))
    texts = [normalise(row["text"]) for row in shipped_rows(limit=30)]
    once, again = (store.load(logged(place, "stance")).model.predict_proba(texts) for place in (whole, broken))
    assert np.abs(once - again).max() < 1e-3


def test_a_checkpoint_that_cannot_be_written_leaves_the_champion_as_it_is(tuned: Path, data: Path, tiny_encoder: str) -> None:
    before = store.load(logged(tuned, "topics")).reference
    other = write_rows(data.with_name("other.jsonl"), shipped_rows(limit=380))
    cache = tuned / "cache"
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, tiny_encoder, str(other)],
        capture_output=True,
        text=True,
        env=os.environ | {"SIKAP_CACHE": str(cache), "MLFLOW_TRACKING_URI": f"sqlite:///{tuned / 'other.db'}"},
        timeout=600,
    )
    assert process.returncode == 2, process.stderr
    assert "no checkpoint can be written" in process.stderr
    assert "Traceback" not in process.stderr
    assert store.load(logged(tuned, "topics")).reference == before


# Files may not grow beyond a size that the store's stay under and a checkpoint does not: as good as a full disk.
PROGRAM = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
import sikap
sys.argv = ["sikap", "train", "topics", "--family", "finetuned", "--encoder", sys.argv[1], "--data", sys.argv[2], "--epochs", "1"]
sikap.main()
"""


def test_an_encoder_folder_without_a_tokenizer_is_named(empty_cli: Cli, tiny_encoder: str, tmp_path: Path) -> None:
    bare = shutil.copytree(tiny_encoder, tmp_path / "bare", ignore=shutil.ignore_patterns("tokenizer*"))
    done = empty_cli("train", "topics", "--family", "finetuned", "--encoder", bare)
    assert done.returncode == 2
    assert str(bare) in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr


def test_where_int8_does_harm_the_encoder_stays_exact(tiny_encoder: str, tmp_path: Path) -> None:
    sizes = {}
    for name, harm in (("harmed", 0.02), ("unharmed", 0.0)):
        folder = tmp_path / name
        folder.mkdir()
        model, tokenizer = pretrained.load(tiny_encoder)
        if harm:
            with pytest.warns(UserWarning, match=r"stays in fp32: .* 0\.020"):
                export.write(model, tokenizer, Settings(), folder, lambda exact, small: 0.02, most=0.005)
        else:
            export.write(model, tokenizer, Settings(), folder, lambda exact, small: 0.0, most=0.005)
        sizes[name] = (folder / "encoder.onnx").stat().st_size
        assert json.loads((folder / SETTINGS).read_text())["precision"] == ("fp32" if harm else "int8")
        assert SentenceEncoder(folder).encode(["Pasukan ditarik."]).shape == (1, 128)
    assert sizes["unharmed"] < sizes["harmed"] / 2


def test_a_changed_graph_is_not_run(tuned: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(logged(tuned, "topics"), tmp_path / "model")
    with (folder / "encoder" / "encoder.onnx").open("r+b") as file:
        file.seek(100)
        file.write(b"\x00\xff")
    with pytest.raises(store.StoreError, match=r"encoder\.onnx: changed since"):
        store.load(folder)
