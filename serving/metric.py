"""What the service counts and measures, for Prometheus."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from serving.journal import METHODS
from serving.shelves import Shelves

SHARED = "PROMETHEUS_MULTIPROC_DIR"  # the library's own, read when it is imported
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
Outcome = Literal["ok", "refused", "limited"]  # of an attempt to sign in
NO_ROUTE = "none"  # of requests that reached none; their paths may be anything


class Load:
    """How many requests the server has begun and not answered.

    The server forgets a request in the turn of its loop after the one that answered it. Of many
    that come at once every one would see all others, and all would be refused: so those answered
    in this turn are taken off.

    Attributes
    ----------
    begun : callable
        Requests that the server has not forgotten; it says so once it is there.
    """

    def __init__(self) -> None:
        self.begun: Callable[[], int] = lambda: 0
        self._answered = 0

    def count(self) -> int:
        """Requests that are not answered."""
        return max(0, self.begun() - self._answered)

    def note_answer(self) -> None:
        """One was answered now."""
        self._answered += 1
        if self._answered == 1:
            asyncio.get_running_loop().call_soon(self._begin_turn)

    def _begin_turn(self) -> None:
        self._answered = 0


class Metrics:
    """Counters of the service, and figures that are read when somebody asks.

    With ``PROMETHEUS_MULTIPROC_DIR`` in the environment the counters are those of all workers,
    whichever of them is asked; the figures are its own.

    Parameters
    ----------
    shelves : Shelves
        Whose snapshot is told of.
    load : Load
        Of the server.
    """

    def __init__(self, shelves: Shelves, load: Load) -> None:
        self.registry = CollectorRegistry()
        several = SHARED in os.environ
        if several:
            MultiProcessCollector(self.registry)  # type: ignore[no-untyped-call]  # has no types
        registry = None if several else self.registry
        self._requests = Counter(
            "keepwell_requests",
            "Requests answered",
            ("route", "method", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "keepwell_request_seconds",
            "Time from the head of a request to the end of its answer",
            ("route",),
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._sign_ins = Counter(
            "keepwell_sign_ins", "Attempts to sign in", ("outcome",), registry=registry
        )
        self.registry.register(Figures(shelves, load))
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

    def note_sign_in(self, outcome: Outcome) -> None:
        """Count one attempt to sign in."""
        self._sign_ins.labels(outcome).inc()

    def render(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)


class Figures(Collector):
    """How the served snapshot, its store and the server are right now."""

    def __init__(self, shelves: Shelves, load: Load) -> None:
        self._shelves, self._load = shelves, load

    def collect(self) -> Iterator[Metric]:
        """Each figure, read now."""
        shelves, shelf = self._shelves, self._shelves.current
        begun, answers = self._load.count(), shelves.store_answers
        age = time.time() - shelf.as_of_s if shelf else float("nan")
        stale = shelf is not None and shelves.is_stale(shelf)
        for name, told, value in (
            ("requests_in_progress", "Requests begun and not answered", begun),
            ("snapshot_age_seconds", "Since the served as-of date; NaN without one", age),
            ("snapshot_stale", "1 when the served snapshot is older than allowed", stale),
            ("store_answers", "0 when the store could not be read last time", answers),
        ):
            yield GaugeMetricFamily(f"keepwell_{name}", told, float(value))
        models = GaugeMetricFamily(
            "keepwell_snapshot_model_info",
            "1 for each model behind the served snapshot",
            labels=("model", "version"),
        )
        for name, use in shelf.header.models.items() if shelf else ():
            if use is not None:
                models.add_metric((name, str(use["version"])), 1)
        yield models
