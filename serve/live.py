"""The live predictor: the champions in memory, and new ones in their place when the registry's aliases move.

A new model is loaded and warmed beside the old one; requests that come then get the new one, those under way end with the old one.
A model that cannot be loaded leaves the old one serving, and says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from data.article import Article
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
        self.predictor = self._load(self._places)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="registry", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look at the registry no more."""
        self._end.set()
        self._thread.join()

    def _resolve(self) -> dict[str, str]:
        """What the names lead to now; the reader of new claims, where there is one, among them."""
        places = {task.value: registry.pointer(name) for task, name in self.names.items()}
        with suppress(StoreError):  # there need be none
            places["reader"] = registry.pointer(registry.reader())
        return places

    def _load(self, places: dict[str, str]) -> Predictor:
        predictor = Predictor.named(places[Task.topics.value], places[Task.stance.value])
        predictor.label_article(Article("warm", WARM, "warm"))  # loads what splits and detects languages too, once and not in each thread
        return predictor

    def _watch(self) -> None:
        failed: dict[str, str] | None = None
        while not self._end.wait(self.every):
            places: dict[str, str] | None = None
            try:
                places = self._resolve()
                if places == self._places:  # as it should be, perhaps again
                    self.trouble, failed = None, None
                if places in (self._places, failed):
                    continue
                self.predictor, self._places = self._load(places), places
            except Exception as error:  # whatever it is, the old models go on, and it is told
                if self.trouble != str(error):
                    self.failures += 1
                    self.trouble, failed = str(error), places
                    self.tell(f"the old models go on serving: {error}", False)
            else:
                self.changes, self.trouble, failed = self.changes + 1, None, None
                self.tell(f"new models serve: {self.predictor.made_by}", True)
