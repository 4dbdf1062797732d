"""Order, files, neighbours and the process's time zone change nothing; shares stay shares."""

from __future__ import annotations

import random
import shutil
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.dataset import build_datasets
from features.settings import CompanySettings
from features.source import open_source
from tests.property.answer import feature_rows, is_same, open_answer
from tests.property.company import ACCOUNTS, GONE, Company, Row, companies
from tests.property.oracle_onboarding import onboarding_features
from tests.property.oracle_usage import Past, usage_features
from tests.written_company import write_query

_FEW = settings(max_examples=max(settings().max_examples // 4, 1))
Rows = dict[tuple[str, str | None, date], Row]
Answer = dict[str, Rows]
ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati")
# A leap day, the ends of a long, a short and the last month, and a day whose clock is turned.
ODD_DAYS = tuple(date.fromisoformat(day) for day in (
    "2024-02-29", "2024-03-01", "2024-03-31", "2025-02-28", "2025-12-31", "2025-03-09"
))  # fmt: skip


def answer(company: Company, spill: Path) -> Answer:
    """Every feature of every row, by model."""
    found = open_answer(company, spill)[1].items()
    return {model: feature_rows(dataset) for model, dataset in found}


def assert_same(found: Answer, expected: Answer) -> None:
    """Both have the same rows and features, up to the last digits of sums."""
    assert found.keys() == expected.keys()
    for model, rows in expected.items():
        assert found[model].keys() == rows.keys(), model
        for key, row in rows.items():
            other = found[model][key]
            different = {n: (other[n], row[n]) for n in row if not is_same(other[n], row[n])}
            assert not different, (model, key)


def read_from_files(company: Company, folder: Path, *, seed: int) -> str:
    """Write the usage rows in random order into one to three files, and return their query."""
    draw = random.Random(seed)
    rows = draw.sample(company.tables["usage"], len(company.tables["usage"]))
    cuts = sorted(draw.randrange(len(rows) + 1) for _ in range(draw.randrange(3)))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, (first, last) in enumerate(zip([0, *cuts], [*cuts, len(rows)], strict=True)):
        if first < last:
            query = write_query("usage", rows[first:last])
            duckdb.execute(f"COPY ({query}) TO '{folder}/{number}.parquet' (FORMAT parquet)")
    return f"SELECT * FROM read_parquet('{folder}/*.parquet')"


@given(company=companies(), seed=st.integers(0, 999))
@_FEW
def test_how_usage_is_spread_over_files_changes_nothing(
    company: Company, seed: int, spill: Path
) -> None:
    expected = answer(company, spill)
    folder = spill / "files"
    usage = read_from_files(company, folder, seed=seed)
    others = {name: write_query(name, rows) for name, rows in company.tables.items() if rows}
    sections: dict[str, Any] = {**company.settings, "tables": {**others, "usage": usage}}
    sections["time"] = {**sections["time"], "data_end": company.data_end}
    source = open_source(CompanySettings.model_validate(sections), spill=spill)
    datasets = build_datasets(source, dates=list(company.dates))
    assert_same({model: feature_rows(dataset) for model, dataset in datasets.items()}, expected)


@given(company=companies())
@_FEW
def test_one_account_at_a_time_equals_all_at_once(company: Company, spill: Path) -> None:
    alone: Answer = {}
    for account_id in ACCOUNTS:
        tables = {
            name: [row for row in rows if row.get("account_id", GONE) in (account_id, GONE)]
            for name, rows in company.tables.items()
        }
        for model, rows in answer(replace(company, tables=tables), spill).items():
            alone.setdefault(model, {}).update(_own(rows, account_id))
    whole = answer(company, spill)
    together: Answer = {
        model: {key: row for name in ACCOUNTS for key, row in _own(rows, name).items()}
        for model, rows in whole.items()
    }
    assert_same(alone, together)


@pytest.mark.parametrize(
    ("place", "amount"),
    [("features.usage._SLICE_ROWS", 1), ("features.engine._MEMORY_SHARE", 10**8)],
)
@given(company=companies())
@settings(max_examples=max(settings().max_examples // 8, 1))
def test_how_many_accounts_are_computed_at_a_time_changes_nothing(
    place: str, amount: int, company: Company, spill: Path
) -> None:
    expected = answer(company, spill)
    with patch(place, amount):
        assert_same(answer(company, spill), expected)


def _own(rows: Rows, account_id: str) -> Rows:
    """The rows of an account, without what they say of others under the same parent."""
    return {
        key: {name: cell for name, cell in row.items() if not name.startswith("siblings")}
        for key, row in rows.items()
        if key[0] == account_id
    }


@given(company=companies())
@_FEW
def test_an_event_told_twice_counts_once(company: Company, spill: Path) -> None:
    usage = [
        {**row, "event_id": row["event_id"] or f"unnamed{number}"}
        for number, row in enumerate(company.tables["usage"])
    ]
    once = replace(company, tables={**company.tables, "usage": usage})
    twice = replace(company, tables={**company.tables, "usage": [*usage, *usage]})
    assert_same(answer(twice, spill), answer(once, spill))


@given(company=companies())
@_FEW
def test_shares_lie_between_nothing_and_all(company: Company, spill: Path) -> None:
    for dataset in open_answer(company, spill)[1].values():
        shares = [f.name for f in dataset.catalogue.features if f.unit == "share"]
        for key, row in feature_rows(dataset).items():
            for name in shares:
                assert row[name] is None or 0 <= row[name] <= 1, (name, key)


ODD_CATALOGUE = {
    "save": {"module": "a", "core": True, "value_action": True},
    "view": {"view": True},
}


def odd_company() -> Company:
    """A company whose usage and as-of dates lie about leap days and the ends of months."""
    usage = [
        {
            "account_id": "A",
            "ts": day - timedelta(days=age),
            "event": event,
            "event_id": None,
            "user_id": f"u{age % 3}",
            "count": None,
            "known_at": None if age % 2 else day,
            "duration_s": 30.0,
            "session_id": "s1",
        }
        for day in ODD_DAYS
        for age in (0, 1, 2, 6, 7, 8, 27, 28, 29, 90, 91, 92, 365, 366)
        for event in ODD_CATALOGUE
    ]
    churn = {"by": ["inactivity"], "inactivity": {"silent_days": 28}, "horizon_days": 28}
    sections = {"catalogue": ODD_CATALOGUE, "labels": {"churn": churn}, "time": {"grain": "day"}}
    tables: dict[str, list[Row]] = {"accounts": [{"account_id": "A"}], "usage": usage}
    return Company(tables, sections, ODD_DAYS, date(2026, 2, 1))


def test_leap_days_and_the_ends_of_months_are_days_like_others(spill: Path) -> None:
    company = odd_company()
    rows = answer(company, spill)["churn"]
    assert {key[2] for key in rows} == set(ODD_DAYS)
    for (account_id, _, as_of), row in rows.items():
        past = Past(company, account_id, as_of)
        expected = usage_features(past, None, None) | onboarding_features(past, [])
        names = row.keys() & expected.keys()
        assert len(names) > 30
        for name in names:
            assert is_same(row[name], expected[name]), (name, as_of)


def test_the_zone_of_the_process_changes_nothing(
    spill: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company, found = odd_company(), []
    moments = ", ".join(
        f"('A', '{row['ts']}T{hour}:30:00+00:00', '{row['event']}', '{row['user_id']}')"
        for row in company.tables["usage"]
        for hour in ("00", "04", "23")
    )
    usage = f"SELECT * FROM (VALUES {moments}) AS t(account_id, ts, event, user_id)"
    accounts = write_query("accounts", company.tables["accounts"])
    time_ = {"zone": "America/New_York", "data_end": company.data_end}
    sections = {**company.settings, "tables": {"accounts": accounts, "usage": usage}}
    wanted = CompanySettings.model_validate({**sections, "time": time_})
    try:
        for zone in ZONES:
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            datasets = build_datasets(open_source(wanted, spill=spill), dates=list(ODD_DAYS))
            found.append({model: feature_rows(dataset) for model, dataset in datasets.items()})
    finally:
        monkeypatch.undo()
        time.tzset()
    assert all(other == found[0] for other in found[1:])
    # 04:30 in Greenwich on 1 March is still 29 February in New York.
    leap = found[0]["churn"]["A", None, date(2024, 3, 1)]
    assert leap["days_since_use"] == 1
