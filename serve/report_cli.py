"""The commands that look at labels: a report of them, and what changed between two labellings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from data.console import console, errors, plain


def report(
    labels: Annotated[
        list[str], typer.Argument(metavar="LABELS...", help="What `sikap label` wrote: .jsonl, .csv, .parquet, folders of them, patterns")
    ],
    out: Annotated[Path, typer.Option(help="The HTML page to write")],
    topics: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Folder or name of the topics model that labelled, if it is not in the registry")
    ] = None,
    stance: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Folder or name of the stance model that labelled, if it is not in the registry")
    ] = None,
    codebook: Annotated[
        Path | None, typer.Option(help="Names of topics and claims (default: the models' codebooks, and data/codebook.yaml)")
    ] = None,
) -> None:
    """Report on labels: one HTML page with counts by topic, claim, outlet, organisation and time.

    Counts are corrected for how often the models were wrong when they were measured, with 95 % intervals.
    """
    from data import codebook as codebooks
    from data.files import aside
    from serve.report.figures import Names, figures
    from serve.report.makers import Makers
    from serve.report.page import Report, page
    from serve.report.query import count
    from serve.report.read import Labels

    if out.is_dir() or out.suffix.lower() in {".jsonl", ".csv", ".parquet"}:
        raise ValueError(f"{out}: expected an HTML file to write, found {'a folder' if out.is_dir() else 'the name of a file of labels'}")
    own = [codebooks.load(codebook)] if codebook else []
    with errors.status("reading labels") as status:
        read = Labels(labels)
        status.update("counting")
        makers = Makers(read.makers.values(), [name for name in (topics, stance) if name])
        names = Names([*own, *(known.codebook for known in makers.known.values()), codebooks.load()])
        unknown_tags = read.name_stances(names.labels)
        counts = count(read)
        status.update("writing")
        made = Report(counts, figures(counts, makers, names), makers, read.files, read.faults, read.repeated, unknown_tags)
        with aside(out) as part:
            part.write_text(page(made), encoding="utf-8", errors="replace")
    for fault in read.faults:
        errors.print(f"[yellow]set aside:[/] {plain(fault)}", soft_wrap=True)
    if makers.unknown:
        errors.print(
            f"[yellow]not corrected:[/] not to be had here: {plain(', '.join(makers.unknown))}; name their folders with --topics, --stance",
            soft_wrap=True,
        )
    console.print(f"{counts.sentences:,} sentences of {counts.articles:,} articles: {plain(out)}", soft_wrap=True)
    raise typer.Exit(1 if read.faults else 0)


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="What `sikap label` wrote")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="What it wrote of the same articles later, or with other models")],
    out: Annotated[Path | None, typer.Option(help="JSONL with each change of a sentence, those to and from review included")] = None,
) -> None:
    """Say which tags came and which went between two labellings of the same articles.

    Exit code 1 where something changed.
    """
    from data import codebook as codebooks
    from data.files import refuse_inputs, write_rows
    from serve.diff import diff as compare
    from serve.report.figures import Names

    if out:
        refuse_inputs(out, [old, new])
    found = compare(old, new, Names([codebooks.load()]).labels)
    table = Table("", "before", "now", "came", "went")
    for change in found.labels:
        if change.came or change.went:
            table.add_row(plain(change.label), *(f"{number:,}" for number in (change.before, change.now, change.came, change.went)))
    if table.row_count:
        console.print(table)
    alone = f"; {found.only_old:,} only in {old}, {found.only_new:,} only in {new}" if found.only_old or found.only_new else ""
    surely = sum(change.came + change.went for change in found.labels)
    console.print(
        f"{found.shared:,} sentences in both: {surely:,} tags came or went, "
        f"{len(found.sentences) - surely:,} more changed between no and review{plain(alone)}",
        soft_wrap=True,
    )
    if out:
        write_rows(out, found.sentences)
    raise typer.Exit(1 if found.sentences else 0)
