"""Activity features on 100 million events, against a bare scan of them and against pandas.

Run with ``make bench ONLY=features_core``; the limit is 12 scans, by CPU, both sides the cheapest
of three runs. The first run makes the events (a minute and 430 MB). pandas computes the same
features of a tenth of the events.
"""

from __future__ import annotations

import shutil

from benchmarks.workload.build import build_grid
from benchmarks.workload.company import CORE
from benchmarks.workload.events import bench_folder, make_events
from benchmarks.workload.meter import Cost, cheapest, measure, report, scan_cost
from benchmarks.workload.with_pandas import build_with_pandas

LIMIT = 12.0
EVENTS = 100_000_000


def main() -> None:
    """Print the figures as one JSON line."""
    events, tenth = make_events(EVENTS), make_events(EVENTS // 10)
    folder = bench_folder() / "core"

    def build() -> Cost:
        shutil.rmtree(folder, ignore_errors=True)
        return measure(build_grid, events, folder, CORE, "1500MB", 24)

    scanned, scanned_tenth = scan_cost(events), scan_cost(tenth)
    built = cheapest(build)
    by_pandas = measure(build_with_pandas, tenth, 24)
    report(
        "features_core",
        built.cpu_s / scanned,
        LIMIT,
        "SELECT count(account_id), sum(duration_s), max(ts) of the same file",
        columns=built.result,
        scan_cpu_s=scanned,
        cpu_s=built.cpu_s,
        wall_s=built.wall_s,
        peak_mb=built.peak_mb,
        pandas_ratio=by_pandas.cpu_s / scanned_tenth,
        pandas_peak_mb=by_pandas.peak_mb,
        pandas_events=EVENTS // 10,
        pandas_columns=by_pandas.result,
    )
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
