"""The front door: the command `sikap`. Every command reads its arguments, calls one room and prints what came of it.

Exit codes: 0 all is well; 1 something was set aside or refused, the rest is done; 2 nothing could be done.
"""

from __future__ import annotations

import sys

import typer

from data import cli as data_commands
from data.console import errors, plain
from serve.cli import label, serve, show
from serve.report_cli import diff, report
from training.cli import compare, evaluate, explain, promote, rollback, runs, train, tune

app = typer.Typer(
    help="Sikap tags the sentences of security news with topics and stances.", no_args_is_help=True, pretty_exceptions_enable=False
)
for command in (label, show, diff, report, serve, explain, train, tune, evaluate, runs, compare, promote, rollback):
    app.command()(command)
app.add_typer(data_commands.app, name="data")


def main() -> None:
    """Run the command line; an error that a user can mend is told in words, not in a traceback."""
    try:
        app()
    except (ValueError, OSError) as error:  # the rooms' own errors say what was expected, found and to be done
        errors.print(f"[bold red]error:[/] {plain(error)}", soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
