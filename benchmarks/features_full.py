"""The whole usage catalogue on 100 million events, against a bare scan of them.

Run with ``make bench ONLY=features_full``; the limit is 45 scans, by CPU, under 2.5 GB. A second
build is held to 1 GB. ``groups`` says what each group of features costs on the finished rollup.
"""

from __future__ import annotations

import shutil

from benchmarks.workload.build import build_grid, build_groups
from benchmarks.workload.company import USAGE
from benchmarks.workload.events import bench_folder, make_events
from benchmarks.workload.meter import measure, report, scan_cost

LIMIT = 45.0
EVENTS = 100_000_000


def main() -> None:
    """Print the figures as one JSON line."""
    events = make_events(EVENTS)
    folder = bench_folder() / "full"
    shutil.rmtree(folder, ignore_errors=True)
    scanned = scan_cost(events)
    built = measure(build_grid, events, folder, USAGE, "1500MB", 24)
    groups = measure(build_groups, events, folder, USAGE, "1500MB", 24)
    shutil.rmtree(folder)
    held = measure(build_grid, events, folder, USAGE, "500MB", 24)
    report(
        "features_full",
        built.cpu_s / scanned,
        LIMIT,
        "SELECT count(account_id), sum(duration_s), max(ts) of the same file",
        columns=built.result,
        scan_cpu_s=scanned,
        cpu_s=built.cpu_s,
        wall_s=built.wall_s,
        peak_mb=built.peak_mb,
        held_to_1_gb={"cpu_s": round(held.cpu_s, 2), "peak_mb": round(held.peak_mb)},
        groups_cpu_s=groups.result,
    )
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
