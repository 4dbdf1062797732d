"""What the service counts and measures, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from serving.journal import METHODS
from serving.shelves import Shelves

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
NO_ROUTE = "none"  # of requests that reached none; their paths may be anything


@dataclass(slots=True)
class Load:
    """How many requests the server has begun; it says so once it is there."""

    count: Callable[[], int] = lambda: 0


class Metrics:
    """Counters of one process, and figures that are read when somebody asks.

    Parameters
    ----------
    shelves : Shelves
        Whose snapshot is told of.
    load : Load
        Of the server.
    """

    def __init__(self, shelves: Shelves, load: Load) -> None:
        self.registry = CollectorRegistry()
        self._shelves = shelves
        self._requests = Counter(
            "keepwell_requests",
            "Requests answered",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "keepwell_request_seconds",
            "Time from the head of a request to the end of its answer",
            ("route",),
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self._begun = Gauge(
            "keepwell_requests_in_progress",
            "Requests begun and not answered",
            registry=self.registry,
        )
        self._age = Gauge(
            "keepwell_snapshot_age_seconds",
            "Since the as-of date of the served snapshot; NaN without one",
            registry=self.registry,
        )
        self._stale = Gauge(
            "keepwell_snapshot_stale", "1 when it is older than allowed", registry=self.registry
        )
        self._store = Gauge(
            "keepwell_store_answers",
            "0 when the snapshot store could not be read last time",
            registry=self.registry,
        )
        self._models = Gauge(
            "keepwell_snapshot_model_info",
            "1 for each model behind the served snapshot",
            ("model", "version"),
            registry=self.registry,
        )
        self._begun.set_function(lambda: float(load.count()))
        self._age.set_function(self._age_s)
        self._store.set_function(lambda: float(shelves.store_answers))
        self._stale.set_function(self._is_stale)
        self._counted: dict[tuple[str, str, int], Counter] = {}
        self._timed: dict[str, Histogram] = {}

    def record(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        key = (route, method, status)
        counter = self._counted.get(key)
        if counter is None:
            told = method if method in METHODS else "other"
            counter = self._requests.labels(route or NO_ROUTE, told, str(status))
            if told == method:  # another one's name is the caller's own text
                self._counted[key] = counter
        counter.inc()
        histogram = self._timed.get(route)
        if histogram is None:
            histogram = self._timed[route] = self._seconds.labels(route or NO_ROUTE)
        histogram.observe(seconds)

    def render(self) -> bytes:
        """Everything, in Prometheus' text format."""
        self._models.clear()
        shelf = self._shelves.current
        for name, use in shelf.header.models.items() if shelf else ():
            if use is not None:
                self._models.labels(name, str(use["version"])).set(1)
        return generate_latest(self.registry)

    def _age_s(self) -> float:
        shelf = self._shelves.current
        return time.time() - shelf.as_of_s if shelf else float("nan")

    def _is_stale(self) -> float:
        shelf = self._shelves.current
        return float(shelf is not None and self._shelves.is_stale(shelf))
