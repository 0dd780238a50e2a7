"""The sentence encoder: texts to vectors, through any encoder that `transformers` can load.

`torch` and `transformers` are imported when a text is first encoded, not before. The weights of the default come from
`models.pretrained`; what is learned on top of the vectors lives in `models.encoder`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

SHIPPED = "multilingual-e5-small"
BATCH = 32
SETTINGS = "sikap.json"


def cache_folder() -> Path:
    """Where encoders and vectors that can be made again are kept: $SIKAP_CACHE, or .cache/sikap in the home folder."""
    return Path(os.environ.get("SIKAP_CACHE") or Path.home() / ".cache" / "sikap")


@dataclass(frozen=True)
class Settings:
    """How a text goes in and a vector comes out.

    prefix: put before each text; E5 was trained with "query: " (Wang et al. 2024).
    layers: hidden states that are averaged over the tokens and set side by side. The middle of an encoder knows things
        that its last layer has given up for its own training task (Tenney et al. 2019, https://arxiv.org/abs/1905.05950).
    max_tokens: what is longer is cut; sentences of news have 35 tokens on average.
    """

    prefix: str = ""
    layers: tuple[int, ...] = (-1,)
    max_tokens: int = 256


SHIPPED_SETTINGS = Settings(prefix="query: ", layers=(8, 12))


class SentenceEncoder:
    """A frozen encoder in a `transformers` folder with its `Settings` beside it.

    >>> encoder = SentenceEncoder.named()                              # doctest: +SKIP
    >>> encoder.encode(["Pasukan ditarik dari perbatasan."]).shape    # doctest: +SKIP
    (1, 768)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def named(cls, name: str = SHIPPED) -> SentenceEncoder:
        """The encoder of that name: the shipped one, a folder, or a name on a hub that `transformers` can reach.

        Raises:
            ValueError: `transformers` cannot load it.
        """
        if (Path(name) / SETTINGS).is_file():
            return cls(Path(name))
        folder = cache_folder() / "encoders" / name.strip("/").replace("/", "--")
        if not (folder / SETTINGS).is_file():
            _prepare(name, folder)
        return cls(folder)

    @cached_property
    def settings(self) -> Settings:
        """How this encoder is used, from the file beside its weights."""
        read = json.loads((self.folder / SETTINGS).read_text(encoding="utf-8"))
        return Settings(prefix=read["prefix"], layers=tuple(read["layers"]), max_tokens=read["max_tokens"])

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over all files of the folder: the same digest, the same vectors."""
        total = hashlib.sha256()
        for path in sorted(self.folder.iterdir()):
            with path.open("rb") as file:
                total.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        return total.hexdigest()

    @cached_property
    def _loaded(self) -> tuple[Any, Any, Any]:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        logging.set_verbosity_error()  # an unused pooling layer is no news
        # bf16 doubles the speed where the processor has it and moves no vector by more than a cosine of 0.0001.
        dtype = torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32
        model = AutoModel.from_pretrained(self.folder, dtype=dtype, local_files_only=True).eval()
        return torch, AutoTokenizer.from_pretrained(self.folder, local_files_only=True), model

    def encode(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> np.ndarray:
        """Vectors of normalised texts, float32 of shape (n, width); each layer's part has length 1.

        Args:
            progress: called with the number of texts that are done since the last call.
        """
        torch, tokenizer, model = self._loaded
        width = model.config.hidden_size
        vectors = np.zeros((len(texts), len(self.settings.layers) * width), dtype=np.float32)
        # Texts of like length share a batch, so that little is spent on padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        with torch.inference_mode():
            for start in range(0, len(order), BATCH):
                rows = order[start : start + BATCH]
                batch = tokenizer(
                    [self.settings.prefix + texts[i] for i in rows],
                    padding=True,
                    truncation=True,
                    max_length=self.settings.max_tokens,
                    return_tensors="pt",
                    return_token_type_ids=False,
                )
                states = model(**batch, output_hidden_states=True).hidden_states
                mask = batch["attention_mask"][..., None]
                means = [(states[layer].float() * mask).sum(1) / mask.sum(1) for layer in self.settings.layers]
                units = [torch.nn.functional.normalize(mean) for mean in means]
                vectors[rows] = torch.cat(units, dim=1).numpy()
                if progress:
                    progress(len(rows))
        return vectors

    def copy_to(self, folder: Path) -> None:
        """Copy the encoder into a model folder."""
        shutil.copytree(self.folder, folder)


def _prepare(name: str, folder: Path) -> None:
    """Write the named encoder into `folder` (whole or not at all), weights as fp16."""
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        if name == SHIPPED:
            from models import pretrained

            pretrained.write(aside)
            settings = SHIPPED_SETTINGS
        else:
            try:
                model, tokenizer = AutoModel.from_pretrained(name), AutoTokenizer.from_pretrained(name)
            except (OSError, ValueError, KeyError) as error:
                raise ValueError(
                    f"encoder {name!r}: expected {SHIPPED!r}, or a folder or hub name that transformers loads: {error}"
                ) from error
            model.half().save_pretrained(aside)
            tokenizer.save_pretrained(aside)
            settings = Settings()
        (aside / SETTINGS).write_text(json.dumps(asdict(settings)), encoding="utf-8")
        if not folder.exists():  # another process may have been faster
            aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
