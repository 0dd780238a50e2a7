"""The sentence encoder: texts to vectors, on ONNX Runtime in int8.

Any encoder that `transformers` can load is exported once and kept; from then on neither torch nor transformers is needed.
The weights of the default come from `models.pretrained`; what is learned on top of the vectors lives in `models.encoder`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from models.cache import cached
from models.pretrained import SHIPPED

THREADS = len(os.sched_getaffinity(0))  # that read sentences side by side; a process of several on one machine sets it to its share
GRAPH, TOKENIZER, SETTINGS = "encoder.onnx", "tokenizer.json", "sikap.json"  # the files of an encoder's folder


@dataclass(frozen=True)
class Settings:
    """How a text goes in and a vector comes out.

    prefix: put before each text; E5 was trained with "query: " (Wang et al. 2024).
    layers: hidden states that are averaged over the tokens and set side by side. The middle of an encoder knows things
        that its last layer has given up for its own training task (Tenney et al. 2019, https://arxiv.org/abs/1905.05950).
    max_tokens: what is longer is cut; sentences of news have 35 tokens on average.
    exact: feed-forward outputs of these layers (from 0) stay fp32: int8 loses what one huge activation there drowns out.
    """

    prefix: str = ""
    layers: tuple[int, ...] = (-1,)
    max_tokens: int = 256
    exact: tuple[int, ...] = ()


# The feed-forward output in which int8 does the shipped encoder most harm: sparing it raises the mean cosine of layer 8 to fp32
# from 0.995 to 0.998, and tuned, the encoder loses 0.002 of macro F1 in place of 0.007. It costs 2 MB.
LOUD = (4,)
SHIPPED_SETTINGS = Settings(prefix="query: ", layers=(8, 12), exact=LOUD)


class SentenceEncoder:
    """An encoder in a folder: `encoder.onnx`, `tokenizer.json` and its `Settings`.

    >>> encoder = SentenceEncoder.named()
    >>> encoder.encode(["Pasukan ditarik dari perbatasan."]).shape
    (1, 768)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loading: Future[tuple[Any, Any, str]] | None = None

    @classmethod
    def named(cls, name: str = SHIPPED) -> SentenceEncoder:
        """The frozen encoder of that name, exported once and kept (`models.pretrained.folder` tells which names there are).

        Raises:
            ValueError: `transformers` cannot load it, or it has no fast tokenizer.
        """
        return cls(cached("encoders", name, lambda folder: _export(name, folder)))

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over all files of the folder: the same digest, the same vectors."""
        total = hashlib.sha256()
        for path in sorted(self.folder.iterdir()):
            with path.open("rb") as file:
                total.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        return total.hexdigest()

    def start(self) -> Future[tuple[Any, Any, str]]:
        """Begin to load, in a thread and outside of Python's lock, so that something else can be read meanwhile."""
        if self._loading is None:
            thread = ThreadPoolExecutor(1)
            self._loading = thread.submit(self._load)
            thread.shutdown(wait=False)
        return self._loading

    def _load(self) -> tuple[Any, Any, str]:
        import onnxruntime
        from tokenizers import Tokenizer

        settings = json.loads((self.folder / SETTINGS).read_text(encoding="utf-8"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # a thread each to several sentences is faster than several threads to one
        options.log_severity_level = 3
        # Before the tokenizer: reading the session needs more memory than holding it, which the tokenizer then takes.
        session = onnxruntime.InferenceSession(self.folder / GRAPH, options, providers=["CPUExecutionProvider"])
        tokenizer = Tokenizer.from_file(str(self.folder / TOKENIZER))
        tokenizer.enable_truncation(settings["max_tokens"])
        tokenizer.no_padding()
        return session, tokenizer, settings["prefix"]

    def encode(self, texts: Sequence[str] | Sequence[tuple[str, str]]) -> np.ndarray:
        """Vectors of normalised texts, or of pairs that are read together, float32 of shape (n, width); each layer's part has length 1.

        Sentences go in one by one, on all cores: nothing is spent on padding, and a vector does not depend on which
        sentences came with it (int8 scales its activations by what is in the batch).
        """
        session, tokenizer, prefix = self.start().result()

        def vector(text: str | tuple[str, str]) -> np.ndarray:
            encoded = tokenizer.encode(prefix + text) if isinstance(text, str) else tokenizer.encode(*text)
            ids = np.array([encoded.ids], dtype=np.int64)
            return session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]

        if not len(texts):
            return np.zeros((0, session.get_outputs()[0].shape[1]), dtype=np.float32)
        distinct = list(dict.fromkeys(texts))  # agency copy runs in many outlets: what stands twice is read once
        with ThreadPoolExecutor(THREADS) as threads:
            found = dict(zip(distinct, threads.map(vector, distinct), strict=True))
        return np.stack([found[text] for text in texts])

    def copy_to(self, folder: Path) -> None:
        """Copy the encoder into a model folder."""
        shutil.copytree(self.folder, folder)


def _export(name: str, folder: Path) -> None:
    from models import export  # imports torch

    export.frozen(name, SHIPPED_SETTINGS if name == SHIPPED else Settings(), folder)
