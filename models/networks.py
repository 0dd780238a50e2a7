"""What is tuned: an encoder with heads on the mean of its last hidden states, and how it is taken apart.

Imports torch; nothing that labels imports this module.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from rich.progress import track
from torch.nn import functional
from torch.utils.data import DataLoader

from models.export import MeanOfLayers
from models.heads import VectorHeads


class Network(torch.nn.Module):
    """An encoder and heads. A subclass's `forward` gives the loss of a batch."""

    def __init__(self, encoder: Any, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.mean = MeanOfLayers(encoder, (-1,))
        self.scale = encoder.config.hidden_size**0.5  # of vectors of length 1, to components of about 1
        self.dropout = torch.nn.Dropout(dropout)
        self.heads = torch.nn.Linear(encoder.config.hidden_size, n_heads)

    def logits(self, input_ids: Any, attention_mask: Any) -> Any:
        """What the heads say of token ids and mask, both of shape (n, tokens): shape (n, n_heads)."""
        return self.heads(self.dropout(self.mean(input_ids, attention_mask) * self.scale)).float()

    def take(self, heads: VectorHeads) -> None:
        """Begin with these heads."""
        self.heads.weight.data = torch.from_numpy(heads.coefficients_) / self.scale
        self.heads.bias.data = torch.from_numpy(heads.intercepts_)

    def given(self) -> VectorHeads:
        """The heads, for vectors of length 1."""
        weight = self.heads.weight.data * self.scale
        return VectorHeads().from_tensors({"coefficients": weight.numpy(), "intercepts": self.heads.bias.data.numpy()})


class LabelNetwork(Network):
    """Heads, one a label, that add to log-odds which something else gave.

    Args:
        weights: of the sentences that carry a label, shape (n_labels,).
    """

    weights: torch.Tensor

    def __init__(self, encoder: Any, weights: np.ndarray, dropout: float) -> None:
        super().__init__(encoder, len(weights), dropout)
        self.register_buffer("weights", torch.from_numpy(weights).float(), persistent=False)

    def forward(self, input_ids: Any, attention_mask: Any, labels: Any, odds: Any) -> dict[str, Any]:
        """Loss and logits; `labels` (0/1) and `odds` have the shape (n, n_labels)."""
        logits = self.logits(input_ids, attention_mask) + odds
        loss = functional.binary_cross_entropy_with_logits(logits, labels, reduction="sum", pos_weight=self.weights)
        return {"loss": loss / len(labels), "logits": logits}


class PairNetwork(Network):
    """Three heads, one of which is right: support, oppose, none."""

    def forward(self, input_ids: Any, attention_mask: Any, labels: Any) -> dict[str, Any]:
        """Loss and logits; `labels` are numbers of heads, shape (n,)."""
        logits = self.logits(input_ids, attention_mask)
        return {"loss": functional.cross_entropy(logits, labels), "logits": logits}


def vectors(net: Network, rows: Any, tokenizer: Any) -> np.ndarray:
    """Vectors of the encoder as it is, shape (n, width), for tokenised rows."""
    from transformers import DataCollatorWithPadding

    device = "cuda" if torch.cuda.is_available() else "cpu"
    net.to(device).eval()
    order = np.argsort(rows["length"], kind="stable")
    inputs = rows.select(order).select_columns(["input_ids", "attention_mask"])
    found = np.zeros((len(rows), net.heads.in_features), dtype=np.float32)
    done = 0
    with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=has_bf16()):
        for batch in track(DataLoader(inputs, 64, collate_fn=DataCollatorWithPadding(tokenizer)), "reading sentences"):
            vectors = net.mean(**batch.to(device)).float().cpu().numpy()
            found[order[done : done + len(vectors)]] = vectors
            done += len(vectors)
    net.cpu().train()
    return found


def has_bf16() -> bool:
    """Whether the machine computes in bf16 faster than in fp32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported()


def cut(encoder: Any, layers: int) -> None:
    """Keep the lower layers of an encoder (0: all) that has a list of them, as BERT's kin do."""
    found = _layers(encoder)
    if layers and found:
        module, name, all_layers = found
        setattr(module, name, all_layers[:layers])
        encoder.config.num_hidden_layers = min(layers, len(all_layers))


def freeze(encoder: Any, layers: int) -> None:
    """Let the word embeddings stay as they are, and as many of the lower layers, with all that stands below them."""
    encoder.get_input_embeddings().weight.requires_grad_(False)
    found = _layers(encoder)
    if layers and found:
        for frozen in (encoder.embeddings, *found[2][:layers]):
            frozen.requires_grad_(False)


def _layers(encoder: Any) -> tuple[Any, str, Any] | None:
    """The list of an encoder's layers, the module that holds it, and its name there."""
    for module in encoder.modules():
        for name, child in module.named_children():
            if isinstance(child, torch.nn.ModuleList) and len(child) == encoder.config.num_hidden_layers:
                return module, name, child
    return None
