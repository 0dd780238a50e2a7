"""Tuning: an encoder and its heads trained together with the Trainer of `transformers`, on a CPU or a GPU.

Needs torch; nothing that labels imports this module's functions. What comes out is exported by `models.export` and held by
`models.finetuned`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn, track
from safetensors import SafetensorError

from models import pretrained
from models.heads import VectorHeads

WATCHED = ("loss", "learning_rate", "eval_loss", "eval_average_precision")
Watch = Callable[[int, dict[str, float]], None]  # is told the step and the figures of that moment


@dataclass(frozen=True)
class Tuning:
    """How an encoder is tuned. What was tried to choose it stands in benchmarks/TUNING.md.

    Attributes:
        layers: of the encoder, from below, that are kept; 0 keeps all. The upper ones are those that tuning misses least
            (Sajjad et al. 2023, https://arxiv.org/abs/2004.03844), and each takes its share of the time.
        epochs: at most; the best of them is kept, and training ends when `patience` of them brought nothing better.
        rate: learning rate of the uppermost layer; each layer below has `decay` times that of the one above it.
        head_rate: learning rate of the heads.
        rare: power of the weight that a label's sentences have, which is how many times as common the commonest label is.
    """

    layers: int = 10
    epochs: int = 3
    patience: int = 1
    batch: int = 32
    rate: float = 2e-4
    decay: float = 0.9
    head_rate: float = 3e-4
    rare: float = 0.2
    dropout: float = 0.1
    max_tokens: int = 128


DEFAULT = Tuning()


@dataclass(frozen=True)
class Examples:
    """Normalised sentences, their labels (0/1), and log-odds that the heads add to; both of shape (n, n_labels)."""

    texts: Sequence[str]
    targets: np.ndarray
    odds: np.ndarray


def tune(
    name: str, learn: Examples, check: Examples | None, tuning: Tuning, seed: int, checkpoints: Path, watch: Watch | None = None
) -> tuple[Any, Any, VectorHeads]:
    """Tune the named encoder (`models.pretrained.folder`) on `learn`, watched and stopped by `check`.

    The heads start as they are best on the untuned vectors, so that the first steps do not spoil the encoder (Kumar et al.
    2022, https://arxiv.org/abs/2202.10054); its word embeddings stay as they are. A run that was broken off goes on from
    the last whole checkpoint in `checkpoints`.

    Returns:
        The encoder (float32, on the CPU), its tokenizer, and the heads on the mean of its last hidden states.

    Raises:
        OSError: a checkpoint cannot be written; the earlier ones stay.
    """
    import torch
    from transformers import DataCollatorWithPadding, EarlyStoppingCallback, PrinterCallback, TrainingArguments, set_seed

    set_seed(seed)
    encoder, tokenizer = pretrained.load(name)
    _cut(encoder, tuning.layers)
    commonness = np.maximum(learn.targets.mean(axis=0), 1 / len(learn.targets))
    net = _network(encoder, (commonness.max() / commonness) ** tuning.rare, tuning.dropout)
    parts = [_tokenised(part, tokenizer, tuning.max_tokens) for part in (learn, check) if part]
    last = last_whole(checkpoints)
    if not last:
        net.take(VectorHeads().fit(_vectors(net, parts[0], tokenizer), learn.targets, learn.odds))
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=tuning.epochs,
        per_device_train_batch_size=tuning.batch,
        per_device_eval_batch_size=2 * tuning.batch,
        train_sampling_strategy="group_by_length",
        warmup_steps=0.1,  # of all steps; from there down to nothing in a line
        max_grad_norm=1.0,
        use_cpu=not torch.cuda.is_available(),
        bf16=has_bf16(),
        eval_strategy="epoch" if check else "no",
        save_strategy="epoch",
        save_total_limit=1,  # the last, and the best where that is another
        load_best_model_at_end=check is not None,
        metric_for_best_model="average_precision",
        logging_steps=20,
        disable_tqdm=True,
        report_to="none",
        seed=seed,
        dataloader_pin_memory=False,
    )
    trainer = _trainer(tuning)(
        model=net,
        args=arguments,
        train_dataset=parts[0],
        eval_dataset=parts[-1] if check else None,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=_figures,
        callbacks=[_shown(watch)] + ([EarlyStoppingCallback(tuning.patience)] if check else []),
    )
    trainer.remove_callback(PrinterCallback)
    try:
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    except (SafetensorError, RuntimeError) as error:
        if isinstance(error, SafetensorError) or "PytorchStreamWriter" in str(error):
            raise OSError(f"{checkpoints}: no checkpoint can be written; make room and run it again: {error}") from error
        raise
    net = net.float().cpu().eval()
    return net.mean.model, tokenizer, net.given()


def _network(encoder: Any, weights: np.ndarray, dropout: float) -> Any:
    """The module that is trained: an encoder and heads on the mean of its last hidden states; it gives the loss of a batch.

    Args:
        weights: of the sentences that carry a label, shape (n_labels,).
    """
    import torch
    from torch.nn import functional

    from models.export import MeanOfLayers

    class Network(torch.nn.Module):
        weights: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.mean = MeanOfLayers(encoder, (-1,))
            self.scale = encoder.config.hidden_size**0.5  # of vectors of length 1, to components of about 1
            self.dropout = torch.nn.Dropout(dropout)
            self.heads = torch.nn.Linear(encoder.config.hidden_size, len(weights))
            self.register_buffer("weights", torch.from_numpy(weights).float(), persistent=False)
            encoder.get_input_embeddings().weight.requires_grad_(False)

        def forward(self, input_ids: Any, attention_mask: Any, labels: Any, odds: Any) -> dict[str, Any]:
            vectors = self.mean(input_ids, attention_mask) * self.scale
            logits = self.heads(self.dropout(vectors)).float() + odds
            loss = functional.binary_cross_entropy_with_logits(logits, labels, reduction="sum", pos_weight=self.weights)
            return {"loss": loss / len(labels), "logits": logits}

        def take(self, heads: VectorHeads) -> None:
            self.heads.weight.data = torch.from_numpy(heads.coefficients_) / self.scale
            self.heads.bias.data = torch.from_numpy(heads.intercepts_)

        def given(self) -> VectorHeads:
            weight = self.heads.weight.data * self.scale
            return VectorHeads().from_tensors({"coefficients": weight.numpy(), "intercepts": self.heads.bias.data.numpy()})

    return Network()


def _vectors(net: Any, rows: Any, tokenizer: Any) -> np.ndarray:
    """Vectors of the encoder as it is, shape (n, width)."""
    import torch
    from torch.utils.data import DataLoader
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
    import torch

    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported()


def _cut(encoder: Any, layers: int) -> None:
    """Keep the lower layers of an encoder (0: all) that has a list of them, as BERT's kin do."""
    from torch import nn

    if not layers:
        return
    for module in encoder.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.ModuleList) and len(child) == encoder.config.num_hidden_layers:
                setattr(module, name, child[:layers])
                encoder.config.num_hidden_layers = min(layers, len(child))
                return


def _tokenised(examples: Examples, tokenizer: Any, most: int) -> Any:
    from datasets import Dataset

    columns = {"labels": examples.targets, "odds": examples.odds}
    rows = Dataset.from_dict({"text": list(examples.texts)} | {name: column.astype(np.float32) for name, column in columns.items()})

    def encode(batch: dict[str, Any]) -> dict[str, Any]:
        encoded = tokenizer(batch["text"], truncation=True, max_length=most, return_token_type_ids=False)
        return {**encoded, "length": [len(ids) for ids in encoded["input_ids"]]}

    return rows.map(encode, batched=True, remove_columns=["text"], desc="tokenising")


def last_whole(checkpoints: Path) -> Path | None:
    """The newest checkpoint that was written to its end: the Trainer writes its state last."""
    whole = [path.parent for path in checkpoints.glob("checkpoint-*/trainer_state.json")]
    return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _figures(predicted: Any) -> dict[str, float]:
    from sklearn.metrics import average_precision_score

    logits, targets = predicted
    return {"average_precision": float(average_precision_score(targets.ravel(), logits.ravel())) if targets.any() else 0.0}


def _trainer(tuning: Tuning) -> Any:
    """A Trainer whose layers learn the slower, the lower they are (Howard and Ruder 2018, https://arxiv.org/abs/1801.06146)."""
    import torch
    from transformers import Trainer

    class LayerwiseTrainer(Trainer):
        def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
            net: Any = self.model
            layers = next(child for child in net.mean.modules() if isinstance(child, torch.nn.ModuleList))
            height = {id(weight): i for i, layer in enumerate(layers, 1) for weight in layer.parameters()}
            groups: dict[float, list[Any]] = {}
            for name, weight in net.named_parameters():
                below_top = len(layers) - height.get(id(weight), 0)
                rate = tuning.head_rate if name.startswith("heads.") else tuning.rate * tuning.decay**below_top
                if weight.requires_grad:
                    groups.setdefault(rate, []).append(weight)
            self.optimizer = torch.optim.AdamW([{"params": weights, "lr": rate} for rate, weights in groups.items()], weight_decay=0.01)
            return self.optimizer

    return LayerwiseTrainer


def _shown(watch: Watch | None) -> Any:
    """A callback that shows how far the training is and how long it will take, and tells the figures to `watch`."""
    from transformers import TrainerCallback

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())

    class Shown(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.bar = Progress(*columns, console=Console(stderr=True))
            self.steps = self.bar.add_task("tuning", total=state.max_steps)
            self.bar.start()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.bar.update(self.steps, completed=state.global_step)

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
            if watch:
                watch(state.global_step, {name: float(value) for name, value in (logs or {}).items() if name in WATCHED})

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.bar.stop()

    return Shown()
