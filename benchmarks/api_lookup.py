"""The risk of one account against a bare ``async`` hello, by CPU of the server per request.

Run with ``make bench ONLY=api_lookup``; a lookup may take 1.25 times the CPU of a hello (``ratio``:
hello's CPU over ours, at least 0.8), and its p99 1.5 times hello's. Keys, limits, metrics and
request log are on; hello is a FastAPI application of its own without middleware, served with the
same settings, and is sent the same headers. Runs alternate; the ratio is the median over pairs.
"""

from __future__ import annotations

import json
import random
import statistics
from collections.abc import Iterable

from benchmarks.workload.api import account_id, running_hello, running_service
from benchmarks.workload.load import Run, load_server

LIMIT, P99_LIMIT = 0.8, 1.5
ACCOUNTS = 20_000
ROUNDS = 9
REQUESTS = 4_000  # of a round
CONNECTIONS = 4


def main() -> None:
    """Print the figures as one JSON line."""
    chosen = random.Random(7)
    with running_hello() as hello, running_service(ACCOUNTS) as service:
        greetings = [hello.get("/hello")] * REQUESTS
        pairs: list[tuple[Run, Run]] = []
        for number in range(ROUNDS + 1):
            lookups = [
                service.get(f"/v1/accounts/{account_id(chosen.randrange(ACCOUNTS))}/risk")
                for _ in range(REQUESTS)
            ]
            bare = load_server(hello.process_id, hello.port, greetings, connections=CONNECTIONS)
            ours = load_server(service.process_id, service.port, lookups, connections=CONNECTIONS)
            if number:  # the first pair warms both up
                pairs.append((bare, ours))
    print(
        json.dumps(
            {
                "benchmark": "api_lookup",
                "ratio": round(statistics.median(b.cpu_s / o.cpu_s for b, o in pairs), 3),
                "limit": LIMIT,
                "against": "an async hello in a bare FastAPI application, CPU per request",
                "cpu_ms": _median(o.cpu_s * 1000 for _, o in pairs),
                "hello_cpu_ms": _median(b.cpu_s * 1000 for b, _ in pairs),
                "per_second": _median(o.per_second for _, o in pairs),
                "hello_per_second": _median(b.per_second for b, _ in pairs),
                "p99_ratio": _median(o.percentile(0.99) / b.percentile(0.99) for b, o in pairs),
                "p99_limit": P99_LIMIT,
                "p99_ms": _median(o.percentile(0.99) * 1000 for _, o in pairs),
                "accounts": ACCOUNTS,
                "requests": REQUESTS,
                "connections": CONNECTIONS,
                "rounds": ROUNDS,
            }
        )
    )


def _median(figures: Iterable[float]) -> float:
    return round(statistics.median(figures), 3)


if __name__ == "__main__":
    main()
