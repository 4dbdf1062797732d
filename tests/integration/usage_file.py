"""A made-up company whose usage lies in files, one a day, and its feature rows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.dataset import build_datasets
from features.settings import CompanySettings
from features.source import Source, open_source
from tests.written_company import write_query

Row = dict[str, Any]  # Any: a cell is a date, a number, a text or missing
FIRST = date(2025, 1, 6)
DATES = (date(2025, 3, 3), date(2025, 3, 31), date(2025, 4, 28))
DATA_END = date(2025, 5, 1)
ACCOUNTS = ("A", "B", "C")
_TYPES = {
    **dict.fromkeys(("account_id", "event", "event_id", "user_id", "session_id"), pa.string()),
    **dict.fromkeys(("ts", "known_at"), pa.date32()),
    "count": pa.int32(),
    "duration_s": pa.float64(),
}
CATALOGUE = {
    "save": {"module": "report", "core": True, "value_action": True},
    "view": {"module": "report", "view": True},
    "export": {"module": "data", "core": True, "hard_to_leave": True},
}


def usage_of_day(day: date, *, late: bool = True, sessions: bool = True) -> list[Row]:
    """What three accounts did on a day; some of it became known only later."""
    draw = random.Random(day.toordinal())
    rows: list[Row] = []
    for account_id in ACCOUNTS:
        for number in range(draw.randrange(4)):
            known = day + timedelta(days=draw.choice([0, 0, 1, 9, 40])) if late else None
            row = {
                "account_id": account_id,
                "ts": day,
                "event": draw.choice([*CATALOGUE, "login"]),
                "event_id": f"{day}-{number}",
                "user_id": draw.choice(["u1", "u2", "u3", None]),
                "count": draw.choice([1, 2, 5]),
                "duration_s": draw.choice([None, 30.0, 90.5]),
                "known_at": known,
            }
            rows.append(row | ({"session_id": draw.choice(["s1", "s2"])} if sessions else {}))
    return rows


def days(number: int) -> list[date]:
    """The first days of the data."""
    return [FIRST + timedelta(days=day) for day in range(number)]


def write_usage(file: Path, rows: Sequence[Row], *, without: Sequence[str] = ()) -> Path:
    """The rows as Parquet, columns typed alike in every file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    names = [name for name in (rows[0] if rows else _TYPES) if name not in without]
    columns = {name: pa.array([row[name] for row in rows], _TYPES[name]) for name in names}
    pq.write_table(pa.table(columns), file)
    return file


def settings_of(usage: str, **sections: Any) -> CompanySettings:  # Any: sections
    """The company's settings with this usage query."""
    contracts = [
        {
            "contract_id": f"{account}1",
            "account_id": account,
            "start_date": FIRST - timedelta(days=30 * number),
            "end_date": FIRST + timedelta(days=365),
            "seats": 5,
        }
        for number, account in enumerate(ACCOUNTS)
    ]
    accounts = [{"account_id": account} for account in ACCOUNTS]
    tables = {
        "accounts": write_query("accounts", accounts),
        "contracts": write_query("contracts", contracts),
        "usage": usage,
    }
    sections.setdefault("catalogue", CATALOGUE)
    time = {"data_end": DATA_END, **sections.pop("time", {})}
    return CompanySettings.model_validate({"tables": tables, "time": time, **sections})


def open_files(
    folder: Path,
    home: Path,
    *,
    rebuild: bool = False,
    **sections: Any,  # Any: sections
) -> Source:
    """The company whose usage is every Parquet file in a folder, rolled up under a home."""
    usage = f"SELECT * FROM read_parquet('{folder}/*.parquet')"
    settings = settings_of(sections.pop("usage", usage), **sections)
    return open_source(settings, spill=home / "spill", rollup=home / "rollup", rebuild=rebuild)


def features_of(source: Source, dates: Sequence[date] = DATES) -> pd.DataFrame:
    """Every feature of every account on these dates."""
    dataset = build_datasets(source, dates=list(dates))["churn"]
    return pd.concat([dataset.rows[["account_id", "as_of"]], dataset.features], axis=1)


def built_at_once(folder: Path, home: Path, **sections: Any) -> pd.DataFrame:  # Any: sections
    """The features as a home that never saw the company before computes them."""
    return features_of(open_files(folder, home, **sections))


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Both have the same rows and features."""
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-12, atol=1e-12)
