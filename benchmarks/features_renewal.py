"""60,000 (contract, date) rows off the grid, from the same rollup, against the full build.

Run with ``make bench ONLY=features_renewal``; the limit is half of the full build's CPU.
"""

from __future__ import annotations

import shutil

from benchmarks.workload.build import build_grid, build_renewals
from benchmarks.workload.company import USAGE
from benchmarks.workload.events import bench_folder, make_events
from benchmarks.workload.meter import measure, report

LIMIT = 0.5
EVENTS = 100_000_000
ROWS = 60_000


def main() -> None:
    """Print the figures as one JSON line."""
    events = make_events(EVENTS)
    folder = bench_folder() / "renewal"
    shutil.rmtree(folder, ignore_errors=True)
    full = measure(build_grid, events, folder, USAGE, "1500MB", 24)
    rows = measure(build_renewals, events, folder, USAGE, "1500MB", ROWS)
    report(
        "features_renewal",
        rows.cpu_s / full.cpu_s,
        LIMIT,
        "the full build of 480,000 rows from the events",
        rows=ROWS,
        columns=rows.result,
        cpu_s=rows.cpu_s,
        full_cpu_s=full.cpu_s,
        peak_mb=rows.peak_mb,
    )
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
