"""A company of many events, made once: 20,000 accounts, two years, the same at every run.

Sessions of about sixteen events lie interleaved, as they come in; large accounts have many times
the users of small ones, and some users and events are much more frequent than others.
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

ACCOUNTS = 20_000
DAYS = 730
FIRST_DAY = "2024-01-01"
# Events of a session, and sessions that run at the same time.
_STEPS, _AT_ONCE = 16, 1000
_MANY = 1 << 53


def bench_folder() -> Path:
    """Where the benchmarks keep their files, under ``KEEPWELL_HOME``."""
    folder = Path(os.environ.get("KEEPWELL_HOME") or ".keepwell").resolve() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def make_events(events: int) -> Path:
    """The Parquet file of so many events; made when it is not there yet.

    Columns: ``account_id``, ``user_id`` (text), ``ts`` (timestamp, ascending), ``event`` (one of
    30), ``duration_s`` (seconds). Each row is one event.
    """
    file = bench_folder() / f"events_{events}.parquet"
    if file.exists():
        return file
    span = DAYS * 86_400
    new = file.with_suffix(".new")
    _write(f"r({events})", f"i * {span} // {events}", new)
    new.replace(file)
    return file


def make_day(events: int) -> Path:
    """One more day of events, the day after the last of ``make_events``."""
    file = bench_folder() / f"day_{events}.parquet"
    if not file.exists():
        new = file.with_suffix(".new")
        _write(f"r({events})", f"{DAYS * 86_400} + i * 86400 // {events}", new)
        new.replace(file)
    return file


def _write(numbers: str, second: str, file: Path) -> None:
    connection = duckdb.connect()
    connection.execute("SET memory_limit = '4GB'; SET enable_progress_bar = false")
    connection.execute(
        f"""COPY (
            WITH step AS (
                SELECT i, (i // {_STEPS * _AT_ONCE}) * {_AT_ONCE} + i % {_AT_ONCE} AS session
                FROM range({numbers[2:-1]}) AS r(i)),
            drawn AS (
                SELECT i, (hash(session) >> 11) / {_MANY}.0 AS account_draw,
                       (hash(session + 1000000007) >> 11) / {_MANY}.0 AS user_draw,
                       (hash(i) >> 11) / {_MANY}.0 AS event_draw
                FROM step),
            placed AS (
                SELECT *, least({ACCOUNTS} - 1, CAST({ACCOUNTS} * account_draw ** 1.7 AS INTEGER))
                    AS account FROM drawn)
            SELECT 'A' || lpad(CAST(account AS VARCHAR), 5, '0') AS account_id,
                   'U' || CAST(account * 100
                       + CAST((4 + account % 37) * user_draw ** 1.5 AS INTEGER) AS VARCHAR)
                       AS user_id,
                   TIMESTAMP '{FIRST_DAY}' + to_microseconds(CAST({second} AS BIGINT) * 1000000)
                       AS ts,
                   'event_' || CAST(CAST(29 * event_draw ** 2 AS INTEGER) AS VARCHAR) AS event,
                   CAST(1 + 120 * event_draw AS INTEGER) AS duration_s
            FROM placed)
        TO '{file}' (FORMAT parquet, COMPRESSION zstd)"""
    )
    connection.close()
