"""Batch-labelling: nothing lost, nothing twice, the same output whatever happened on the way."""

import csv
import gzip
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from mlflow import MlflowClient
from pyarrow import parquet

from conftest import Cli, rows, shipped_rows, write_rows
from data.article import Article, Sentence
from serve import engines
from serve.engines import Here, Processes
from serve.journal import Journal

MADE_BY = {"topics": "t@1", "stance": "s@1", "codebook": "book/1"}


def articles(count: int, seed: int = 0) -> list[dict]:
    """Articles of authored sentences."""
    draw, sentences = random.Random(seed), [row["text"] for row in shipped_rows()]
    dates = {"outlet": "Kantor Berita", "date": "2026-03-11"}
    return [{"id": f"a{i}", "text": "\n\n".join(draw.sample(sentences, 6))} | dates for i in range(count)]


def start(store: Cli, *arguments: object) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).with_name("sikap")), "label", *map(str, arguments)]
    environment = os.environ | {"MLFLOW_TRACKING_URI": store.uri}
    return subprocess.Popen(
        command, env=environment, cwd=store.store, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def test_a_run_that_is_killed_goes_on_and_ends_as_if_it_had_not_been(store: Cli, tmp_path: Path) -> None:
    given, draw = write_rows(tmp_path / "in.jsonl", articles(300)), random.Random(1)
    assert store("label", given, "--out", tmp_path / "whole.jsonl").returncode == 0
    out, log = tmp_path / "out.jsonl", tmp_path / ".out.jsonl.journal-wal"
    for _ in range(3):
        before = log.stat().st_size if log.exists() else 0
        run = start(store, given, "--out", out)
        while run.poll() is None and not (log.exists() and log.stat().st_size > before):
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.5))
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        assert not out.exists() or out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes(), "whole or not there"
    done = store("label", given, "--out", out)
    assert done.returncode == 0
    assert "labelled 300," not in done.stdout, "what was labelled before the kills is not labelled again"
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_only_what_is_new_is_labelled(store: Cli, tmp_path: Path) -> None:
    first = articles(5)
    given, out = write_rows(tmp_path / "in.jsonl", first), tmp_path / "out.jsonl"
    assert "labelled 5, known before 0" in store("label", given, "--out", out).stdout
    write_rows(given, [first[3] | {"id": "moved"}, *articles(2, seed=1), first[0]])
    assert "labelled 2, known before 2" in store("label", given, "--out", out).stdout
    assert list(dict.fromkeys(record["article"] for record in rows(out))) == ["moved", "a0", "a1", "a0~2"]


def test_a_newer_champion_labels_what_is_new_and_the_rest_when_asked(store: Cli, tmp_path: Path) -> None:
    given, out = write_rows(tmp_path / "in.jsonl", articles(3)), tmp_path / "out.jsonl"
    assert store("label", given, "--out", out).returncode == 0
    MlflowClient(store.uri).set_registered_model_alias("sikap-topics", "champion", "2")
    write_rows(given, articles(4))
    done = store("label", given, "--out", out)
    assert "labelled 1, known before 3" in done.stdout
    assert "3 keep the labels of" in done.stderr
    assert "--relabel" in done.stderr
    makers = {record["article"]: record["model"]["topics"] for record in rows(out)}
    assert makers["a0"] == makers["a2"] != makers["a3"]
    assert "labelled 3, known before 1" in store("label", given, "--out", out, "--relabel").stdout
    assert {record["model"]["topics"] for record in rows(out)} == {makers["a3"]}
    MlflowClient(store.uri).set_registered_model_alias("sikap-topics", "champion", "1")


