"""Export: an encoder that `transformers` loads, written as an int8 ONNX file with its fast tokenizer.

Needs torch; nothing that labels imports this module.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from models import pretrained
from models.embedding import Settings


class MeanOfLayers(torch.nn.Module):
    """Hidden states of some layers, averaged over the tokens, each scaled to length 1, side by side."""

    def __init__(self, model: torch.nn.Module, layers: tuple[int, ...]) -> None:
        super().__init__()
        self.model = model
        self.layers = layers

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Vectors, shape (n, layers * width), of token ids and mask, both of shape (n, tokens)."""
        states = self.model(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True).hidden_states
        mask = attention_mask[..., None].float()
        means = [(states[layer] * mask).sum(1) / mask.sum(1) for layer in self.layers]
        return torch.cat([torch.nn.functional.normalize(mean) for mean in means], dim=1)


def write(name: str | None, settings: Settings, folder: Path) -> None:
    """Write `encoder.onnx` and `tokenizer.json` of the named encoder (None: the shipped one) into a folder.

    Raises:
        ValueError: `transformers` cannot load it, or it has no fast tokenizer.
    """
    _hush()
    with tempfile.TemporaryDirectory() as aside, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, about itself
        if name is None:
            pretrained.write(Path(aside))
        model, tokenizer = _load(name or aside)
        tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
        tokens = torch.ones(1, 8, dtype=torch.long)
        exact = Path(aside) / "exact.onnx"
        axes = {0: "sentences", 1: "tokens"}
        torch.onnx.export(
            MeanOfLayers(model, settings.layers),
            (tokens, tokens),
            exact,
            input_names=["input_ids", "attention_mask"],
            output_names=["vectors"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "vectors": {0: "sentences"}},
            opset_version=17,
            dynamo=False,
        )
        spared = [f"/model/encoder/layer.{layer}/output/dense/MatMul" for layer in settings.exact]
        quantize_dynamic(exact, folder / "encoder.onnx", weight_type=QuantType.QInt8, per_channel=True, nodes_to_exclude=spared)


def _hush() -> None:
    """No news of transformers and the quantiser about themselves: bars, unused layers, advice for other models."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    logging.getLogger().addFilter(lambda record: "pre-processing before quantization" not in record.getMessage())


def _load(source: str) -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer

    try:
        model = AutoModel.from_pretrained(source, dtype=torch.float32, attn_implementation="eager").eval()
        tokenizer = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"encoder {source!r}: expected a folder or hub name that transformers loads: {error}") from error
    if not tokenizer.is_fast:
        raise ValueError(f"encoder {source!r}: expected one with a fast tokenizer (tokenizer.json), found {type(tokenizer).__name__}")
    return model, tokenizer
