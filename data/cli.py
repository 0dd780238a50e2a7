"""The commands `sikap data ...`: what a corpus is like, and labels without their text."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from data import codebook as codebooks
from data.codebook import DEFAULT_PATH
from data.console import console, errors, plain
from data.files import refuse_inputs
from data.splits import SEED

LABELS = Path(__file__).with_name("labels")

app = typer.Typer(help="Look at labelled sentences, and share labels without their text.", no_args_is_help=True)

Book = Annotated[Path, typer.Option("--codebook", help="Where the labels come from")]


@app.command("check")
def check_corpus(
    sources: Annotated[
        list[str], typer.Argument(metavar="[ROWS]...", help="Labelled sentences of your own (default: the shipped corpus)")
    ] = [],  # noqa: B006
    codebook: Book = DEFAULT_PATH,
) -> None:
    """Check labelled sentences: labels, duplicates, language, templates; of the shipped corpus, coverage and splits too.

    Exit code 1 where a bound is broken.
    """
    from data import check, corpus

    book = codebooks.load(codebook)
    parts = (
        {"rows": corpus.load(sources, book)} if sources else {name: corpus.load([corpus.FOLDER / name], book) for name in ("train", "test")}
    )
    findings = check.check(parts, book, coverage=not sources)
    table = Table("", "what", "should be", "is")
    for finding in findings:
        table.add_row("[green]ok[/]" if finding.ok else "[red]broken[/]", *map(plain, (finding.name, finding.bound, finding.found)))
    console.print(table)
    broken = [finding for finding in findings if not finding.ok]
    for finding in broken:
        for example in finding.examples[: check.EXAMPLES]:
            console.print(f"  {plain(finding.name)}: {plain(example)}", soft_wrap=True)
        if len(finding.examples) > check.EXAMPLES:
            console.print(f"  {plain(finding.name)}: ... and {len(finding.examples) - check.EXAMPLES} more")
    sentences = sum(len(part) for part in parts.values())
    console.print(f"{sentences:,} sentences, labels of {book.reference}: {len(broken) or 'no'} bound{'s' * (len(broken) != 1)} broken")
    raise typer.Exit(bool(broken))


@app.command("style")
def compare_style(
    reference: Annotated[Path, typer.Argument(metavar="REFERENCE.jsonl", help="Real sentences, one a row, in `text`", exists=True)],
    sources: Annotated[list[str], typer.Argument(metavar="[ROWS]...", help="What to compare with it (default: the shipped corpus)")] = [],  # noqa: B006
    codebook: Book = DEFAULT_PATH,
    seed: Annotated[int, typer.Option(help="Of all that is drawn")] = SEED,
) -> None:
    """Compare how a corpus reads with how real sentences read.

    Exit code 1 where rows of the reference were set aside, 2 where there is too little to compare.
    """
    from data import corpus, style
    from data.article import Fault
    from data.reading import read_sentences

    book = codebooks.load(codebook)
    read = list(read_sentences([reference], book.languages))
    real = [sentence for sentence in read if not isinstance(sentence, Fault)]
    faults = [sentence for sentence in read if isinstance(sentence, Fault)]
    for fault in faults:
        errors.print(f"[yellow]set aside:[/] {plain(str(fault))}", soft_wrap=True)
    compared = 0
    ours = corpus.load(sources, book)
    for language in book.languages:
        theirs = [sentence.text for sentence in real if sentence.lang == language]
        mine = [row["text"] for row in ours if row["lang"] == language]
        if min(len(theirs), len(mine)) < style.ENOUGH:
            console.print(
                f"'{language}': {len(mine)} and {len(theirs)} sentences are too few to compare, {style.ENOUGH} of each are needed"
            )
            continue
        auc, give_mine, give_theirs = style.tell_apart(mine, theirs, seed)
        compared += 1
        table = Table(f"'{language}'", f"corpus ({len(mine):,})", f"{plain(reference.name)} ({len(theirs):,})")
        for column in (1, 2):
            table.columns[column].justify = "right"
        shapes = [style.shape(body, seed) for body in (mine, theirs)]
        for i, quantile in enumerate(style.QUANTILES):
            table.add_row(f"words, {quantile} %", *(f"{shape.words[i]:.0f}" for shape in shapes))
        for name in shapes[0].shares:
            table.add_row(f"share {name}", *(f"{shape.shares[name]:.1%}" for shape in shapes))
        table.add_row(f"distinct words in {style.SAMPLE_WORDS:,}", *(f"{shape.type_token:.1%}" for shape in shapes))
        console.print(table)
        console.print(f"told apart by their words: AUC {auc:.2f} (0.5: not at all, 1: always)")
        console.print(f"[dim]gives the corpus away:[/] {plain(' · '.join(give_mine))}")
        console.print(f"[dim]gives the others away:[/] {plain(' · '.join(give_theirs))}\n")
    raise typer.Exit(2 if not compared else 1 if faults else 0)


@app.command()
def hydrate(
    articles: Annotated[Path, typer.Argument(metavar="FOLDER", help="The articles", exists=True)],
    out: Annotated[Path, typer.Option(help="The labelled sentences to write, as JSONL")],
    labels: Annotated[list[Path], typer.Option(help="Labels without text", exists=True)] = [LABELS],  # noqa: B006
    codebook: Book = DEFAULT_PATH,
) -> None:
    """Give labels that are stored without text their sentences back, for whoever has the articles.

    Exit code 1 where an article or a sentence is not found, 2 where none is.
    """
    from data import hydrate

    refuse_inputs(out, [inside for given in (articles, *labels) for inside in (given, *given.rglob("*"))])
    _write(out, hydrate.hydrate(_label_rows(labels), _articles(articles), codebooks.load(codebook)))


@app.command()
def dehydrate(
    rows: Annotated[Path, typer.Argument(metavar="ROWS.jsonl", help="Labelled sentences; `article` names their file", exists=True)],
    articles: Annotated[Path, typer.Argument(metavar="FOLDER", help="The articles, in plain text", exists=True)],
    out: Annotated[Path, typer.Option(help="The labels to write, as JSONL")],
    codebook: Book = DEFAULT_PATH,
) -> None:
    """Store labels without their text: hashes and offsets, which may be shared where the articles may not.

    Exit code 1 where a sentence is not found, 2 where none is.
    """
    from data import hydrate

    refuse_inputs(out, [articles, *articles.rglob("*"), rows])
    _write(out, hydrate.dehydrate(_label_rows([rows]), _articles(articles), codebooks.load(codebook)))


def _label_rows(paths: Iterable[Path]) -> Iterable[tuple[str, Any]]:
    from data.rows import rows

    for path in paths:
        for file in sorted(path.glob("*.jsonl")) if path.is_dir() else [path]:
            yield from rows(file)


def _articles(folder: Path) -> Iterable[Any]:
    from data.article import Fault
    from data.reading import read

    for found in read([folder]):
        if isinstance(found, Fault):
            errors.print(f"[yellow]set aside:[/] {plain(str(found))}", soft_wrap=True)
        else:
            yield found


def _write(out: Path, found: Iterable[Any]) -> None:
    """Write rows, name what is missing, and end the command."""
    from data.article import Fault
    from data.files import write_rows

    rows: list[dict[str, Any]] = []
    missing = 0
    for item in found:
        if isinstance(item, Fault):
            missing += 1
            errors.print(f"[yellow]set aside:[/] {plain(str(item))}", soft_wrap=True)
        else:
            rows.append(item)
    if rows:
        write_rows(out, rows)
    written = plain(str(out)) if rows else "nothing written"
    console.print(f"{len(rows):,} sentences{f', {missing:,} set aside as said above' if missing else ''}: {written}", soft_wrap=True)
    raise typer.Exit(2 if not rows else 1 if missing else 0)
