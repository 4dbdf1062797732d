"""What a flat table must hold, and what is decided about its columns."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import InputError
from features.flat import FlatTable, read_flat_table
from features.flat_column import FlatOptions, looks_like_duration
from features.outcome_name import states_outcome
from tests.flat_company import make_accounts, make_months

TODAY = date(2026, 1, 15)
CHURNED = FlatOptions("churned")


def read(
    frame: pd.DataFrame,
    folder: Path,
    options: FlatOptions = CHURNED,
    *,
    drawn_up: date | None = None,
) -> FlatTable:
    path = folder / "customers.csv"
    frame.to_csv(path, index=False)
    return read_flat_table(path, options, today=TODAY, drawn_up=drawn_up)


def problems_of(
    frame: pd.DataFrame, folder: Path, options: FlatOptions = CHURNED
) -> dict[str, str]:
    """The refused columns with the rule and the remedy."""
    with pytest.raises(InputError) as refused:
        read(frame, folder, options)
    return {
        problem.column: f"{problem.rule}; {problem.remedy}" for problem in refused.value.problems
    }


def test_columns_are_found_by_well_known_names_and_all_others_are_features(tmp_path: Path) -> None:
    table = read(make_accounts(), tmp_path)
    assert list(table.features) == ["seats_used", "plan", "noise", "sso", "arr"]
    assert table.rows["account_id"].iloc[0] == "A0000"
    assert table.rows["arr"].notna().all()
    assert not table.dated
    assert table.data_end is None
    assert table.rows["as_of"].nunique() == 1
    assert "column 'seats used' is the feature seats_used" in table.notices
    assert table.columns["sso"] == ("sso", "flag")


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    frame = make_accounts()
    frame.to_parquet(tmp_path / "customers.parquet")
    found = read_flat_table(tmp_path / "customers.parquet", CHURNED, today=TODAY)
    written = read(frame, tmp_path)
    pd.testing.assert_frame_equal(found.features, written.features)
    pd.testing.assert_frame_equal(found.rows, written.rows)


def test_the_day_of_a_table_without_dates_is_known_only_where_it_was_said(tmp_path: Path) -> None:
    assert read(make_accounts(), tmp_path).data_end is None
    said = read(make_accounts(), tmp_path, drawn_up=date(2025, 6, 1))
    assert said.data_end == date(2025, 6, 1)
    assert (said.rows["as_of"] == pd.Timestamp("2025-06-01")).all()
    one_date = read(make_accounts().assign(as_of=date(2025, 3, 1)), tmp_path)
    assert not one_date.dated
    assert one_date.data_end == date(2025, 3, 1)


def test_without_an_account_column_rows_are_numbered_and_that_is_said(tmp_path: Path) -> None:
    table = read(make_accounts().drop(columns="account_id"), tmp_path)
    assert list(table.rows["account_id"][:2]) == ["1", "2"]
    assert any("numbered by its place" in notice for notice in table.notices)


def test_every_problem_of_a_table_is_told_at_once(tmp_path: Path) -> None:
    frame = make_accounts()
    frame.loc[0, "churned"] = 2
    frame.loc[1, "account_id"] = "A0000"
    frame["noise"] = frame["noise"].where(frame["noise"] < 2, np.inf)
    frame["Status"] = "active"
    frame["met_on"] = date(2025, 3, 1)
    frame["comment"] = [f"text {number}" for number in range(len(frame))]
    found = problems_of(frame, tmp_path)
    assert set(found) == {"churned", "account_id", "noise", "Status", "met_on", "comment"}
    assert "must be 1 or 0" in found["churned"]
    assert "--date-column" in found["account_id"]
    assert "must be finite" in found["noise"]
    assert "--leave-out 'Status'" in found["Status"]
    assert "is a date and no feature" in found["met_on"]
    assert "400 different texts in 400 rows" in found["comment"]


def test_what_is_refused_as_a_feature_may_be_left_out(tmp_path: Path) -> None:
    frame = make_accounts().assign(status="active", comment=make_accounts()["account_id"])
    options = FlatOptions("churned", leave_out=("status", "comment", "arr"))
    table = read(frame, tmp_path, options)
    assert list(table.features) == ["seats_used", "plan", "noise", "sso"]
    assert table.rows["arr"].notna().all()  # still the money at risk


def test_columns_that_are_not_there_are_told_with_those_that_are(tmp_path: Path) -> None:
    options = FlatOptions("lost", account="id", leave_out=("colour",))
    found = problems_of(make_accounts(), tmp_path, options)
    assert set(found) == {"lost", "id", "colour"}
    assert "seats used" in found["lost"]


def test_one_column_cannot_be_two_things(tmp_path: Path) -> None:
    found = problems_of(make_accounts(), tmp_path, FlatOptions("churned", duration="churned"))
    assert "cannot be both --label and --duration-column" in found["churned"]


def test_names_that_would_become_one_feature_are_refused(tmp_path: Path) -> None:
    frame = make_accounts().assign(seats_used=0.5)
    assert "same feature seats_used" in problems_of(frame, tmp_path)["seats_used"]


@pytest.mark.parametrize("words", [("yes", "no"), ("True", "False"), ("1", "0")])
def test_a_label_may_be_written_in_words(tmp_path: Path, words: tuple[str, str]) -> None:
    frame = make_accounts()
    label = frame["churned"].astype(float)
    frame["churned"] = np.where(frame["churned"] == 1, *words)
    frame.loc[3, "churned"] = None
    found = read(frame, tmp_path).rows["label"]
    assert np.isnan(found[3])
    assert (found.drop(index=3) == label.drop(index=3)).all()


@pytest.mark.parametrize(
    "name",
    ["status", "Churn Reason", "churnDate", "is_churned", "churn_score", "cancelled_at", "exited"],
)
def test_a_name_that_states_an_outcome_is_seen(name: str) -> None:
    assert states_outcome(name)


@pytest.mark.parametrize(
    "name",
    [
        "months_active",
        "Tenure Months",
        "tenure_at_end",
        "lifetime",
        "daysToChurn",
        "survival_time",
        "duration",
        "time_to_event",
        "contract_duration",
    ],
)
def test_a_name_that_may_be_a_survival_time_is_seen(name: str) -> None:
    assert looks_like_duration(name)


@pytest.mark.parametrize(
    "name", ["seats", "minutes_customer_support", "active_users", "days_since_login", "statuses"]
)
def test_an_ordinary_name_is_neither(name: str) -> None:
    assert not looks_like_duration(name)
    assert not states_outcome(name)


def test_a_survival_time_is_warned_of_until_it_is_named(tmp_path: Path) -> None:
    frame = make_accounts().assign(months_active=np.arange(400) % 12)
    warned = read(frame, tmp_path)
    assert "months_active" in warned.features
    (warning,) = warned.warnings
    assert "--duration-column 'months_active'" in warning
    named = read(frame, tmp_path, FlatOptions("churned", duration="months_active"))
    assert "months_active" not in named.features
    assert named.warnings == ()


def test_a_column_that_numbers_the_rows_is_no_feature(tmp_path: Path) -> None:
    table = read(make_accounts().assign(row=range(1, 401)), tmp_path)
    assert "row" not in table.features
    assert "row numbers the rows and is no feature" in table.notices


def test_accounts_of_a_parent_share_a_group_and_others_are_their_own(tmp_path: Path) -> None:
    frame = make_accounts()
    frame["parent_id"] = [7, 7, *[None] * 398]
    table = read(frame, tmp_path)
    assert list(table.rows["group_id"][:3]) == ["7", "7", "A0002"]
    assert "parent_id" not in table.features


def test_rows_over_time_need_their_account(tmp_path: Path) -> None:
    found = problems_of(make_months().drop(columns="account_id"), tmp_path)
    assert "rows over time need the account" in found[""]


def test_an_account_may_stand_once_on_a_date_and_on_many_dates(tmp_path: Path) -> None:
    frame = make_months()
    assert read(frame, tmp_path).dated
    again = pd.concat([frame, frame.head(2)], ignore_index=True)
    assert "once on a date" in problems_of(again, tmp_path)["account_id"]


def test_two_accounts_with_one_id_in_the_crm_are_refused(tmp_path: Path) -> None:
    short, long = "0015g00000XyZab", "0015g00000XyZabAAF"
    accounts = make_accounts()
    ids = [f"crm-{place}" for place in range(len(accounts))]
    for first, second in ((short, long), (short, short), ("7", "7")):
        shared = accounts.assign(external_id=[first, second, *ids[2:]])
        told = problems_of(shared, tmp_path)
        assert told.keys() == {"external_id"}
        assert told["external_id"].startswith("must name one account, but several")
        assert problems_of(shared.drop(columns="account_id"), tmp_path) == told
    other_case = pd.Series([short, short.lower(), None, None, *ids[4:]], dtype=object)
    rows = read(accounts.assign(external_id=other_case), tmp_path).rows
    assert rows["external_id"].iloc[0] == short


def test_of_rows_over_time_the_last_one_tells_the_id_in_the_crm(tmp_path: Path) -> None:
    months = make_months()
    last = months["as_of"] == months.groupby("account_id")["as_of"].transform("max")
    own = "crm-" + months["account_id"]
    handed_on = own.where(last, "one of an account before")
    assert "external_id" in read(months.assign(external_id=handed_on), tmp_path).rows
    shared = months.assign(external_id=own.where(~last, "the same"))
    assert problems_of(shared, tmp_path).keys() == {"external_id"}


def test_dates_must_be_there_be_dates_and_lie_in_the_past(tmp_path: Path) -> None:
    frame = make_months().astype({"as_of": str})
    frame.loc[0, "as_of"] = "soon"
    assert "must hold dates" in problems_of(frame, tmp_path)["as_of"]
    frame.loc[0, "as_of"] = "2026-02-01"
    assert "lies in the future" in problems_of(frame, tmp_path)["as_of"]
    frame.loc[0, "as_of"] = None
    assert "must not be empty" in problems_of(frame, tmp_path)["as_of"]


def test_dates_with_next_to_nobody_on_them_cannot_be_compared(tmp_path: Path) -> None:
    frame = make_accounts()
    frame["as_of"] = pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(400) // 3, unit="D")
    assert "134 dates of 3.0 rows each" in problems_of(frame, tmp_path)["as_of"]


def test_a_time_within_a_day_counts_from_the_next_midnight(tmp_path: Path) -> None:
    frame = make_months()
    frame["as_of"] = pd.to_datetime(frame["as_of"]) + pd.Timedelta(hours=9)
    assert read(frame, tmp_path).rows["as_of"].min() == pd.Timestamp("2025-01-02")


def test_a_label_that_was_not_known_by_the_end_is_not_known(tmp_path: Path) -> None:
    table = read(make_months(), tmp_path, FlatOptions("churned", horizon_days=90))
    known = table.rows.groupby("as_of")["label"].count()
    assert (known[known.index > pd.Timestamp("2025-07-03")] == 0).all()
    assert (known[known.index <= pd.Timestamp("2025-07-03")] == 120).all()
    assert any("labels were not known by 2025-10-01" in notice for notice in table.notices)
    later = read(
        make_months(),
        tmp_path,
        FlatOptions("churned", horizon_days=90),
        drawn_up=date(2025, 12, 31),
    )
    assert later.rows["label"].notna().all()


def test_nothing_dated_after_the_day_of_the_table_is_used(tmp_path: Path) -> None:
    table = read(make_months(), tmp_path, drawn_up=date(2025, 6, 1))
    assert table.rows["as_of"].max() == pd.Timestamp("2025-06-01")
    assert "480 rows are dated after 2025-06-01 and left out" in table.notices


def test_a_label_that_looks_ahead_without_a_horizon_is_spoken_of(tmp_path: Path) -> None:
    assert any("--horizon-days" in notice for notice in read(make_months(), tmp_path).notices)


def test_a_table_without_a_column_to_learn_from_is_refused(tmp_path: Path) -> None:
    frame = make_accounts()[["account_id", "churned"]]
    assert "no column left to learn from" in problems_of(frame, tmp_path)[""]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for name in ("none.csv", "table.xlsx"):
        with pytest.raises(InputError, match=name):
            read_flat_table(tmp_path / name, CHURNED, today=TODAY)
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"no parquet")
    with pytest.raises(InputError, match="cannot be read"):
        read_flat_table(broken, CHURNED, today=TODAY)
