"""The live predictor: the champions in memory, and new ones in their place when the registry's aliases move.

A new model is loaded and warmed beside the old one; requests that come then get the new one, those under way end with the old one.
A model that cannot be loaded leaves the old one serving, and says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from data.article import Sentence
from data.codebook import Task
from models import registry
from models.store import StoreError
from serve.predictor import Predictor

EVERY = 2.0  # seconds between looks at the registry
WARM = "SCO bukan blok militer."


class Live:
    """Holds the predictor that serves.

    Args:
        topics, stance: model folder or registry name; the champions where none is given.
        every: seconds between looks at the registry.
        tell: is told in words of each change, and of each model that cannot be loaded.

    Raises:
        StoreError: the first models cannot be had.
    """

    def __init__(
        self,
        topics: str | None = None,
        stance: str | None = None,
        every: float = EVERY,
        tell: Callable[[str, bool], None] = lambda word, well: None,
    ) -> None:
        self.names = {Task.topics: topics or registry.champion(Task.topics), Task.stance: stance or registry.champion(Task.stance)}
        self.every = every
        self.tell = tell
        self.changes = 0
        self.failures = 0
        self.trouble: str | None = None
        self._places = self._resolve()
        self.predictor = self._load()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="registry", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look at the registry no more."""
        self._end.set()
        self._thread.join()

    def _resolve(self) -> list[str]:
        return [str(registry.resolve(name)) for name in self.names.values()]

    def _load(self) -> Predictor:
        predictor = Predictor.named(self.names[Task.topics], self.names[Task.stance])
        predictor.label_sentences([Sentence("", "", 0, 0, len(WARM), WARM, "id")])
        return predictor

    def _watch(self) -> None:
        failed: list[str] | None = None
        while not self._end.wait(self.every):
            places: list[str] | None = None
            try:
                places = self._resolve()
                if places == self._places:  # as it should be, perhaps again
                    self.trouble, failed = None, None
                if places in (self._places, failed):
                    continue
                self.predictor, self._places = self._load(), places
            except (StoreError, ValueError, OSError) as error:
                if self.trouble != str(error):
                    self.failures += 1
                    self.trouble, failed = str(error), places
                    self.tell(f"the old models go on serving: {error}", False)
            else:
                self.changes, self.trouble, failed = self.changes + 1, None, None
                self.tell(f"new models serve: {self.predictor.made_by}", True)
