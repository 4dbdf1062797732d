"""10,000 ids in one request, each with three short drivers, and lookups meanwhile.

Run with ``make bench ONLY=api_batch``; the limits are 3 s by the clock (``seconds``) and 6 MB
uncompressed (``megabytes``). Everything is on as for ``api_lookup``. ``lookup_p99_ms`` is the p99
of lookups sent all the while over another connection, ``alone`` without batches.
"""

from __future__ import annotations

import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

from benchmarks.workload.api import Running, account_id, running_service
from benchmarks.workload.load import load_server

LIMIT_S, LIMIT_MB = 3.0, 6.0
ACCOUNTS = 20_000
IDS = 10_000
ROUNDS = 5
LOOKUPS = 3_000
FIELDS = "loss_probability,risk_tier,state,arr_at_risk,decision_date,top_drivers"


def main() -> None:
    """Print the figures as one JSON line."""
    body = json.dumps({"account_ids": [account_id(number * 2) for number in range(IDS)]}).encode()
    with running_service(ACCOUNTS) as service:
        alone = _lookups(service)
        runs = [_batch(service, body) for _ in range(ROUNDS)]
        with ThreadPoolExecutor(1) as beside:
            busy = beside.submit(lambda: [_batch(service, body) for _ in range(ROUNDS)])
            meanwhile = _lookups(service)
            busy.result()
    seconds = statistics.median(took for took, _ in runs)
    megabytes = runs[0][1] / 1e6
    print(
        json.dumps(
            {
                "benchmark": "api_batch",
                "ratio": round(max(seconds / LIMIT_S, megabytes / LIMIT_MB), 3),
                "limit": 1.0,
                "against": f"{LIMIT_S:g} s and {LIMIT_MB:g} MB, whichever is closer",
                "seconds": round(seconds, 3),
                "megabytes": round(megabytes, 2),
                "lookup_p99_ms": round(meanwhile * 1000, 2),
                "alone": round(alone * 1000, 2),
                "ids": IDS,
                "accounts": ACCOUNTS,
                "rounds": ROUNDS,
            }
        )
    )


def _lookups(service: Running) -> float:
    requests = [service.get(f"/v1/accounts/{account_id(n)}/risk") for n in range(LOOKUPS)]
    return load_server(service.process_id, service.port, requests, connections=1).percentile(0.99)


def _batch(service: Running, body: bytes) -> tuple[float, int]:
    """Seconds until the last byte of an answer, and its bytes."""
    connection = HTTPConnection("127.0.0.1", service.port, timeout=60)
    headers = {"Authorization": f"Bearer {service.token}", "Content-Type": "application/json"}
    begun = time.perf_counter()
    connection.request("POST", f"/v1/accounts/batch?fields={FIELDS}", body, headers)
    answer = connection.getresponse()
    told = answer.read()
    took = time.perf_counter() - begun
    connection.close()
    if answer.status != 200 or told.count(b'"account":') != IDS:
        raise RuntimeError(told[:500].decode())
    return took, len(told)


if __name__ == "__main__":
    main()
