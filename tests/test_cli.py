"""The command line as other programs and people use it: real processes, a real MLflow store, real files."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pyarrow import parquet

from conftest import ROOT, Cli, rows, shipped_rows, write_rows

SAMPLES = ROOT / "data" / "samples"
PLACE = {"id", "article", "date", "outlet", "index", "start", "end", "text", "lang"}


@pytest.fixture(scope="module")
def labelled(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    out = tmp_path_factory.mktemp("labels") / "labels.jsonl"
    done = cli("label", SAMPLES, "--out", out)
    assert done.returncode == 0, done.stderr
    return rows(out)


def tags_of(labelled: list[dict], words: str) -> tuple[set[str], set[str]]:
    (record,) = [record for record in labelled if words in record["text"]]
    sure = [entry for entry in record["topics"] + record["stances"] if entry["decision"] == "yes"]
    return {entry["id"] for entry in sure if "id" in entry}, {entry["tag"] for entry in sure if "tag" in entry}


@pytest.mark.parametrize(
    ("words", "topics", "tags"),
    [
        ("bukan blok militer", {"military"}, {"not a military bloc"}),
        ("mengirim dua batalyon tambahan", {"border-security", "military"}, {"for border reinforcement"}),
        ("sepakat memperkuat kerja sama melawan terorisme", {"terrorism"}, {"for joint counter-terrorism"}),
        ("Sanksi sepihak", set(), {"against sanctions"}),
        ("Ribuan pengungsi", {"migration"}, set()),
    ],
)
def test_sample_sentences_carry_what_they_say(labelled: list[dict], words: str, topics: set[str], tags: set[str]) -> None:
    found_topics, found_tags = tags_of(labelled, words)
    assert topics <= found_topics
    assert tags <= found_tags


@pytest.mark.parametrize("words", ["Cuaca di ibu kota", "Traffic around the headquarters", "The meeting ended with a dinner"])
def test_sentences_about_nothing_carry_no_stance(labelled: list[dict], words: str) -> None:
    assert tags_of(labelled, words)[1] == set()


def test_records_have_the_promised_shape(labelled: list[dict]) -> None:
    assert {record["article"] for record in labelled} == {"pertemuan-astana", "perbatasan", "brussels-briefing", "manila-statement"}
    for record in labelled:
        assert set(record) == PLACE | {"topics", "stances", "model"}
        assert set(record["model"]) == {"topics", "stance", "codebook"}
        assert all(record["model"].values())
        for entry in record["topics"]:
            assert set(entry) == {"id", "probability", "decision"}
        for entry in record["stances"]:
            assert set(entry) == {"claim", "stance", "tag", "probability", "decision"}
        for entry in record["topics"] + record["stances"]:
            assert entry["decision"] in {"yes", "review"}
            assert 0 <= entry["probability"] <= 1
        claims = [entry["claim"] for entry in record["stances"]]
        assert len(claims) == len(set(claims))


def test_sentences_keep_their_ids_and_all_labels_are_written(cli: Cli, tmp_path: Path) -> None:
    given = write_rows(tmp_path / "in.jsonl", [{"id": f"row-{i}", "text": row["text"]} for i, row in enumerate(shipped_rows(limit=300))])
    done = cli("label", given, "--sentences", "--all", "--out", tmp_path / "out.jsonl")
    assert done.returncode == 0, done.stderr
    written = rows(tmp_path / "out.jsonl")
    assert [record["id"] for record in written] == [f"row-{i}" for i in range(300)]
    assert {(len(record["topics"]), len(record["stances"])) for record in written} == {(16, 28)}
    assert {entry["decision"] for record in written for entry in record["topics"]} == {"yes", "review", "no"}


def test_csv_and_parquet_hold_what_jsonl_holds(cli: Cli, tmp_path: Path, labelled: list[dict]) -> None:
    for suffix in ("csv", "parquet"):
        assert cli("label", SAMPLES, "--out", tmp_path / f"out.{suffix}").returncode == 0
    assert parquet.read_table(tmp_path / "out.parquet").to_pylist() == labelled
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["text"] for row in table] == [record["text"] for record in labelled]
    for row, record in zip(table, labelled, strict=True):
        sure = "; ".join(entry["tag"] for entry in record["stances"] if entry["decision"] == "yes")
        assert row["stances"] == sure


def test_what_is_broken_is_set_aside_and_the_rest_is_labelled(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a-good.txt").write_text((SAMPLES / "pertemuan-astana.txt").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "b-empty.txt").write_bytes(b"")
    (folder / "c-binary.txt").write_bytes(bytes(range(256)))
    (folder / "d-latin.txt").write_bytes("Pertemuan di caf\u00e9.".encode("latin-1"))
    (folder / "e-page.html").write_text("<html><body></body></html>", encoding="utf-8")
    (folder / "f-line.jsonl").write_bytes(
        b'{"id": "x", "text": "' + b"y" * 50_000_000 + b'"}\n{"id": "ok", "text": "Para menteri bertemu."}\n{bad\n'
    )
    done = cli("label", folder, "--out", tmp_path / "out.jsonl")
    assert done.returncode == 1
    assert {record["article"] for record in rows(tmp_path / "out.jsonl")} == {"a-good", "ok"}
    for name in ("b-empty.txt", "c-binary.txt", "d-latin.txt", "e-page.html", "f-line.jsonl:1", "f-line.jsonl:3"):
        assert f"{folder / name}: " in done.stderr
    assert "set aside 6" in done.stdout
    assert not list(tmp_path.glob(".*.part"))


def test_a_failed_run_leaves_the_earlier_output(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("before", encoding="utf-8")
    done = cli("label", SAMPLES, "--out", out, "--topics", tmp_path / "no-model")
    assert done.returncode == 2
    assert str(tmp_path / "no-model") in done.stderr
    assert "Traceback" not in done.stderr
    assert out.read_text(encoding="utf-8") == "before"


def test_one_hostile_row_or_page_does_not_stop_the_rest(cli: Cli, tmp_path: Path) -> None:
    lines = [
        '{"id": 7, "text": "Para menteri bertemu."}',
        '{"text": "setengah \\ud83d huruf"}',
        '{"n": ' + "1" * 5000 + "}",
        '{"id": null, "text": "Ia pergi."}',
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "in.html").write_text("<html><body><p>Para menteri bertemu hari ini.</p><![foo bar]></body></html>", encoding="utf-8")
    done = cli("label", tmp_path / "in.html", tmp_path / "in.jsonl", "--out", tmp_path / "out.jsonl")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert {record["article"] for record in rows(tmp_path / "out.jsonl")} >= {"7", "in:4"}
    assert "in.jsonl:2" in done.stderr
    assert "in.jsonl:3" in done.stderr


def test_an_input_is_never_overwritten_and_an_output_never_read(cli: Cli, tmp_path: Path) -> None:
    given = tmp_path / "in" / "a.txt"
    given.parent.mkdir()
    given.write_text("Para menteri bertemu di Astana.", encoding="utf-8")
    assert cli("label", given, "--out", given).returncode == 2
    assert given.read_text(encoding="utf-8") == "Para menteri bertemu di Astana."
    for _ in range(2):
        assert cli("label", given.parent, "--out", given.parent / "labels.jsonl").returncode == 0
    assert len(rows(given.parent / "labels.jsonl")) == 1


def test_where_nothing_is_labelled_nothing_is_written(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("before", encoding="utf-8")
    done = cli("label", tmp_path / "missing.txt", "--out", out)
    assert done.returncode == 2
    assert "missing.txt: no such file" in done.stderr
    assert out.read_text(encoding="utf-8") == "before"


def test_evaluate_gives_figures_with_intervals(cli: Cli, tmp_path: Path) -> None:
    done = cli("evaluate", write_rows(tmp_path / "in.jsonl", shipped_rows(limit=200)), "--json")
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    for task in ("topics", "stance"):
        f1 = measured[task]["micro"]["f1"]
        assert f1["low"] <= f1["value"] <= f1["high"]
        assert measured[task]["baselines"]["keywords"]["micro"]["f1"]["value"] < f1["value"]
        assert measured[task]["model"].startswith(f"{task}-encoder@")


def test_runs_lists_what_was_trained(cli: Cli) -> None:
    shown = cli("runs").stdout
    assert "topics" in shown
    assert "stance" in shown
    assert "encoder" in shown


def test_show_prints_sentence_and_tags(cli: Cli, tmp_path: Path, labelled: list[dict]) -> None:
    shown = cli("show", write_rows(tmp_path / "labels.jsonl", labelled)).stdout
    assert "not a military bloc" in shown
    assert "pertemuan-astana" in shown


def test_the_champion_is_a_pyfunc_for_a_process_that_knows_nothing_of_us(cli: Cli, tmp_path: Path) -> None:
    program = (
        "import sys, mlflow, pandas\n"
        "sys.path = [p for p in sys.path if p != sys.argv[2]]\n"
        "mlflow.set_tracking_uri(sys.argv[1])\n"
        "for task in ('topics', 'stance'):\n"
        "    model = mlflow.pyfunc.load_model(f'models:/sikap-{task}@champion')\n"
        "    print(model.predict(pandas.DataFrame({'text': ['SCO bukan blok militer.', 'Harga cabai naik.']})).to_json())\n"
    )
    done = subprocess.run([sys.executable, "-c", program, cli.uri, str(ROOT)], capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    topics, stance = (json.loads(line)["labels"] for line in done.stdout.splitlines() if line.startswith('{"labels"'))
    assert "military" in [entry["id"] for entry in topics["0"]]
    assert "not a military bloc" in [entry["tag"] for entry in stance["0"]]
    assert stance["1"] == []


def test_another_codebook_without_claims_trains_and_labels(empty_cli: Cli, tmp_path: Path) -> None:
    kinds = ["sport", "weather/climate"]
    book = {"name": "general", "version": 2, "languages": ["en"], "topics": [{"id": k, "name": {"en": k}, "definition": k} for k in kinds]}
    (tmp_path / "book.yaml").write_text(yaml.safe_dump(book), encoding="utf-8")
    texts = ["The striker scored a goal in game {}.", "Rain and storms are forecast for day {}."]
    content = [{"id": f"{k}-{i}", "text": texts[k].format(i), "topics": [kinds[k]]} for i in range(40) for k in (0, 1)]
    data = write_rows(tmp_path / "rows.jsonl", content)
    trained = empty_cli("train", "topics", "--family", "linear", "--data", data, "--codebook", tmp_path / "book.yaml")
    assert trained.returncode == 0, trained.stderr
    assert "now the champion" in trained.stdout
    measured = json.loads(empty_cli("evaluate", data, "--topics", "sikap-topics/1", "--json").stdout)
    assert measured["topics"]["micro"]["f1"]["value"] > 0.95
    refused = empty_cli("train", "stance", "--data", data, "--codebook", tmp_path / "book.yaml")
    assert refused.returncode == 2
    assert "claims" in refused.stderr


def test_training_twice_gives_the_same_figures(empty_cli: Cli, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", shipped_rows(limit=300))
    for _ in range(2):
        assert empty_cli("train", "topics", "--family", "linear", "--data", data).returncode == 0
    given = [empty_cli("evaluate", data, "--topics", f"sikap-topics/{version}", "--json").stdout for version in (1, 2)]
    assert given[0] == given[1]
    assert json.loads(given[0])["topics"]["micro"]["f1"]["value"] > 0


def test_the_shipped_corpus_is_the_default_and_a_model_no_better_than_the_prior_is_not_crowned(empty_cli: Cli) -> None:
    trained = empty_cli("train", "topics", "--family", "baseline")
    assert trained.returncode == 0, trained.stderr
    assert f"read {len(shipped_rows()):,} sentences" in trained.stdout
    assert "champion" not in trained.stdout


def test_the_test_split_is_never_trained_on(empty_cli: Cli, tmp_path: Path) -> None:
    copied = [
        row | {"id": f"{i}", "article": "elsewhere", "text": f"{row['text']} "} for i, row in enumerate(shipped_rows("test", limit=3))
    ]
    data = write_rows(tmp_path / "rows.jsonl", shipped_rows(limit=50) + copied)
    assert empty_cli("data", "check", data).returncode == 1
    refused = empty_cli("train", "topics", "--family", "baseline", "--data", data)
    assert refused.returncode == 2
    assert "test split" in refused.stderr


def test_a_wrong_label_is_among_the_suspects(empty_cli: Cli, tmp_path: Path) -> None:
    content = [{"id": f"{i}", "text": f"Gol ke-{i} di stadion.", "topics": []} for i in range(30)]
    content += [{"id": f"t{i}", "text": f"Bom ke-{i} milik teroris.", "topics": ["terrorism"]} for i in range(30)]
    content[7]["topics"] = ["terrorism"]
    assert empty_cli("train", "topics", "--family", "linear", "--data", write_rows(tmp_path / "rows.jsonl", content)).returncode == 0
    (logged,) = tmp_path.rglob("suspects.json")
    table = json.loads(logged.read_text(encoding="utf-8"))
    first = dict(zip(table["columns"], table["data"][0], strict=True))
    assert (first["id"], first["label"], first["given"]) == ("7", "terrorism", True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["label", SAMPLES, "--out", "out.jsonl"], ["sikap-topics@champion", "sikap train"]),
        (["label", SAMPLES, "--out", "out.jsonl", "--topics", "no such name"], ["no such name", "sikap-topics/3"]),
        (["train", "topics", "--data", "missing.jsonl"], ["missing.jsonl"]),
        (["train", "topics", "--family", "quantum"], ["quantum", "linear, encoder"]),
        (["train", "topics", "--codebook", "missing.yaml"], ["missing.yaml"]),
    ],
)
def test_a_mistake_is_told_in_words(empty_cli: Cli, arguments: list, words: list[str]) -> None:
    done = empty_cli(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_a_stance_model_is_not_taken_for_topics(cli: Cli, tmp_path: Path) -> None:
    done = cli("label", SAMPLES, "--out", tmp_path / "out.jsonl", "--topics", "sikap-stance/1")
    assert done.returncode == 2
    assert "expected a model of topics, found one of stance" in done.stderr