def test_tables_of_all_kinds_give_the_same(store: Cli, tmp_path: Path) -> None:
    given = articles(6)
    plain = write_rows(tmp_path / "in.jsonl", given)
    (tmp_path / "in.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    with pa.CompressedOutputStream(str(tmp_path / "in.jsonl.zst"), "zstd") as file:
        file.write(plain.read_bytes())
    with (tmp_path / "in.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ["url", "body", "date", "outlet"])
        table.writeheader()
        table.writerows({"url": row["id"], "body": row["text"], "date": row["date"], "outlet": row["outlet"]} for row in given)
    parquet.write_table(pa.Table.from_pylist(given), tmp_path / "in.parquet")
    found = {}
    for kind in ("jsonl", "jsonl.gz", "jsonl.zst", "csv", "parquet"):
        out = tmp_path / f"{kind}-out.jsonl"
        options = ["--column", "text=body", "--column", "id=url"] if kind == "csv" else []
        assert store("label", tmp_path / f"in.{kind}", "--out", out, *options).returncode == 0
        found[kind] = rows(out)
    assert all(content == found["jsonl"] for content in found.values())
    assert {(record["date"], record["outlet"]) for record in found["csv"]} == {("2026-03-11", "Kantor Berita")}
    refused = store("label", tmp_path / "in.csv", "--out", tmp_path / "no.jsonl", "--column", "body=text")
    assert refused.returncode == 2
    assert "FIELD=COLUMN" in refused.stderr


def test_a_page_tells_its_day_and_outlet(store: Cli, tmp_path: Path) -> None:
    told = '<meta property="og:site_name" content="Kantor Berita"><meta property="article:published_time" content="2026-03-11T08:00:00Z">'
    body = "".join(f"<p>{paragraph}</p>" for paragraph in articles(1)[0]["text"].split("\n\n"))
    page = tmp_path / "page.html"
    page.write_text(f"<html><head>{told}</head><body><article>{body}</article></body></html>", encoding="utf-8")
    for known in (0, 1):
        assert f"known before {known}" in store("label", page, "--out", tmp_path / "out.jsonl").stdout
        assert {(record["date"], record["outlet"]) for record in rows(tmp_path / "out.jsonl")} == {("2026-03-11", "Kantor Berita")}


def test_standard_input_is_read(store: Cli, tmp_path: Path) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in articles(2)).encode()
    command = [str(Path(sys.executable).with_name("sikap")), "label", "-", "--out", str(tmp_path / "out.jsonl")]
    done = subprocess.run(command, input=lines, env=os.environ | {"MLFLOW_TRACKING_URI": store.uri}, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert {record["article"] for record in rows(tmp_path / "out.jsonl")} == {"a0", "a1"}


def test_a_folder_of_parquet_is_replaced_whole_and_no_other_folder_is(store: Cli, tmp_path: Path) -> None:
    given, out = write_rows(tmp_path / "in.jsonl", articles(3)), tmp_path / "labels"
    for count in (3, 2):
        write_rows(given, articles(count))
        assert store("label", given, "--out", out, "--format", "parquet").returncode == 0
        assert sorted(os.listdir(out)) == ["part-00000.parquet"]
        assert len(set(parquet.read_table(out)["article"].to_pylist())) == count
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("My thesis.")
    refused = store("label", given, "--out", tmp_path / "mine", "--format", "parquet")
    assert refused.returncode == 2
    assert "thesis.txt" in refused.stderr
    assert os.listdir(tmp_path / "mine") == ["thesis.txt"]


def hostile(folder: Path) -> set[str]:
    """Files of all bad kinds; their names."""
    folder.mkdir()
    packed = gzip.compress(json.dumps(articles(1)[0]).encode() * 50)
    content: dict[str, bytes] = {
        "empty.txt": b"",
        "binary.txt": bytes(range(256)) * 20,
        "latin.txt": "Keputusan Zürich ditolak.".encode("latin-1"),
        "utf16.txt": "Pasukan ditarik.".encode("utf-16"),
        "truncated.jsonl.gz": packed[: len(packed) // 2],
        "truncated.jsonl.zst": b"\x28\xb5\x2f\xfd\x04\x00",
        "lies.txt.gz": b"this is no gzip",
        "lies.parquet": b"PAR1 it is not",
        "page.html": b"<html><body><nav>menu</nav></body></html>",
        "deep.html": b"<div>" * 50_000,
        "wrong.docx": b"PK",
        "long.jsonl": b'{"text": "' + b"a" * 20_000_000 + b'"}',
        "long.csv": b"id,text\n1," + b"a" * 20_000_000,
        "array.jsonl": b"[1, 2]\n",
        "no-text.jsonl": b'{"id": 1}\n',
        "brackets.jsonl": b"[" * 200_000,
    }
    for name, raw in content.items():
        (folder / name).write_bytes(raw)
    (folder / "circle.txt").symlink_to("circle.txt")
    (folder / "nowhere.txt").symlink_to("gone.txt")
    (folder / "above").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "socket.txt"))
    return {*content, "circle.txt", "nowhere.txt", "above", "pipe.txt", "socket.txt"}


def test_each_hostile_file_is_named_and_all_else_is_labelled(store: Cli, tmp_path: Path) -> None:
    bad = hostile(tmp_path / "in")
    for i, row in enumerate(articles(20)):
        (tmp_path / "in" / f"good-{i:02}.txt").write_text(row["text"], encoding="utf-8")
    done = store("label", tmp_path / "in", "--out", tmp_path / "out.jsonl")
    assert done.returncode == 1, done.stderr
    assert {record["article"] for record in rows(tmp_path / "out.jsonl")} == {f"good-{i:02}" for i in range(20)}
    faults = rows(tmp_path / "out.jsonl.errors.jsonl")
    assert {Path(fault["source"].partition(":")[0]).name for fault in faults} == bad
    assert all(fault["reason"] for fault in faults)
    stopped = store("label", tmp_path / "in", "--out", tmp_path / "few.jsonl", "--max-errors", "3")
    assert stopped.returncode == 2
    assert "--max-errors 3" in stopped.stderr
    assert not (tmp_path / "few.jsonl").exists()


def test_a_second_run_into_the_same_output_is_refused_while_the_first_goes_on(store: Cli, tmp_path: Path) -> None:
    journal = Journal(tmp_path / ".out.jsonl.journal", MADE_BY, False, False)
    refused = store("label", write_rows(tmp_path / "in.jsonl", articles(1)), "--out", tmp_path / "out.jsonl")
    assert refused.returncode == 2
    assert "another run" in refused.stderr
    journal.close()


def test_new_files_in_a_watched_folder_are_labelled(store: Cli, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_rows(tmp_path / "in" / "one.jsonl", articles(1))
    run = start(store, tmp_path / "in", "--out", tmp_path / "out.jsonl", "--follow")
    try:
        assert {record["article"] for record in appeared(tmp_path / "out.jsonl", 1)} == {"a0"}
        write_rows(tmp_path / "in" / "two.jsonl", [row | {"id": f"b{i}"} for i, row in enumerate(articles(2, seed=2))])
        assert {record["article"] for record in appeared(tmp_path / "out.jsonl", 3)} == {"a0", "b0", "b1"}
    finally:
        run.send_signal(signal.SIGINT)
        said = run.communicate(timeout=60)
    assert run.returncode == 0, said


def appeared(out: Path, count: int) -> list[dict]:
    """The records of an output, as soon as it has so many articles."""
    found: list[dict] = []
    for _ in range(600):
        found = rows(out) if out.exists() else []
        if len({record["article"] for record in found}) >= count:
            break
        time.sleep(0.1)
    return found


class Fragile:
    """Stands for a predictor: its process dies, or hangs, on certain words."""

    languages = ("id", "en")
    made_by = MADE_BY

    def label_sentences(self, found: list[Sentence], everything: bool = False) -> list[dict[str, Any]]:
        for sentence in found:
            if "die" in sentence.text:
                os._exit(9)
            if "hang" in sentence.text:
                time.sleep(600)
        return [vars(sentence) | {"topics": [], "stances": [], "model": MADE_BY} for sentence in found]


def batches() -> Iterator[list[Article]]:
    for number in range(12):
        names = [f"{number}-{i}" for i in range(3)]
        bad = {"4-1": "The machines die here.", "8-2": "All clocks hang there."}
        yield [Article(name, bad.get(name, f"Sentence {name} is harmless."), name) for name in names]


def test_what_a_process_dies_or_hangs_on_is_set_aside_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "PATIENCE", 3.0)
    found = {
        item.id: answer for batch, answers in Processes(Fragile, False, 2)(batches()) for item, answer in zip(batch, answers, strict=True)
    }  # type: ignore[arg-type]
    assert len(found) == 36
    told = {name: answer for name, answer in found.items() if isinstance(answer, str)}
    assert told.keys() == {"4-1", "8-2"}
    assert "died" in told["4-1"]
    assert "3 seconds" in told["8-2"]


def test_all_engines_answer_alike() -> None:
    harmless = [batch for i, batch in enumerate(batches()) if i not in (4, 8)]
    found = []
    for engine in (Here(Fragile(), False), Processes(Fragile, False, 2)):  # type: ignore[arg-type]
        found.append({item.id: answer for batch, answers in engine(harmless) for item, answer in zip(batch, answers, strict=True)})
    assert found[0] == found[1]
