"""What the commands of all rooms print to."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def plain(text: object) -> str:
    """Text in which rich finds no markup."""
    return escape(str(text))
