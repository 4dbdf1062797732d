"""What is known on or after an as-of date, and what others do, changes nothing on it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from pathlib import Path

from hypothesis import event, given, settings
from hypothesis import strategies as st

from features.state import read_states
from tests.property.answer import feature_rows, open_answer, plain, read_rows
from tests.property.company import ACCOUNTS, DATES, GONE, Company, Row, companies
from tests.property.future import other_futures, without_future

_HALF = settings(max_examples=max(settings().max_examples // 2, 1))
# What people are shown of an account stands as it is today, and is no feature.
_SHOWN = frozenset({"parent_id", "segment", "account_tier"})
Seen = dict[str, dict[tuple[str, str | None, date], Row]]


def _seen_on(company: Company, as_of: date, spill: Path, *, grid: bool = True) -> Seen:
    """Everything that is said of an as-of date before its labels: rows, features and states."""
    dates = company.dates if grid else [as_of]
    source, datasets = open_answer(company, spill, dates)
    seen: Seen = {
        model: {key: row for key, row in feature_rows(dataset).items() if key[2] == as_of}
        for model, dataset in datasets.items()
    }
    if "renewal" in datasets:
        query = f"SELECT * EXCLUDE (label, outcome) FROM renewal_row WHERE as_of = '{as_of}'"
        found = read_rows(source, query)
        seen["due"] = {(row["account_id"], row["contract_id"], as_of): row for row in found}
    states = read_states(source, as_of).to_dict("records")
    seen["state"] = {
        (row["account_id"], None, as_of): {
            str(k): plain(v) for k, v in row.items() if k not in _SHOWN
        }
        for row in states
    }
    return seen


def _assert_same(one: Seen, other: Seen) -> None:
    assert one.keys() == other.keys()
    for part in one:
        assert one[part].keys() == other[part].keys(), part
        for key, row in one[part].items():
            assert row == other[part][key], (part, key)
        event(f"{part}: {'some' if one[part] else 'no'} rows")


@given(company=companies(rates_from_start=True), as_of=st.sampled_from(DATES))
@_HALF
def test_taking_away_what_was_known_later_changes_nothing(
    company: Company, as_of: date, spill: Path
) -> None:
    past = without_future(company, as_of)
    _assert_same(_seen_on(company, as_of, spill), _seen_on(past, as_of, spill))


@given(company=companies(rates_from_start=True), as_of=st.sampled_from(DATES), data=st.data())
@_HALF
def test_another_future_changes_nothing(
    company: Company, as_of: date, data: st.DataObject, spill: Path
) -> None:
    other = data.draw(other_futures(company, as_of))
    _assert_same(_seen_on(company, as_of, spill), _seen_on(other, as_of, spill))


@given(company=companies(rates_from_start=True), as_of=st.sampled_from(DATES))
@_HALF
def test_scoring_on_the_last_day_sees_what_training_sees_later(
    company: Company, as_of: date, spill: Path
) -> None:
    live = replace(company, data_end=as_of)
    _assert_same(_seen_on(company, as_of, spill), _seen_on(live, as_of, spill, grid=False))


@given(company=companies(), account_id=st.sampled_from(ACCOUNTS), as_of=st.sampled_from(DATES))
@_HALF
def test_the_rows_of_other_accounts_change_nothing(
    company: Company, account_id: str, as_of: date, spill: Path
) -> None:
    tables = {
        name: [row for row in rows if row.get("account_id", GONE) in (account_id, GONE)]
        for name, rows in company.tables.items()
    }
    alone = replace(company, tables=tables)
    among_others = {
        part: {key: row for key, row in rows.items() if key[0] == account_id}
        for part, rows in _seen_on(company, as_of, spill).items()
    }
    _assert_same(_without_kin(among_others), _without_kin(_seen_on(alone, as_of, spill)))


def _without_kin(seen: Seen) -> Seen:
    """Without what is said of the accounts under the same parent."""
    return {
        part: {
            key: {name: value for name, value in row.items() if not name.startswith("siblings")}
            for key, row in rows.items()
        }
        for part, rows in seen.items()
    }


@given(company=companies(), as_of=st.sampled_from(DATES), seed=st.integers(0, 9))
@_HALF
def test_the_order_of_rows_changes_nothing(
    company: Company, as_of: date, seed: int, spill: Path
) -> None:
    order = random.Random(seed)
    tables = {name: order.sample(rows, len(rows)) for name, rows in company.tables.items()}
    shuffled = replace(company, tables=tables)
    _assert_same(_seen_on(company, as_of, spill), _seen_on(shuffled, as_of, spill))
