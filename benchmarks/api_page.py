"""A page of 100 accounts of the ranking against a bare ``async`` hello, by CPU of the server.

Run with ``make bench ONLY=api_page``; there is no limit. Pages are of the ranking, of one segment,
or sorted otherwise. Everything is on as for ``api_lookup``, and answers are not compressed.
"""

from __future__ import annotations

import json
import random
import statistics

from benchmarks.workload.api import running_hello, running_service
from benchmarks.workload.load import Run, load_server

ACCOUNTS = 20_000
ROUNDS = 5
PAGES = 400  # of a round
CONNECTIONS = 4
QUERIES = ("", "&segment=smb", "&sort=-loss_probability")


def main() -> None:
    """Print the figures as one JSON line."""
    chosen = random.Random(7)
    with running_hello() as hello, running_service(ACCOUNTS) as service:
        greetings = [hello.get("/hello")] * PAGES
        pages = [
            service.get(f"/v1/accounts?limit=100{chosen.choice(QUERIES)}") for _ in range(PAGES)
        ]
        pairs: list[tuple[Run, Run]] = []
        for number in range(ROUNDS + 1):
            bare = load_server(hello.process_id, hello.port, greetings, connections=CONNECTIONS)
            ours = load_server(service.process_id, service.port, pages, connections=CONNECTIONS)
            if number:  # the first pair warms both up
                pairs.append((bare, ours))
    cpu_ms = statistics.median(ours.cpu_s * 1000 for _, ours in pairs)
    hello_cpu_ms = statistics.median(bare.cpu_s * 1000 for bare, _ in pairs)
    print(
        json.dumps(
            {
                "benchmark": "api_page",
                "ratio": round(hello_cpu_ms / cpu_ms, 3),
                "against": "an async hello in a bare FastAPI application, CPU per request",
                "cpu_ms": round(cpu_ms, 3),
                "hello_cpu_ms": round(hello_cpu_ms, 3),
                "per_second": round(statistics.median(ours.per_second for _, ours in pairs)),
                "p99_ms": round(
                    statistics.median(ours.percentile(0.99) * 1000 for _, ours in pairs), 2
                ),
                "rows": 100,
                "accounts": ACCOUNTS,
                "rounds": ROUNDS,
            }
        )
    )


if __name__ == "__main__":
    main()
