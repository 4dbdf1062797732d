"""How the targets of webhooks stand, for Prometheus: by id, since a URL may hold a secret."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from features.errors import InputError, TransientError
from models.webhook_store import Standing, WebhookStore
from serving.shelves import Shelves

WAIT_S = 2.0  # for the service store, so that all other figures come in time without it

FIGURES: tuple[tuple[str, str, Callable[[Standing, float], float | None]], ...] = (
    ("waiting", "Messages to be sent", lambda one, _now: one.waiting),
    ("dead", "Messages that were given up", lambda one, _now: one.dead),
    ("stopped", "1 when nothing is sent any more", lambda one, _now: one.is_stopped),
    (
        "delivery_age_seconds",
        "Since a message last came through; none without one within a month",
        lambda one, now: None if one.last_sent_at is None else now - one.last_sent_at.timestamp(),
    ),
)


class WebhookFigures:
    """Reads how targets stand whenever somebody asks.

    Parameters
    ----------
    hooks : WebhookStore
        Read in a thread; while it does not answer no second one waits for it.
    shelves : Shelves
        Whose threads read.
    """

    def __init__(self, hooks: WebhookStore, shelves: Shelves) -> None:
        self._hooks, self._shelves = hooks, shelves
        self._reading: asyncio.Task[list[Standing]] | None = None

    async def render(self) -> bytes:
        """The figures in Prometheus' text format; without any target while the store is away."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._shelves.run(self._hooks.standings))
        found: list[Standing] | None
        try:
            async with asyncio.timeout(WAIT_S):
                found = await asyncio.shield(self._reading)
        except (InputError, TransientError, TimeoutError):
            found = None
        registry = CollectorRegistry()
        registry.register(_Standings(found))
        return generate_latest(registry)


class _Standings(Collector):
    def __init__(self, found: Sequence[Standing] | None) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        now = time.time()
        yield GaugeMetricFamily(
            "keepwell_service_store_answers",
            "0 when the service store could not be read just now",
            float(self._found is not None),
        )
        for name, told, read in FIGURES:
            gauge = GaugeMetricFamily(f"keepwell_webhook_{name}", told, labels=("target_id",))
            for one in self._found or ():
                value = read(one, now)
                if value is not None:
                    gauge.add_metric((one.target_id,), float(value))
            yield gauge
