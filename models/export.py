"""Export: an encoder of `transformers`, written as an ONNX file with its fast tokenizer; in int8 where that does no harm.

Needs torch; nothing that labels imports this module.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from data import corpus
from models import pretrained
from models.embedding import GRAPH, SETTINGS, TOKENIZER, SentenceEncoder, Settings

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

SAMPLE = 200  # sentences on which a frozen encoder is checked
MOST_TURNED = 0.01  # 1 minus the mean cosine of vectors in int8 and fp32

Harm = Callable[[SentenceEncoder, SentenceEncoder], float]  # of int8, the second, against fp32, the first


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
        means = [(states[layer].float() * mask).sum(1) / mask.sum(1) for layer in self.layers]
        return torch.cat([torch.nn.functional.normalize(mean) for mean in means], dim=1)


def write(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, settings: Settings, folder: Path, harm: Harm, most: float) -> float:
    """Write the files of a `models.embedding.SentenceEncoder` into an existing folder: in int8, unless that does too much harm.

    Args:
        model: float32; left in evaluation mode.
        harm: measures what int8 costs.
        most: harm up to which int8 is taken; beyond it, the folder holds fp32.

    Returns:
        The harm that was measured.
    """
    pretrained.hush()
    with tempfile.TemporaryDirectory() as aside:
        exact, small = Path(aside, "fp32"), Path(aside, "int8")
        for place, precision in ((exact, "fp32"), (small, "int8")):
            place.mkdir()
            tokenizer.backend_tokenizer.save(str(place / TOKENIZER))
            (place / SETTINGS).write_text(json.dumps(asdict(settings) | {"precision": precision}), encoding="utf-8")
        _graph(model, settings, exact / GRAPH)
        spared = [f"/model/encoder/layer.{layer}/output/dense/MatMul" for layer in settings.exact]
        quantize_dynamic(exact / GRAPH, small / GRAPH, weight_type=QuantType.QInt8, per_channel=True, nodes_to_exclude=spared)
        measured = harm(SentenceEncoder(exact), SentenceEncoder(small))
        if measured > most:
            warnings.warn(f"the encoder stays in fp32: int8 would do it harm of {measured:.3f}, expected at most {most}", stacklevel=2)
        shutil.copytree(small if measured <= most else exact, folder, dirs_exist_ok=True)
    return measured


def frozen(name: str, settings: Settings, folder: Path) -> None:
    """Write the named encoder (`models.pretrained.folder`) as it is.

    There are no labels yet to tell what int8 costs, so it is told by how far it turns the vectors of some sentences.
    """
    sample = corpus.sample_texts(SAMPLE)

    def turned(exact: SentenceEncoder, small: SentenceEncoder) -> float:
        parts = [encoder.encode(sample).reshape(len(sample), len(settings.layers), -1) for encoder in (exact, small)]
        return 1 - float((parts[0] * parts[1]).sum(axis=2).mean())

    write(*pretrained.load(name), settings, folder, turned, MOST_TURNED)


def _graph(model: PreTrainedModel, settings: Settings, path: Path) -> None:
    model.set_attn_implementation("eager")  # the exporter knows its every step
    tokens = torch.ones(1, 8, dtype=torch.long)
    axes = {0: "sentences", 1: "tokens"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, about itself
        torch.onnx.export(
            MeanOfLayers(model, settings.layers).eval(),
            (tokens, tokens),
            path,
            input_names=["input_ids", "attention_mask"],
            output_names=["vectors"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "vectors": {0: "sentences"}},
            opset_version=17,
            dynamo=False,
        )
