"""The benchmark's company as Keepwell is told of it, and the rows that features are wanted for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from benchmarks.workload.events import ACCOUNTS
from features.catalogue import GROUPS
from features.settings import CompanySettings
from features.source import Source, open_source


@dataclass(frozen=True)
class Workload:
    """Which features are wanted.

    Parameters
    ----------
    groups : tuple of str
        Groups of the catalogue.
    left_out : tuple of str
        Features of these groups that are not wanted.
    kinds : bool
        Whether the configuration says what each event is.
    """

    groups: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    kinds: bool = True


# What is known of use without telling one kind of event from another.
CORE = Workload(
    ("activity", "trend", "adoption", "people"),
    ("features_used_28d", "features_share_91d", "features_change_28d"),
    kinds=False,
)
USAGE = Workload(("activity", "value", "trend", "adoption", "onboarding"))


def monthly_dates(number: int) -> list[date]:
    """The last ``number`` firsts of the month up to the end of the events, 2026-01-01."""
    months = [(2024 + month // 12, month % 12 + 1) for month in range(1, 25)]
    return [date(year, month, 1) for year, month in months][-number:]


def company_settings(files: Path, workload: Workload, memory: str) -> CompanySettings:
    """Usage alone, with seven modules, and the features that are wanted.

    Parameters
    ----------
    files : Path
        A Parquet file of events, or a folder of them.
    workload : Workload
    memory : str
        DuckDB's limit.
    """
    pattern = files / "*.parquet" if files.is_dir() else files
    kinds = {
        f"event_{number}": {
            "module": f"module_{number % 7}",
            "core": number % 6 == 0,
            "value_action": number % 3 == 0,
            "view": number % 5 == 1,
            "hard_to_leave": number % 10 == 9,
        }
        for number in range(30)
    }
    accounts = f"SELECT 'A' || lpad(CAST(i AS VARCHAR), 5, '0') FROM range({ACCOUNTS}) AS r(i)"
    return CompanySettings.model_validate(
        {
            "memory_limit": memory,
            "tables": {
                "accounts": f"SELECT account_id FROM ({accounts}) AS a(account_id)",
                "usage": "SELECT account_id, user_id, ts, event, duration_s "
                f"FROM read_parquet('{pattern}')",
            },
            "catalogue": kinds if workload.kinds else {},
            "leave_out": [*(g for g in GROUPS if g not in workload.groups), *workload.left_out],
            "labels": {"churn": None},
            "time": {"data_end": date(2026, 1, 2)},
        }
    )


def open_company(settings: CompanySettings, folder: Path) -> Source:
    """The company with its rollup under a folder."""
    return open_source(settings, spill=folder / "spill", rollup=folder / "rollup")


def ask_grid(source: Source, dates: Sequence[date]) -> str:
    """Create the rows of every account on every date, and return the table's name."""
    _create_dates(source, dates)
    source.connection.execute(
        "CREATE OR REPLACE TABLE wanted AS SELECT account_id, NULL::VARCHAR AS contract_id, as_of "
        "FROM accounts CROSS JOIN as_of_date"
    )
    return "wanted"


def ask_renewals(source: Source, rows: int) -> str:
    """Create rows of single contracts on days off the grid, and return the table's name."""
    days = [date(2024, 2, 1) + timedelta(days=number) for number in range(699)]
    _create_dates(source, days)
    source.connection.execute(
        f"""CREATE OR REPLACE TABLE wanted AS
        SELECT DISTINCT 'A' || lpad(CAST(i % {ACCOUNTS} AS VARCHAR), 5, '0') AS account_id,
               'C' || CAST(i AS VARCHAR) AS contract_id,
               DATE '2024-02-01' + CAST(hash(i) % 699 AS INTEGER) AS as_of
        FROM range({rows}) AS r(i)"""
    )
    return "wanted"


def _create_dates(source: Source, dates: Sequence[date]) -> None:
    source.connection.execute(
        "CREATE OR REPLACE TABLE as_of_date AS SELECT unnest(CAST($1 AS DATE[])) AS as_of",
        [list(dates)],
    )
