"""The commands that label articles and show labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from data.console import Stance, Topics, console, errors, plain
from serve.batch import Format

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def label(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help=".txt, .html, .jsonl, or folders of them")],
    out: Annotated[Path, typer.Option(help="The file to write")],
    format: Annotated[Format | None, typer.Option(help="(default: by the suffix of --out, else jsonl)")] = None,
    sentences: Annotated[bool, typer.Option("--sentences", help="Each JSONL row is one sentence already")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Write every label with its probability")] = False,
    topics: Topics = None,
    stance: Stance = None,
    codebook: Annotated[
        Path | None,
        typer.Option(help="Claims in it that the stance model does not know are read by the reader (default: data/codebook.yaml)"),
    ] = None,
    reader: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Model of family pair for new claims (default: sikap-stance@reader)")
    ] = None,
) -> None:
    """Label articles: one record a sentence.

    Claims that were added to the codebook since the stance model was trained are read in their own words by a model of the
    family pair, on the sentences that may concern them.
    """
    from serve.batch import label_files
    from serve.predictor import Predictor

    suffix = out.suffix.lstrip(".").lower()
    form = format or (Format(suffix) if suffix in list(Format) else Format.jsonl)
    with errors.status("loading the models") as status:
        predictor = Predictor.named(topics, stance, codebook, reader)
        summary = label_files(
            inputs, out, predictor, form, sentences, everything, lambda done: status.update(f"{done.sentences:,} sentences labelled")
        )
    for fault in summary.faults:
        errors.print(f"[yellow]set aside:[/] {plain(fault)}", soft_wrap=True)
    if predictor.reader:
        read_claims = ", ".join(claim.id for claim in predictor.reader.codebook.claims)
        console.print(f"new claims, read by {predictor.reader.reference}: {plain(read_claims)}", soft_wrap=True)
    if predictor.unread:
        errors.print(
            f"[yellow]not labelled:[/] new claims that no model reads yet: {plain(', '.join(predictor.unread))}; "
            "train one with `sikap train stance --family pair`",
            soft_wrap=True,
        )
    read = f"{summary.sentences:,} sentences" + ("" if sentences else f" of {summary.articles:,} articles")
    written = plain(out) if summary.sentences else "nothing written"
    console.print(f"labelled {read}, set aside {len(summary.faults):,}: {written}", soft_wrap=True)
    raise typer.Exit(2 if not summary.sentences else 1 if summary.faults else 0)


def show(file: Annotated[Path, typer.Argument(metavar="LABELS.jsonl", help="What `sikap label` wrote", exists=True)]) -> None:
    """Show labelled sentences as a table."""
    from data.article import Fault, rows

    table = Table("sentence", "topics", "stance", show_lines=True, title=plain(file))
    table.columns[0].ratio, table.columns[1].ratio, table.columns[2].ratio = 5, 2, 2
    article = None
    for source, record in rows(file):
        if isinstance(record, Fault):
            raise ValueError(str(record))
        try:
            if record["article"] != article:
                article = record["article"]
                table.add_row(f"[bold]{plain(article)}[/]", "", "")
            topics = _cell(record["topics"], lambda entry: entry["id"])
            table.add_row(plain(record["text"]), topics, _cell(record["stances"], lambda entry: entry["tag"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{source}: expected a record that `sikap label` wrote as JSONL") from error
    console.print(table)


def _cell(entries: list[dict[str, Any]], name: Callable[[dict[str, Any]], str]) -> str:
    """Labels with probabilities, the sure ones first; those for review are dim and have a question mark."""
    shown = sorted((e for e in entries if e["decision"] != "no"), key=lambda e: (e["decision"] == "review", -e["probability"]))
    return "\n".join(
        f"{plain(name(e))} {e['probability']:.2f}" if e["decision"] == "yes" else f"[dim]{plain(name(e))}? {e['probability']:.2f}[/]"
        for e in shown
    )


def serve(
    host: Annotated[str, typer.Option(help="Where to listen; anything but loopback needs API keys")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one")] = 8000,
    topics: Topics = None,
    stance: Stance = None,
    keys: Annotated[
        Path | None, typer.Option(help="A file with the SHA-256 of an API key a line (default: $SIKAP_KEYS, separated by commas)")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Log no requests")] = False,
) -> None:
    """Serve predictions and the page on which to look at them; new champions are taken up as they come."""
    import os

    import uvicorn

    from serve.app import create
    from serve.guard import read_keys, write_log
    from serve.live import Live

    known = read_keys(keys.read_text(encoding="utf-8") if keys else os.environ.get("SIKAP_KEYS", ""))
    if keys and not known:
        raise ValueError(f"{keys}: expected the SHA-256 of an API key a line, found none")
    if not known and host not in LOOPBACK:
        raise ValueError(f"--host {host}: expected API keys (--keys FILE) to listen beyond this machine, found none")
    live = Live(topics, stance, tell=lambda word, well: write_log("model", "info" if well else "error", message=word))
    app = create(live, known, log=not quiet)
    settings = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=60)
    server = uvicorn.Server(settings)
    socket = settings.bind_socket()
    address = "http://{}:{}".format(*socket.getsockname()[:2])
    errors.print(f"Sikap listens at {address}, with {', '.join(map(str, live.predictor.made_by.values()))}", soft_wrap=True)
    server.run(sockets=[socket])
