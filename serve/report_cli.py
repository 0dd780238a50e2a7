"""The command that makes a report of labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
