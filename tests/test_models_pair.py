"""The family that reads claims: new claims work at once, rows of text and target train and measure it, behaviour gates it."""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml

from conftest import Cli, rows, shipped_rows, write_rows
from data import codebook, pairs
from data.codebook import SIDES, Task
from models import drawing, store
from models.baseline import Baseline
from models.blend import Blend
from models.decision import Decision
from models.drawing import Labelled, Material
from models.gate import Gate
from models.store import Stored
from training import run
from training.behaviour import behave
from training.config import Config

BOOK = codebook.load()
NEW = {
    "id": "base-closes",
    "statement": {"en": "The base should close.", "id": "Pangkalan itu sebaiknya ditutup."},
    "support": {"tag": "for closing the base"},
    "oppose": {"tag": "against closing the base"},
}


@pytest.fixture(scope="module")
def wider(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The codebook with a claim more, as an analyst adds it."""
    content = yaml.safe_load(codebook.DEFAULT_PATH.read_text(encoding="utf-8"))
    content["version"] += 1
    content["claims"].append(NEW)
    path = tmp_path_factory.mktemp("codebook") / "codebook.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: str) -> Cli:
    """A store with fast champions, and a reader that was trained on a few sentences and rows."""
    sikap = Cli(tmp_path_factory.mktemp("desk"))
    data = write_rows(sikap.store / "some.jsonl", shipped_rows()[::12])
    bank = write_rows(sikap.store / "bank.jsonl", rows(pairs.SHIPPED[0])[:200])
    inference = [{"premise": "Hujan turun.", "hypothesis": "Hari basah.", "label": "entailment"}] * 20
    first = write_rows(sikap.store / "inference.jsonl", inference)
    reading = ["--family", "pair", "--encoder", tiny_encoder, "--data", data, "--data", bank, "--pretrain", first, "--epochs", 1]
    for arguments in (
        ["topics", "--family", "linear", "--data", data],
        ["stance", "--family", "linear", "--data", data],
        ["stance", *reading],
    ):
        done = sikap("train", *arguments)
        assert done.returncode == 0, done.stderr
    (sikap.store / "article.txt").write_text("Gubernur meminta pangkalan itu ditutup. Harga cabai naik di pasar.", encoding="utf-8")
    return sikap


def labelled(sikap: Cli, *options: object) -> tuple[str, list[dict]]:
    done = sikap("label", "article.txt", "--out", "labels.jsonl", "--all", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr, rows(sikap.store / "labels.jsonl")


def test_a_claim_put_into_the_codebook_is_read_at_once(desk: Cli, wider: Path) -> None:
    said, records = labelled(desk, "--codebook", wider)
    assert "new claims, read by stance-pair@" in said
    assert "base-closes" in said
    for record in records:
        claims = [(entry["claim"], entry["stance"]) for entry in record["stances"]]
        assert claims == [(claim, side) for claim in [*(claim.id for claim in BOOK.claims), "base-closes"] for side in SIDES]
        assert record["stances"][-2]["tag"] == "for closing the base"
        assert record["model"]["stance"].startswith("stance-linear@")
        assert record["model"]["reader"].startswith("stance-pair@")
        assert codebook.load(wider).reference in record["model"]["codebook"]


def test_the_claims_that_the_champion_knows_stay_with_it(desk: Cli, wider: Path) -> None:
    _, before = labelled(desk)
    _, after = labelled(desk, "--codebook", wider)
    assert [record["stances"][:-2] for record in after] == [record["stances"] for record in before]
    assert "reader" not in before[0]["model"]


def test_a_champion_that_reads_claims_reads_new_ones_itself(desk: Cli, wider: Path) -> None:
    said, records = labelled(desk, "--codebook", wider, "--stance", "sikap-stance/2")
    assert "new claims, read by stance-pair@" in said
    assert records[0]["stances"][-2]["claim"] == "base-closes"
    assert records[0]["model"]["reader"] == records[0]["model"]["stance"]


def test_without_a_reader_new_claims_are_named(desk: Cli, wider: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    alone = [path.parent for path in desk.store.glob("artifacts/models/**/manifest.json")]
    topics, stance = (next(str(p) for p in alone if store.load(p).reference.startswith(f"{task}-linear")) for task in Task)
    elsewhere = Cli(tmp_path / "empty")
    (tmp_path / "empty" / "article.txt").write_text("Gubernur meminta pangkalan itu ditutup.", encoding="utf-8")
    said, records = labelled(elsewhere, "--codebook", wider, "--topics", topics, "--stance", stance)
    assert "new claims that no model reads yet: base-closes" in said
    assert "sikap train stance --family pair" in said
    assert len(records[0]["stances"]) == 2 * len(BOOK.claims)


@pytest.mark.parametrize(("given", "folded"), [(7, False), (8, True)])
def test_eight_labelled_sentences_fold_a_claim_in(given: int, folded: bool, wider: Path, tmp_path: Path) -> None:
    stances = [{"claim": "base-closes", "stance": "support"}]
    own = [{"text": f"Pangkalan nomor {i} diminta tutup.", "topics": [], "stances": stances} for i in range(given)]
    data = write_rows(tmp_path / "data.jsonl", [*shipped_rows(limit=200), *own])
    trained = run.train(Config(Task.stance, "linear", (str(data),), codebook=wider), tmp_path / "model")
    assert ("base-closes" not in trained.stored.unknown(codebook.load(wider))) == folded


def test_rows_of_text_and_target_train_and_measure_a_model(desk: Cli, tiny_encoder: str) -> None:
    train = write_rows(desk.store / "train.jsonl", rows(pairs.SHIPPED[0])[:120])
    done = desk("train", "stance", "--family", "pair", "--encoder", tiny_encoder, "--data", train, "--epochs", 1)
    assert done.returncode == 0, done.stderr
    assert "champion" not in done.stdout
    measured = json.loads(desk("evaluate", train, "--stance", "sikap-stance/3", "--json").stdout)["stance"]
    assert measured["rows"] == 120
    assert 0 <= measured["macro_f1"]["low"] <= measured["macro_f1"]["value"] <= measured["macro_f1"]["high"] <= 1
    refused = desk("evaluate", train)
    assert refused.returncode == 2
    assert "expected a model of the family pair" in refused.stderr


def test_only_the_family_that_reads_takes_rows_of_text_and_target(desk: Cli) -> None:
    for task, family, said in (("stance", "linear", "train only --family pair"), ("topics", "pair", "expected the task stance")):
        done = desk("train", task, "--family", family, "--data", desk.store / "bank.jsonl")
        assert done.returncode == 2
        assert said in done.stderr


def test_what_it_learned_from_is_in_the_manifest(desk: Cli) -> None:
    manifests = [json.loads(path.read_text()) for path in desk.store.glob("artifacts/models/**/manifest.json")]
    made_from = next(m["made_from"] for m in manifests if m["family"] == "pair" and m["made_from"]["sentences"] > 120)
    assert (made_from["pairs"], made_from["pretrained_on"]) == (200, 20)
    assert made_from["pairs_data"] == pairs.digest(pairs.load([desk.store / "bank.jsonl"]))


def test_behaviour_is_run_tracked_and_told_by_the_exit_code(desk: Cli) -> None:
    from mlflow import MlflowClient

    done = desk("evaluate", "--behaviour", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert not found["passes"]
    assert len(found["kinds"]) == 9
    client = MlflowClient(desk.uri)
    runs = client.search_runs([client.get_experiment_by_name("sikap").experiment_id], "params.family = 'linear' AND params.task = 'stance'")
    assert runs[0].data.metrics["behaviour/all"] == pytest.approx(found["rate"])
    assert runs[0].data.tags["behaviour"] == "failed"


class Oracle(Baseline):
    """Knows the suite by heart; target-blind, it knows only what each sentence says of the first claim it is asked about."""

    def __init__(self, blind: bool) -> None:
        self.answers: dict[str, dict[str, str]] = defaultdict(dict)
        for case in rows(pairs.BEHAVIOUR):
            self.answers[case["text"]].setdefault("", case["expect"])
            self.answers[case["text"]][case["claim"]] = case["expect"]
        self.blind = blind

    def predict_proba(self, texts: Sequence[str], vectors: np.ndarray | None = None) -> np.ndarray:
        said = [[self.answers[text].get("" if self.blind else claim.id, "none") for claim in BOOK.claims] for text in texts]
        return np.array([[float(stance == side) for stance in row for side in SIDES] for row in said])


@pytest.mark.parametrize(("blind", "passes"), [(False, True), (True, False)])
def test_a_model_that_does_not_look_at_the_target_fails_however_well_it_reads(blind: bool, passes: bool) -> None:
    n = 2 * len(BOOK.claims)
    stored = Stored(Oracle(blind), BOOK, Decision(np.full(n, 0.5), np.full(n, 0.5), np.full(n, -1)), {"task": "stance", "encoder": None})
    found = behave(stored)
    assert found
    assert found.passes == passes
    passed, cases = found.kinds["target-swap"]
    assert (passed / cases >= 0.75) == passes


def test_the_contrary_of_a_claim_has_the_other_stance() -> None:
    claims = [Material(claims=[*pairs_wordings()]).of(claim) for claim in BOOK.claims]
    stances = np.full((1, len(claims)), pairs.STANCES.index("none"))
    stances[0, 0] = pairs.STANCES.index("oppose")
    sentence = Labelled(["SCO bukan blok militer."], ["id"], stances, np.zeros((1, len(claims))), claims)
    drawn = {(p.target, p.stance) for seed in range(200) for p in drawing.once(sentence, Material(), np.random.default_rng(seed))}
    contrary = {target for words in claims[0].negated.values() for target in words}
    same = {target for words in claims[0].wordings.values() for target in words} | {*claims[0].statement.values()}
    assert all(stance == "support" for target, stance in drawn if target in contrary)
    assert all(stance == "oppose" for target, stance in drawn if target in same)
    assert all(stance == "none" for target, stance in drawn if target not in contrary | same)
    assert {target for target, _ in drawn} & contrary


def pairs_wordings() -> list:
    from data import wordings

    return list(wordings.load(wordings.OF_CODEBOOK).values())


def test_the_gate_lets_through_what_concerns_a_claim() -> None:
    rng = np.random.default_rng(0)
    claims = rng.normal(size=(12, 16))
    which = rng.integers(12, size=600)
    sentences = claims[which] + 0.3 * rng.normal(size=(600, 16))
    others = (which + 1 + rng.integers(11, size=600)) % 12
    beside = np.concatenate([claims[which], claims[others]])
    concerned = np.arange(1200) < 600
    gate = Gate().fit(np.concatenate([sentences, sentences]), beside, concerned, [str(i) for i in [*which, *others]], 0)
    passes = gate.passes(sentences, np.tile(claims, (600, 1, 1)))
    assert passes[np.arange(600), which].mean() > 0.9
    assert passes.mean() < 0.5


def test_a_blend_hears_the_better_judge_more() -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(2, size=(500, 4))
    good, bad = (np.clip(targets * share + (1 - share) * rng.random((500, 4)), 0.01, 0.99) for share in (0.6, 0.1))
    blend = Blend().fit(bad, good, targets)
    assert blend.heard > blend.read
    assert ((blend.both(bad, good) > 0.5) == targets).mean() > 0.95
