"""A meter: what a function costs in a process of its own."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROUNDS = 3


@dataclass(frozen=True)
class Cost:
    """What a run cost.

    Parameters
    ----------
    cpu_s, wall_s : float
        Seconds; CPU of all threads, imports left out.
    peak_mb : float
        Largest resident memory of the process.
    result : object
        What the function returned.
    """

    cpu_s: float
    wall_s: float
    peak_mb: float
    result: Any  # Any: whatever the function returns


def measure(function: Callable[..., object], *arguments: object) -> Cost:
    """The cost of one call in a new process, so that peaks do not mix."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=_be_quiet) as pool:
        return pool.submit(_metered, function, arguments).result()


def _be_quiet() -> None:
    """DuckDB takes a spawned process for an interactive one and draws progress bars on stdout."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _metered(function: Callable[..., object], arguments: tuple[object, ...]) -> Cost:
    cpu, wall = time.process_time(), time.perf_counter()
    result = function(*arguments)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(cpu, wall, peak, result)


def scan(file: Path) -> None:
    """A bare scan of three columns of the events, which the features are compared with."""
    import duckdb

    duckdb.execute(
        "SELECT count(account_id), sum(duration_s), max(ts) FROM read_parquet($1)", [str(file)]
    ).fetchall()


def cheapest(run: Callable[[], Cost]) -> Cost:
    """The cheapest of three runs: what else the machine does only ever adds."""
    return min((run() for _ in range(ROUNDS)), key=lambda cost: cost.cpu_s)


def scan_cost(file: Path) -> float:
    """CPU seconds of the cheapest of some scans."""
    return cheapest(lambda: measure(scan, file)).cpu_s


def report(benchmark: str, ratio: float, limit: float, against: str, **figures: object) -> None:
    """Print a benchmark's figures as one JSON line."""
    said = {"benchmark": benchmark, "ratio": round(ratio, 3), "limit": limit, "against": against}
    rounded = {k: round(v, 2) if isinstance(v, float) else v for k, v in figures.items()}
    print(json.dumps(said | rounded), flush=True)
