"""100 feature rows scored with drivers over HTTP, against LightGBM's bare contributions.

Run with ``make bench ONLY=api_compute``. ``ratio`` is the CPU of ``pred_contrib`` in process over
that of the service and its worker per request, at least 0.9; runs alternate, the median over rounds
counts. The model is the demo company's churn model with 250 trees. The rows are sent under
``columns`` and answered with drivers. ``by_name_ratio`` is that of rows that repeat every name,
four times the JSON, and are answered with sums by group too; ``by_name_short_ratio`` of the same
rows with ``groups: false``.
``lookup_p99_ratio``: the p99 of lookups while rows are scored without a pause by another process,
over their p99 alone, at most 2. Service, worker and both clients share the cores, nothing is pinned
and no client gives way, so that it holds the wait for a core as well; ``rows_meanwhile_per_second``
tells that the rows were not simply kept waiting. ``mlflow_*``: ``mlflow models serve`` on the same
booster and rows, which tells probabilities alone.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.workload.api import Running, account_id, running_service
from benchmarks.workload.live import (
    Workload,
    family,
    make_workload,
    mlflow_body,
    running_mlflow,
)
from benchmarks.workload.load import Run, cpu_seconds, load_server

LIMIT, P99_LIMIT = 0.9, 2.0
TREES = 250
ACCOUNTS = 2_000
ROUNDS = 5
REQUESTS = 150  # of a round
LOOKUPS = 2_000
PATH = "/v1/models/churn/score"


class Round(NamedTuple):
    """CPU seconds per 100 rows: bare, and in the three ways of asking; and the run by column."""

    bare: float
    by_column: float
    by_name: float
    by_name_short: float
    run: Run


class Pair(NamedTuple):
    """Seconds of the p99 of lookups alone and while rows are scored, and how many requests were."""

    alone: float
    busy: float
    rows_per_second: float


def main() -> None:
    """Print the figures as one JSON line."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        workload = make_workload(home, trees=TREES)
        with running_service(ACCOUNTS, home=home) as service:
            answer = _wait_for_model(service, workload)
            rounds = [_compare(service, workload) for _ in range(ROUNDS + 1)][1:]
            pairs = [_lookups_meanwhile(service, workload) for _ in range(ROUNDS)]
        mlflow = _measure_mlflow(workload, home)
    print(
        json.dumps(
            {
                "benchmark": "api_compute",
                "ratio": _median(one.bare / one.by_column for one in rounds),
                "limit": LIMIT,
                "against": "predict(pred_contrib=True) of the same 100 rows in process, by CPU",
                "by_name_ratio": _median(one.bare / one.by_name for one in rounds),
                "by_name_short_ratio": _median(one.bare / one.by_name_short for one in rounds),
                "cpu_ms": _median(one.by_column * 1000 for one in rounds),
                "by_name_cpu_ms": _median(one.by_name * 1000 for one in rounds),
                "by_name_short_cpu_ms": _median(one.by_name_short * 1000 for one in rounds),
                "pred_contrib_cpu_ms": _median(one.bare * 1000 for one in rounds),
                "per_second": _median(one.run.per_second for one in rounds),
                "p99_ms": _median(one.run.percentile(0.99) * 1000 for one in rounds),
                "lookup_p99_ratio": _median(pair.busy / pair.alone for pair in pairs),
                "lookup_p99_limit": P99_LIMIT,
                "lookup_p99_ms": _median(pair.busy * 1000 for pair in pairs),
                "lookup_p99_alone_ms": _median(pair.alone * 1000 for pair in pairs),
                "rows_meanwhile_per_second": _median(pair.rows_per_second for pair in pairs),
                **mlflow,
                "trees": workload.predictor.booster.num_trees(),
                "features": workload.matrix.shape[1],
                "body_kb": round(len(workload.by_column) / 1000),
                "by_name_body_kb": round(len(workload.by_name) / 1000),
                "answer_kb": round(answer / 1000),
                "rounds": ROUNDS,
            }
        )
    )


def _compare(service: Running, workload: Workload) -> Round:
    matrix, booster = workload.matrix.to_numpy(), workload.predictor.booster
    begun = time.process_time()
    for _ in range(REQUESTS):
        booster.predict(matrix, pred_contrib=True, num_threads=1)
    bare = (time.process_time() - begun) / REQUESTS
    run, used = _load(service, service.post(PATH, workload.by_column))
    _, named = _load(service, service.post(PATH, workload.by_name))
    _, short = _load(service, service.post(PATH, workload.by_name_short))
    return Round(bare, used, named, short, run)


def _load(server: Running, request: bytes) -> tuple[Run, float]:
    """A run of one request again and again, and CPU seconds of all processes per request."""
    processes = family(server.process_id)
    before = sum(map(cpu_seconds, processes))
    run = load_server(server.process_id, server.port, [request] * REQUESTS, connections=1)
    return run, (sum(map(cpu_seconds, processes)) - before) / REQUESTS


def _lookups_meanwhile(service: Running, workload: Workload) -> Pair:
    alone = _lookups(service)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as beside:
        request = service.post(PATH, workload.by_column)
        place = (service.process_id, service.port)
        beside.submit(load_server, *place, [request], connections=1).result()  # it has started
        pressing = beside.submit(load_server, *place, [request] * 1000, connections=1)
        busy = _lookups(service)
        if pressing.done():
            raise RuntimeError("the rows were scored before the lookups ended")
        rows = pressing.result().per_second
    return Pair(alone, busy, rows)


def _lookups(service: Running) -> float:
    requests = [
        service.get(f"/v1/accounts/{account_id(number % ACCOUNTS)}/risk")
        for number in range(LOOKUPS)
    ]
    return load_server(service.process_id, service.port, requests, connections=1).percentile(0.99)


def _measure_mlflow(workload: Workload, folder: Path) -> dict[str, object]:
    body = mlflow_body(workload)
    with running_mlflow(workload, folder) as server:
        request = server.post("/invocations", body)
        _load(server, request)
        run, used = _load(server, request)
    return {
        "mlflow_cpu_ms": round(used * 1000, 3),
        "mlflow_per_second": round(run.per_second, 1),
        "mlflow_answers": "probabilities without drivers",
    }


def _wait_for_model(service: Running, workload: Workload) -> int:
    """Wait until rows are scored, and return the bytes of an answer."""
    headers = {"Authorization": f"Bearer {service.token}", "Content-Type": "application/json"}
    while True:
        connection = HTTPConnection("127.0.0.1", service.port, timeout=60)
        connection.request("POST", PATH, workload.by_column, headers)
        answer = connection.getresponse()
        told = answer.read()
        connection.close()
        if answer.status == 200:
            return len(told)
        if answer.status != 503:
            raise RuntimeError(told[:500].decode())
        time.sleep(0.1)


def _median(figures: Iterable[float]) -> float:
    return round(statistics.median(figures), 3)


if __name__ == "__main__":
    main()
