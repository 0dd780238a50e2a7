"""What the tests share: a small corpus, an isolated MLflow store, and models trained once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest
from filelock import FileLock

from data import codebook
from models import families
from models.base import Model
from models.pretrained import SHIPPED

os.environ["HF_HUB_OFFLINE"] = "1"

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("data", "models", "training", "serve")


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_rows(path: Path, content: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content), encoding="utf-8")
    return path


def shipped_rows(split: str = "train", limit: int | None = None) -> list[dict]:
    found = [row for path in sorted((ROOT / "data" / "corpus" / split).glob("*.jsonl")) for row in rows(path)]
    return found[:limit]


class Cli:
    """The real command in a process of its own, with an MLflow store of its own."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.uri = f"sqlite:///{store / 'mlflow.db'}"

    def __call__(self, *arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"MLFLOW_TRACKING_URI": self.uri, "COLUMNS": "200", "HF_HUB_OFFLINE": "1"}
        command = [str(Path(sys.executable).with_name("sikap")), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd or self.store, timeout=900)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with an encoder as `transformers` saves it, small enough to be tuned in seconds. It knows nothing."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = str(tmp_path_factory.mktemp("encoders") / "tiny")
    special = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>", "mask_token": "<mask>"}
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=800, special_tokens=list(special.values()), unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator([row["text"] for row in shipped_rows(limit=300)], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 128, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 256}
    BertModel(BertConfig(vocab_size=tokenizer.get_vocab_size(), pad_token_id=1, **shape)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def new_model(tiny_encoder: str) -> Callable[[str], Model]:
    """Makes an untrained model of a family; what would take minutes to tune begins with the tiny encoder."""
    claims = codebook.load().claims
    return lambda family: families.create(family, tiny_encoder if family in {"finetuned", "pair"} else SHIPPED, claims=claims)


@pytest.fixture(scope="session")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command line, with a topics and a stance champion of the default family, which no test changes.

    Trained on every third article of the shipped corpus, which is done in a third of the time, by the first process of the tests that
    asks; the others wait for it.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # that of all processes
    sikap = Cli(shared / "champions")
    with FileLock(shared / "champions.lock"):
        if not (done := sikap.store / "done").exists():
            shutil.rmtree(sikap.store, ignore_errors=True)  # of a process that failed
            sikap.store.mkdir()
            third = [row for row in shipped_rows() if crc32(row["article"].encode()) % 3 == 0]
            data = write_rows(sikap.store / "third.jsonl", third)
            for task in ("topics", "stance"):
                trained = sikap("train", task, "--data", data)
                assert trained.returncode == 0, trained.stderr
            done.touch()
    return sikap


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command line, with two linear topics models, the first of them the champion, and a stance model: little to learn, and fast."""
    sikap = Cli(tmp_path_factory.mktemp("serving"))
    for task, one_of in (("topics", 12), ("topics", 13), ("stance", 12)):
        data = write_rows(sikap.store / f"{one_of}.jsonl", shipped_rows()[::one_of])
        done = sikap("train", task, "--family", "linear", "--data", data)
        assert done.returncode == 0, done.stderr
    return sikap


@pytest.fixture
def empty_cli(tmp_path: Path) -> Cli:
    """The command line over a store in which nothing was trained yet."""
    return Cli(tmp_path)
