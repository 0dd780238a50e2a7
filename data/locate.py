"""Finding pieces of text again in the source that they came from, white space and (in HTML) markup aside."""

from __future__ import annotations

from collections.abc import Iterable

from data.text import Span


def squeeze(text: str) -> str:
    """The text without any space, as it is compared."""
    return "".join(text.split())


def characters(text: str) -> list[tuple[str, Span]]:
    """The characters of plain text that are no space, with their spans."""
    return [(character, (i, i + 1)) for i, character in enumerate(text) if not character.isspace()]


class Locator:
    """Finds pieces of a text in its source, from the beginning to the end.

    Args:
        visible: the source's characters without spaces, each with its span in the source.
        begin: the number of the character from which the first piece is looked for.

    >>> text = "Rapat  di Dushanbe\\nditunda. Rapat batal."
    >>> start, end = Locator(characters(text)).find("Rapat di Dushanbe ditunda.")
    >>> text[start:end]
    'Rapat  di Dushanbe\\nditunda.'
    """

    def __init__(self, visible: Iterable[tuple[str, Span]], begin: int = 0) -> None:
        visible = list(visible)
        self._text = "".join(character for character, _ in visible)
        self._spans = [span for _, span in visible]
        self._from = begin

    def find(self, piece: str) -> Span | None:
        """Span in the source of the next place where `piece` stands, else of the first; None if it stands nowhere."""
        wanted = squeeze(piece)
        at = self._text.find(wanted, self._from)
        if at < 0:
            at = self._text.find(wanted)
        if at < 0 or not wanted:
            return None
        self._from = at + len(wanted)
        return self._spans[at][0], self._spans[self._from - 1][1]
