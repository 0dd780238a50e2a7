"""What the commands of all rooms share: where they print to, and how models are named."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

Topics = Annotated[
    str | None, typer.Option("--topics", metavar="MODEL", help="Model folder or registry name (default: sikap-topics@champion)")
]
Stance = Annotated[
    str | None, typer.Option("--stance", metavar="MODEL", help="Model folder or registry name (default: sikap-stance@champion)")
]


def plain(text: object) -> str:
    """Text in which rich finds no markup."""
    return escape(str(text))
