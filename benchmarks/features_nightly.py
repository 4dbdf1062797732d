"""One more day of events and one more as-of date, against a bare scan of all the events.

Run with ``make bench ONLY=features_nightly``; the limits are 0.6 scans for the activity features
(``ratio``) and 2 for everything (``ratio_all``), by CPU, both sides the cheapest of three runs.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.workload.build import build_day, build_grid
from benchmarks.workload.company import CORE, USAGE, Workload
from benchmarks.workload.events import bench_folder, make_day, make_events
from benchmarks.workload.meter import Cost, cheapest, measure, report, scan_cost

LIMIT, LIMIT_ALL = 0.6, 2.0
EVENTS = 100_000_000


def main() -> None:
    """Print the figures as one JSON line."""
    events, day = make_events(EVENTS), make_day(EVENTS // 730)
    scanned = scan_cost(events)
    core, everything = _night(events, day, CORE), _night(events, day, USAGE)
    report(
        "features_nightly",
        core.cpu_s / scanned,
        LIMIT,
        "SELECT count(account_id), sum(duration_s), max(ts) of all events",
        ratio_all=round(everything.cpu_s / scanned, 3),
        limit_all=LIMIT_ALL,
        scan_cpu_s=scanned,
        cpu_s=core.cpu_s,
        cpu_s_all=everything.cpu_s,
        peak_mb_all=everything.peak_mb,
    )


def _night(events: Path, day: Path, workload: Workload) -> Cost:
    folder = bench_folder() / "nightly"
    shutil.rmtree(folder, ignore_errors=True)
    files = folder / "files"
    files.mkdir(parents=True)
    (files / events.name).hardlink_to(events)
    measure(build_grid, files, folder, workload, "1500MB", 1)
    (files / day.name).hardlink_to(day)
    (folder / "rollup").rename(folder / "evening")

    def night() -> Cost:
        shutil.rmtree(folder / "rollup", ignore_errors=True)
        shutil.copytree(folder / "evening", folder / "rollup")
        return measure(build_day, files, folder, workload, "1500MB")

    cost = cheapest(night)
    shutil.rmtree(folder)
    return cost


if __name__ == "__main__":
    main()
