"""Batch-labelling: inputs to one output that appears whole, with what could not be read set aside, in flat memory.

Inputs are read in order and noted in a journal (`serve.journal`); what it does not have is labelled by an engine (`serve.engines`),
batch by batch, and kept there; at the end the output is written from it. To go on after a stop is to run again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from data import reading
from data.article import Fault
from data.files import aside, aside_folder, refuse_inputs, write_rows
from data.reading import Columns
from models.store import StoreError
from serve.engines import Batch, Engine, Here
from serve.journal import Item, Journal
from serve.predictor import Predictor
from serve.writers import Format, write

CHARACTERS = 40_000  # of the items that are labelled together: some three hundred sentences, of which one that stands twice is read once
ITEMS = 512  # that are labelled together at most


class TooManyFaults(ValueError):
    """More could not be read than was said to be bearable."""


@dataclass
class Summary:
    """What a batch did.

    Attributes:
        read: inputs that were found: articles (or sentences, where each row is one), and what could not be read.
        labelled: those of them that were labelled now.
        known: those that were labelled before.
        others: of those, how many by other models than those of now, by what made them.
        set_aside: inputs that could not be read, all in the file `errors`.
        sentences: records in the output.
        done: sentences that were labelled now.
        bytes: of the inputs, read so far.
    """

    errors: Path
    read: int = 0
    labelled: int = 0
    known: int = 0
    others: dict[str, int] = field(default_factory=dict)
    set_aside: int = 0
    sentences: int = 0
    done: int = 0
    bytes: int = 0


def label_files(
    inputs: Sequence[Path | str],
    out: Path,
    predictor: Predictor,
    form: Format = Format.jsonl,
    as_sentences: bool = False,
    everything: bool = False,
    relabel: bool = False,
    columns: Columns = {},  # noqa: B006 - it is only read
    most_errors: int | None = None,
    engine: Engine | None = None,
    progress: Callable[[Summary], None] = lambda _: None,
) -> Summary:
    """Label articles (or, `as_sentences`, rows that are sentences already) into one file, or for Parquet one folder of files.

    It appears when all is written, and only if there is a sentence in it; until then an earlier one of its name stays as it was.
    Beside it come `<out>.errors.jsonl`, where something was set aside, and the hidden `.<out>.journal`, which knows what was labelled.

    Args:
        everything: write every label with its probability, decided `no` included.
        relabel: label anew what was labelled by other models.
        columns: see `data.reading.read`.
        most_errors: faults with which the run still goes on.
        engine: labels where there is more than a batch; this process where none is given.
        progress: called after each batch.

    Raises:
        ValueError: `out` cannot be written to, or is one of the inputs.
        TooManyFaults: there are more than `most_errors`; what was labelled is kept for the next run.
        OSError: the journal cannot be used, or the disk is full; the same.
        StoreError: the models changed while they were labelling.
    """
    folder = form is Format.parquet and (out.is_dir() or not out.suffix)
    refuse_inputs(out, inputs, folder)
    summary = Summary(out.with_name(f"{out.name}.errors.jsonl"))
    with closing(Journal(journal_of(out), predictor.made_by, everything, relabel)) as journal:
        found = _read(inputs, [out, summary.errors], journal, predictor, as_sentences, columns, summary)
        pending: dict[int, tuple[int, bytes]] = {}  # of an item that is on its way, by its identity: number and content
        coming = _batches(_unlabelled(found, journal, pending, summary, most_errors))
        first = list(islice(coming, 2))
        label = engine if engine and len(first) > 1 else Here(predictor, everything)
        for batch, answers in label(chain(first, coming)):
            kept = []
            for item, answer in zip(batch, answers, strict=True):
                number, content = pending.pop(id(item))
                if isinstance(answer, str):
                    _set_aside(journal, number, Fault(source_of(item), answer), summary, most_errors)
                    continue
                if any(record["model"] != predictor.made_by for record in answer):
                    raise StoreError("the models changed while they were labelling; run it again: what was labelled so far is kept")
                kept.append((content, item, answer))
            journal.keep(kept)
            summary.labelled += len(kept)
            summary.done += sum(len(records) for _, _, records in kept)
            progress(summary)
        summary.others = journal.made_by_others()
        if summary.set_aside:
            write_rows(summary.errors, map(vars, journal.faults()))
        else:
            summary.errors.unlink(missing_ok=True)
        place: AbstractContextManager[Path] = aside_folder(out, "part-*.parquet") if folder else aside(out)
        with place as part:
            summary.sentences = write(form, part, journal.records(), predictor, journal.makers(), everything)
    return summary


def journal_of(out: Path) -> Path:
    """Where the journal of an output lies."""
    return out.with_name(f".{out.name}.journal")


def source_of(item: Item) -> str:
    """Where an item came from, in words."""
    return getattr(item, "source", item.id)


def _read(
    inputs: Sequence[Path | str],
    but: Sequence[Path],
    journal: Journal,
    predictor: Predictor,
    as_sentences: bool,
    columns: Columns,
    summary: Summary,
) -> Iterator[Item | Fault]:
    def tell(count: int) -> None:
        summary.bytes += count

    if as_sentences:
        return reading.read_sentences(inputs, predictor.languages, but, columns, tell)
    return reading.read(inputs, but, columns, journal, tell)


def _unlabelled(
    found: Iterable[Item | Fault], journal: Journal, pending: dict[int, tuple[int, bytes]], summary: Summary, most_errors: int | None
) -> Iterator[Item]:
    for number, item in enumerate(found):
        summary.read += 1
        if isinstance(item, Fault):
            _set_aside(journal, number, item, summary, most_errors)
            continue
        content = journal.place(number, item)
        if content is None:
            summary.known += 1
        else:
            pending[id(item)] = (number, content)
            yield item


def _set_aside(journal: Journal, number: int, fault: Fault, summary: Summary, most_errors: int | None) -> None:
    journal.set_aside(number, fault)
    summary.set_aside += 1
    if most_errors is not None and summary.set_aside > most_errors:
        write_rows(summary.errors, map(vars, journal.faults()))
        raise TooManyFaults(f"{summary.set_aside:,} inputs could not be read, more than --max-errors {most_errors:,}: see {summary.errors}")


def _batches(items: Iterable[Item]) -> Iterator[Batch]:
    batch: list[Item] = []
    characters = 0
    for item in items:
        batch.append(item)
        characters += len(item.text)
        if characters >= CHARACTERS or len(batch) == ITEMS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def changes(inputs: Sequence[Path | str], out: Path) -> Iterator[None]:
    """Yields at once, and then whenever something changed in the inputs, until interrupted; what is written is no change.

    It watches before it yields first, and while what it yields to is at work, so that nothing comes unseen.

    Raises:
        ValueError: there is nothing to watch, as of standard input.
    """
    from watchfiles import watch

    watched = {_watchable(Path(given)) for given in inputs}
    if Path("-") in map(Path, inputs) or not watched:
        raise ValueError("--follow: expected files and folders that can be watched, found standard input")
    ours = {path.resolve() for path in (out, out.with_name(f"{out.name}.errors.jsonl"))}

    def theirs(_: object, path: str) -> bool:
        return not Path(path).name.startswith(".") and not any(Path(path).resolve().is_relative_to(own) for own in ours)

    logging.getLogger("watchfiles").setLevel(logging.ERROR)  # to be interrupted is how it ends
    began = False
    for changed in watch(*watched, watch_filter=theirs, rust_timeout=500, yield_on_timeout=True, raise_interrupt=False):
        if changed or not began:
            began = True
            yield


def _watchable(path: Path) -> Path:
    """The path, or of a glob the nearest folder above it that is there."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
