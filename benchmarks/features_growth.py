"""How the cost grows: with ten times the events, and with 24 as-of dates instead of one.

Run with ``make bench ONLY=features_growth``; the limits are 10.5 (``ratio``) and 3
(``ratio_dates``), by CPU, for the whole usage catalogue.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.workload.build import build_grid
from benchmarks.workload.company import USAGE
from benchmarks.workload.events import bench_folder, make_events
from benchmarks.workload.meter import Cost, measure, report

LIMIT, LIMIT_DATES = 10.5, 3.0
EVENTS = 100_000_000


def main() -> None:
    """Print the figures as one JSON line."""
    large, small = make_events(EVENTS), make_events(EVENTS // 10)
    all_large, all_small, one_large = _build(large, 24), _build(small, 24), _build(large, 1)
    report(
        "features_growth",
        all_large.cpu_s / all_small.cpu_s,
        LIMIT,
        f"the same features of {EVENTS // 10:,} events",
        ratio_dates=round(all_large.cpu_s / one_large.cpu_s, 3),
        limit_dates=LIMIT_DATES,
        cpu_s=all_large.cpu_s,
        cpu_s_tenth=all_small.cpu_s,
        cpu_s_one_date=one_large.cpu_s,
    )


def _build(events: Path, dates: int) -> Cost:
    folder = bench_folder() / "growth"
    shutil.rmtree(folder, ignore_errors=True)
    cost = measure(build_grid, events, folder, USAGE, "1500MB", dates)
    shutil.rmtree(folder)
    return cost


if __name__ == "__main__":
    main()
