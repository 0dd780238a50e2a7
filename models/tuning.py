"""Tuning: an encoder and its heads trained together with the Trainer of `transformers`, on a CPU or a GPU.

What is trained is a network of `models.networks`; `models.multilabel` and `models.crossencoder` know what it learns from. Needs
torch, but only to tune: what labels may import this module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors import SafetensorError

from models import pretrained

if TYPE_CHECKING:
    from models.networks import Network

WATCHED = ("loss", "learning_rate", "eval_loss", "eval_average_precision")
Watch = Callable[[int, dict[str, float]], None]  # is told the step and the figures of that moment
Figures = Callable[[Any], dict[str, float]]  # from the logits and labels of the sentences that watch


@dataclass(frozen=True)
class Tuning:
    """How an encoder is tuned. What was tried to choose it stands in benchmarks/TUNING.md.

    Attributes:
        layers: of the encoder, from below, that are kept; 0 keeps all. The upper ones are those that tuning misses least
            (Sajjad et al. 2023, https://arxiv.org/abs/2004.03844), and each takes its share of the time.
        frozen: layers, from below, that stay as they are, and with them the word embeddings; nothing is then computed backwards
            through them.
        epochs: at most; where sentences watch, the best of them is kept, and training ends when `patience` of them brought nothing better.
        rate: learning rate of the uppermost layer; each layer below has `decay` times that of the one above it.
        head_rate: learning rate of the heads.
        rare: power of the weight that a label's sentences have, which is how many times as common the commonest label is.
        dropout: before the heads.
        inner_dropout: within the encoder; drawing it takes a third of the time on a CPU.
    """

    layers: int = 10
    frozen: int = 0
    epochs: int = 3
    patience: int = 1
    batch: int = 32
    rate: float = 2e-4
    decay: float = 0.9
    head_rate: float = 3e-4
    rare: float = 0.2
    dropout: float = 0.1
    inner_dropout: float = 0.1
    max_tokens: int = 128


DEFAULT = Tuning()


def prepared(name: str, tuning: Tuning, seed: int) -> tuple[Any, Any]:
    """The named encoder (`models.pretrained.folder`), cut and partly frozen as the settings say, and its tokenizer."""
    import torch
    from transformers import set_seed

    from models.networks import cut, freeze

    set_seed(seed)
    encoder, tokenizer = pretrained.load(name)
    cut(encoder, tuning.layers)
    freeze(encoder, tuning.frozen)
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = tuning.inner_dropout
    return encoder, tokenizer


def run(
    net: Network,
    tokenizer: Any,
    learn: Any,
    check: Any,
    figures: Figures | None,
    tuning: Tuning,
    seed: int,
    checkpoints: Path,
    watch: Watch | None,
    in_order: bool = False,
) -> None:
    """Train the network in place; a run that was broken off goes on from the last whole checkpoint in `checkpoints`.

    Args:
        learn: tokenised rows with what the network's `forward` takes, and `length`.
        check: the same, of sentences that watch and stop it, or None; `figures` then gives their `average_precision`.
        in_order: the rows go in as they stand, once, whatever `epochs` says: who draws anew for each epoch draws before.

    Raises:
        OSError: a checkpoint cannot be written; the earlier ones stay.
    """
    import torch
    from transformers import DataCollatorWithPadding, EarlyStoppingCallback, PrinterCallback, TrainingArguments

    from models.networks import has_bf16

    last = last_whole(checkpoints)
    steps = len(learn) // tuning.batch
    saving = {"save_strategy": "steps", "save_steps": max(steps // 10, 1)} if in_order else {"save_strategy": "epoch"}
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=1 if in_order else tuning.epochs,
        per_device_train_batch_size=tuning.batch,
        per_device_eval_batch_size=2 * tuning.batch,
        train_sampling_strategy="sequential" if in_order else "group_by_length",
        warmup_steps=0.1,  # of all steps; from there down to nothing in a line
        max_grad_norm=1.0,
        use_cpu=not torch.cuda.is_available(),
        bf16=has_bf16(),
        eval_strategy="epoch" if check is not None else "no",
        **saving,
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
        train_dataset=learn,
        eval_dataset=check,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=figures,
        callbacks=[_shown(watch)] + ([EarlyStoppingCallback(tuning.patience)] if check is not None else []),
    )
    trainer.remove_callback(PrinterCallback)
    try:
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    except (SafetensorError, RuntimeError) as error:
        if isinstance(error, SafetensorError) or "PytorchStreamWriter" in str(error):
            raise OSError(f"{checkpoints}: no checkpoint can be written; make room and run it again: {error}") from error
        raise
    net.float().cpu().eval()


def last_whole(checkpoints: Path) -> Path | None:
    """The newest checkpoint that was written to its end: the Trainer writes its state last."""
    whole = [path.parent for path in checkpoints.glob("checkpoint-*/trainer_state.json")]
    return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


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
