"""Meters: what Prometheus reads at /metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from serve.predictor import Record

SECONDS = (0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
SIZES = (1, 2, 4, 8, 16, 32)


class Meters:
    """Counts requests, batches, labels and models of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("sikap_requests", "Requests, by path and status", ["path", "status"], registry=self.registry)
        self.seconds = Histogram("sikap_request_seconds", "Time to answer", ["path"], buckets=SECONDS, registry=self.registry)
        self.batches = Histogram("sikap_batch_sentences", "Sentences labelled together", buckets=SIZES, registry=self.registry)
        self.labels = Counter("sikap_labels", "Labels given, by id and decision", ["label", "decision"], registry=self.registry)
        self.models = Gauge("sikap_model", "1 for the models that serve", ["does", "model"], registry=self.registry)
        self.waiting = Gauge("sikap_waiting_sentences", "Sentences in the queue", registry=self.registry)
        self.changes = Gauge("sikap_model_changes", "Times that new models began to serve", registry=self.registry)
        self.failures = Gauge("sikap_model_failures", "New models that could not be loaded", registry=self.registry)

    def request(self, paths: frozenset[str]) -> Callable[[str, int, float], None]:
        """Counts a request; paths that the server does not have are counted as one, so that nobody can fill the memory with them."""

        def count(path: str, status: int, seconds: float) -> None:
            known = path if path in paths else "/page" if path.startswith("/page/") else "other"
            self.requests.labels(known, str(status)).inc()
            self.seconds.labels(known).observe(seconds)

        return count

    def count_labels(self, records: Iterable[Record]) -> None:
        """Counts what was decided yes or review."""
        for record in records:
            for entry in record["topics"] + record["stances"]:
                name = entry.get("id") or f"{entry['claim']}/{entry['stance']}"
                if entry["decision"] != "no":
                    self.labels.labels(name, entry["decision"]).inc()

    def text(self, made_by: dict[str, str | None], waiting: int, changes: int, failures: int) -> bytes:
        """All meters as Prometheus reads them."""
        self.models.clear()
        for does, model in made_by.items():
            if model and does != "codebook":
                self.models.labels(does, model).set(1)
        self.waiting.set(waiting)
        self.changes.set(changes)
        self.failures.set(failures)
        return generate_latest(self.registry)
