"""Pretrained encoders as `transformers` has them, their vocabulary cut, ready to be exported or tuned.

Needs torch; nothing that labels imports this module's functions.
"""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import Any

from models.cache import cached

SHIPPED = "multilingual-e5-small"


def folder(name: str = SHIPPED) -> Path:
    """A `transformers` folder with the named encoder: the shipped one, a folder, or a name on a hub that can be reached.

    It is made once and kept.

    Raises:
        ValueError: `transformers` cannot load it, or it has no fast tokenizer.
    """
    return cached("pretrained", name, lambda aside: write(name, aside))


def write(name: str, folder: Path) -> None:
    """Write the encoder with its cut vocabulary into `folder`, weights in fp16."""
    from models import packed, vocabulary

    hush()
    model, tokenizer = vocabulary.trim(*(packed.read() if name == SHIPPED else _loaded(name)))
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def load(name: str = SHIPPED) -> tuple[Any, Any]:
    """The encoder (float32) and its fast tokenizer. Raises what `folder` raises."""
    return _loaded(str(folder(name)))


def _loaded(source: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModel, AutoTokenizer

    hush()
    if Path(source).is_dir() and not Path(source, "tokenizer.json").is_file():  # transformers would make an empty one up
        raise ValueError(f"encoder {source!r}: expected a folder with a fast tokenizer (tokenizer.json), found none")
    try:
        model = AutoModel.from_pretrained(source, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"encoder {source!r}: expected a folder or hub name that transformers loads: {error}") from error
    if not tokenizer.is_fast:
        raise ValueError(f"encoder {source!r}: expected one with a fast tokenizer (tokenizer.json), found {type(tokenizer).__name__}")
    return model, tokenizer


@cache
def hush() -> None:
    """No news of transformers and the quantiser about themselves: bars, unused layers, advice for other models."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    logging.getLogger().addFilter(lambda record: "pre-processing before quantization" not in record.getMessage())
