"""The whole usage catalogue on both engines: what Spark costs where one machine would do.

``--events`` and ``--dates`` set the size. Spark runs as the environment configures it; without
that, on all cores of this machine. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Literal

import duckdb

from benchmarks.workload.company import (
    USAGE,
    ask_grid,
    company_settings,
    monthly_dates,
    open_company,
)
from benchmarks.workload.events import bench_folder, make_events
from features.catalogue import build_catalogue
from features.engine import build_features

Engine = Literal["duckdb", "spark"]


def run_engine(engine: Engine, events: int, dates: int, folder: Path) -> dict[str, float]:
    """Seconds to read and roll up the events, and then to compute all features of all rows."""
    shutil.rmtree(folder, ignore_errors=True)
    settings = company_settings(make_events(events), USAGE, "4GB")
    began = time.perf_counter()
    source = open_company(settings.model_copy(update={"engine": engine}), folder)
    opened = time.perf_counter()
    rows = ask_grid(source, monthly_dates(dates))
    catalogue = build_catalogue(settings, source.columns)
    build_features(source, catalogue, row_tables=[rows])
    built = time.perf_counter()
    columns = [f'"{feature.name}"' for feature in catalogue.features]
    listed = ", ".join(["account_id", "as_of", *columns])
    source.connection.execute(
        f"COPY (SELECT {listed} FROM feature_row) TO '{folder}/rows.parquet' (FORMAT parquet)"
    )
    if source.spark is not None:
        source.spark.close()
    return {"rollup_s": opened - began, "features_s": built - opened, "columns": len(columns)}


def compare(one: Path, other: Path) -> tuple[int, float]:
    """Rows in both, and the largest relative difference, infinite between null and a value."""
    connection = duckdb.connect()
    names = [
        str(row[0])
        for row in connection.execute(f"DESCRIBE SELECT * FROM '{one}'").fetchall()
        if row[0] not in ("account_id", "as_of")
    ]
    worst = ", ".join(
        f"""max(CASE WHEN (a."{n}" IS NULL) <> (b."{n}" IS NULL) THEN 'inf'::DOUBLE
            ELSE abs(a."{n}" - b."{n}") / greatest(1, abs(a."{n}")) END)"""
        for n in names
    )
    row = connection.execute(
        f"SELECT count(*), {worst} FROM '{one}' AS a JOIN '{other}' AS b USING (account_id, as_of)"
    ).fetchone()
    rows, *differences = row or (0,)
    return int(rows), max((float(d) for d in differences if d is not None), default=0.0)


def main() -> None:
    """Measure both engines on the same events."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--dates", type=int, default=6)
    given = parser.parse_args()
    os.environ.setdefault("PYSPARK_SUBMIT_ARGS", "--driver-memory 4g pyspark-shell")
    folders = {engine: bench_folder() / f"spark_{engine}" for engine in ("duckdb", "spark")}
    duck = run_engine("duckdb", given.events, given.dates, folders["duckdb"])
    spark = run_engine("spark", given.events, given.dates, folders["spark"])
    total = {"duckdb": duck, "spark": spark}
    wall = {name: cost["rollup_s"] + cost["features_s"] for name, cost in total.items()}
    rows, difference = compare(*(folder / "rows.parquet" for folder in folders.values()))
    found = {
        "benchmark": "features_spark",
        "ratio": round(wall["spark"] / wall["duckdb"], 1),
        "against": "the same features on DuckDB, wall seconds",
        "events": given.events,
        "dates": given.dates,
        "columns": duck["columns"],
        "rows": rows,
        "largest_difference": difference,
        **{
            f"{name}_{part}": round(cost[part], 1)
            for name, cost in total.items()
            for part in ("rollup_s", "features_s")
        },
    }
    sys.stdout.write(json.dumps(found) + "\n")
    for folder in folders.values():
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
