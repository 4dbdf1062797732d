"""Boards and lives of 20,000 accounts: what they add to a score run and to the snapshot store.

Run with ``make bench ONLY=boards``; the limit is 15 s by CPU (``ratio``). The company has 8 million
events of two years, up to 41 users an account, contracts, tickets, contacts and invoices.
``store_mb`` is what the newest snapshot takes; those before it have none.
"""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

from benchmarks.workload.company import USAGE, company_settings
from benchmarks.workload.events import ACCOUNTS, bench_folder, make_events
from benchmarks.workload.meter import measure, report
from features.settings import CompanySettings
from features.source import open_source

LIMIT_S = 15.0
EVENTS = 8_000_000
AS_OF = date(2026, 1, 1)
_ACCOUNT = (
    f"(SELECT 'A' || lpad(CAST(i AS VARCHAR), 5, '0') AS account_id, i FROM range({ACCOUNTS}) r(i))"
)
_TABLES = {
    "users": f"""SELECT 'U' || CAST(i * 100 + n AS VARCHAR) AS user_id, account_id,
        'Person ' || i || ' ' || n AS name,
        CASE n WHEN 0 THEN 'champion' WHEN 1 THEN 'admin' ELSE 'member' END AS role,
        DATE '2024-01-01' + CAST((i * 7 + n * 13) % 600 AS INTEGER) AS activated_at
        FROM {_ACCOUNT}, range(41) AS u(n) WHERE n <= 4 + i % 37""",
    "contracts": f"""SELECT 'C' || i || '-' || n AS contract_id, account_id,
        DATE '2024-01-01' + CAST(i % 360 + 365 * n AS INTEGER) AS start_date,
        DATE '2024-01-01' + CAST(i % 360 + 365 * (n + 1) AS INTEGER) AS end_date,
        5000 + i % 100 * 500 AS arr, 'EUR' AS currency, 10 + i % 37 AS seats, 60 AS notice_days
        FROM {_ACCOUNT}, range(2) AS c(n)""",
    "tickets": f"""SELECT 'T' || i || '-' || n AS ticket_id, account_id,
        DATE '2024-06-01' + CAST((i * 11 + n * 53) % 570 AS INTEGER) AS opened_at,
        DATE '2024-06-04' + CAST((i * 11 + n * 53) % 570 AS INTEGER) AS resolved_at,
        FROM {_ACCOUNT}, range(10) AS t(n)""",
    "touchpoints": f"""SELECT account_id, 'call' AS kind, 'vendor' AS initiated_by,
        DATE '2024-06-01' + CAST((i * 13 + n * 47) % 570 AS INTEGER) AS ts
        FROM {_ACCOUNT}, range(12) AS t(n)""",
    "invoices": f"""SELECT account_id, 500 AS amount,
        DATE '2024-01-01' + CAST(30 * n AS INTEGER) AS issued_at,
        DATE '2024-01-31' + CAST(30 * n AS INTEGER) AS due_at,
        DATE '2024-01-29' + CAST(30 * n AS INTEGER) AS paid_at
        FROM {_ACCOUNT}, range(20) AS v(n)""",
}


def main() -> None:
    """Print the figures as one JSON line."""
    folder = bench_folder() / "boards"
    settings = _settings(make_events(EVENTS))
    measure(_open, settings, folder)  # the rollup is no part of it
    opened = measure(_open, settings, folder)
    made = measure(_make, settings, folder)
    cost = made.cpu_s - opened.cpu_s
    report(
        "boards",
        cost / LIMIT_S,
        1.0,
        f"{LIMIT_S:.0f} s of CPU",
        cpu_s=cost,
        wall_s=made.wall_s - opened.wall_s,
        peak_mb=made.peak_mb,
        accounts=ACCOUNTS,
        events=EVENTS,
        store_mb=made.result,
    )
    shutil.rmtree(folder)


def _settings(events: Path) -> CompanySettings:
    usage = company_settings(events, USAGE, "4GB")
    keys = usage.model_dump(mode="json", exclude_unset=True)
    keys["tables"] |= _TABLES
    return CompanySettings.model_validate(keys | {"labels": {}, "currency": "EUR", "leave_out": []})


def _open(settings: CompanySettings, folder: Path) -> None:
    open_source(settings, spill=folder / "spill", rollup=folder / "rollup")


def _make(settings: CompanySettings, folder: Path) -> float:
    """Make and pack the boards; their megabytes."""
    from models.store_row import pack_quickly
    from pipelines.board import build_boards
    from pipelines.page import prepare_tables, read_all_lives

    source = open_source(settings, spill=folder / "spill", rollup=folder / "rollup")
    prepare_tables(source, AS_OF)
    lives = {life.account_id: life for life in read_all_lives(source, AS_OF)}
    boards = build_boards(source, AS_OF, sorted(lives), lives)
    return sum(len(pack_quickly(board)) for _, board in boards.each) / 1e6


if __name__ == "__main__":
    main()
