"""The portfolio page of 20,000 accounts: time to its first byte, warm and after a publish.

Run with ``make bench ONLY=page``. The ratio is the warm time over 300 ms; the first call after a
publish may take 600 ms, and the HTML 200 kB. Pages are asked for one after the other, compressed as
browsers do; the warm ones in turn with filters, orders and groups that were asked for once before.
Accounts are as full as a score run makes them, and six weeks of snapshots lie in the store. What
the service prepares before it serves a new snapshot is told apart, as the time from the publish on.
"""

from __future__ import annotations

import http.client
import json
import statistics
import time
from dataclasses import dataclass
from tempfile import TemporaryDirectory

from benchmarks.workload.api import Running, running_without_keys
from benchmarks.workload.page import make_full_snapshot
from models.store import SnapshotStore

ACCOUNTS = 20_000
WEEKS = 5  # snapshots before the served one, a week apart
ROUNDS = 8
PUBLISHES = 3
LIMIT_MS = 300.0
PATHS = ("/", "/?segment=smb", "/?sort=-arr", "/?risk_tier=high&page=3", "/?group_by=owner")
POLL_S = 0.05


@dataclass(frozen=True)
class Answer:
    """A page: milliseconds to its first byte, and bytes of its HTML."""

    ms: float
    size: int


def main() -> None:
    """Print the figures as one JSON line."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/store.db"
        with SnapshotStore(url) as store:
            for weeks_ago in range(WEEKS, -1, -1):
                store.publish(make_full_snapshot(ACCOUNTS, weeks_ago=weeks_ago))
            with running_without_keys(url) as service:
                whole = max(ask(service, path, zipped=False).size for path in PATHS)
                warm = [ask(service, path).ms for _ in range(ROUNDS) for path in PATHS]
                first, waits = zip(
                    *(publish_and_ask(store, service) for _ in range(PUBLISHES)), strict=True
                )
    middle = statistics.median(warm)
    print(
        json.dumps(
            {
                "benchmark": "page",
                "ratio": round(middle / LIMIT_MS, 3),
                "against": "300 ms to the first byte of the portfolio page, warm",
                "warm_ms": round(middle, 1),
                "slowest_warm_ms": round(max(warm), 1),
                "after_publish_ms": round(statistics.median(first), 1),
                "slowest_after_publish_ms": round(max(first), 1),
                "served_after_s": round(statistics.median(waits), 1),
                "html_kb": round(whole / 1000, 1),
                "accounts": ACCOUNTS,
                "snapshots": WEEKS + 1,
                "rounds": ROUNDS,
            }
        )
    )


def publish_and_ask(store: SnapshotStore, service: Running) -> tuple[float, float]:
    """Milliseconds of the first page of a new snapshot; seconds until that was served."""
    published = store.publish(make_full_snapshot(ACCOUNTS))
    begun = time.perf_counter()
    while served(service) != published:
        time.sleep(POLL_S)
    waited = time.perf_counter() - begun
    return ask(service, "/").ms, waited


def served(service: Running) -> str:
    """The id of the snapshot that lookups are answered from; they make nothing of a page."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    connection.request("GET", "/v1/accounts?limit=1")
    found = str(json.loads(connection.getresponse().read())["snapshot_id"])
    connection.close()
    return found


def ask(service: Running, path: str, *, zipped: bool = True) -> Answer:
    """A page on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    headers = {"Accept": "text/html", **({"Accept-Encoding": "gzip"} if zipped else {})}
    begun = time.perf_counter()
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    ms = (time.perf_counter() - begun) * 1000
    size = len(answer.read())
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path} was answered with {answer.status}")
    return Answer(ms, size)


if __name__ == "__main__":
    main()
