"""Columns that hold the outcome are refused, by name or by what they say; honest ones are not."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.errors import InputError, Problem
from features.outcome_name import columns_read, states_outcome
from features.schema import TABLES
from tests.written_company import Tables, open_company

END = date(2026, 1, 1)
ACCOUNTS = 120


def left(number: int) -> bool:
    return number % 3 == 0


def company(**columns: list[Any]) -> dict[str, list[dict[str, Any]]]:  # Any: cells
    """Every third account's term of 2024 had no successor; extra columns of accounts."""
    accounts: list[dict[str, Any]] = []  # Any: cells
    contracts: list[dict[str, Any]] = []
    for number in range(ACCOUNTS):
        name = f"A{number}"
        extra = {column: cells[number] for column, cells in columns.items()}
        accounts.append({"account_id": name, **extra})
        for year in (2024,) if left(number) else (2024, 2025):
            start = date(year, 3, 1) + timedelta(days=number)
            contracts.append(
                {
                    "contract_id": f"{name}/{year}",
                    "account_id": name,
                    "start_date": start,
                    "end_date": start + timedelta(days=365),
                    "plan": f"plan {number % 4} of {year}",
                    "seats": float(number % 7),
                }
            )
    return {"accounts": accounts, "contracts": contracts}


def problems_of(tables: Tables, spill: Path, **settings: Any) -> list[Problem]:  # Any: sections
    try:
        source = open_company(tables, spill=spill, data_end=END, **settings)
    except InputError as error:
        return list(error.problems)
    return [problem for problem in source.notices if problem.action == "allow"]


def declared(*names: str, kind: str = "category") -> dict[str, Any]:
    return {name: {"kind": kind, "constant": True} for name in names}


def cells(value: Any, other: Any) -> list[Any]:  # Any: cells
    """One value for those that left, another for the others."""
    return [value if left(number) else other for number in range(ACCOUNTS)]


@pytest.mark.parametrize(
    "name",
    [
        "status", "churned", "ChurnFlag", "IS_CHURNED", "churnflag", "isChurned", "churn_date",
        "cancelled_at", "CancellationDate", "cancel_reason", "closed_reason", "lost_reason",
        "exit_survey", "renewed", "is_active", "IsActive", "account_status", "renewal_status",
        "end_reason", "Churn?", "left_on", "termination_date",
    ],
)  # fmt: skip
def test_a_name_that_states_an_outcome_is_known_in_every_spelling(name: str) -> None:
    assert states_outcome(name)


@pytest.mark.parametrize(
    "name",
    [
        "plan", "region", "discount", "channel", "end_date", "contract_end_date", "renewal_date",
        "payment_status", "active_users", "auto_renew", "current_plan", "account_type",
        "final_price", "retention_days", "left_handed", "status_page_url", "lost_deals",
        "reason", "churches",
    ],
)  # fmt: skip
def test_an_innocent_name_states_none(name: str) -> None:
    assert not states_outcome(name)


def test_a_query_that_renames_an_outcome_is_seen_unless_it_is_a_date_of_the_contract() -> None:
    query = "SELECT id AS account_id, CAST(churn_flag AS VARCHAR) AS loyalty FROM t"
    assert list(columns_read("accounts", query)) == [("loyalty", "churn_flag")]
    star = "SELECT * EXCLUDE (churned) RENAME (churn_flag AS loyalty) FROM t"
    assert list(columns_read("accounts", star)) == [("loyalty", "churn_flag")]
    assert list(columns_read("accounts", "SELECT * EXCLUDE (churn_flag) FROM t")) == []
    assert list(columns_read("contracts", "SELECT churned_on AS terminated_at FROM t")) == []


@pytest.mark.parametrize("name", ["ChurnFlag", "Account_Status"])
def test_an_outcome_is_refused_by_name_as_it_is_mapped(name: str, tmp_path: Path) -> None:
    found = problems_of(
        company(**{name: cells("x", "y")}), tmp_path, attributes=declared(name)
    )  # fmt: skip
    assert [(p.table, p.column, p.rule) for p in found] == [
        ("accounts", name, "states an outcome, which no feature may know")
    ]
    assert "leave it out" in found[0].remedy


def test_values_that_equal_the_label_are_refused(tmp_path: Path) -> None:
    tables = company(loyalty=cells("gone", "here"))
    (found,) = problems_of(tables, tmp_path, attributes=declared("loyalty"))
    assert (found.table, found.column, found.action) == ("accounts", "loyalty", "stop")
    assert "equals the label" in found.rule
    assert found.examples[0] == "gone (40 of 40 ended)"
    assert "leave it out of tables.accounts" in found.remedy


def test_values_that_nearly_equal_the_label_are_refused(tmp_path: Path) -> None:
    values = cells("gone", "here")
    values[0] = "here"
    (found,) = problems_of(company(loyalty=values), tmp_path, attributes=declared("loyalty"))
    assert found.column == "loyalty"


def test_a_number_that_ranks_who_ended_is_refused(tmp_path: Path) -> None:
    values = [100.0 + number if left(number) else number / 2 for number in range(ACCOUNTS)]
    found = problems_of(
        company(points=values), tmp_path, attributes=declared("points", kind="number")
    )
    assert "equals the label: it ranks who ended" in found[0].rule


def test_what_appears_only_after_the_end_is_refused(tmp_path: Path) -> None:
    answers = [f"answer {n}" if left(n) and n % 2 else None for n in range(ACCOUNTS)]
    (found,) = problems_of(
        company(feedback_form=answers), tmp_path, attributes=declared("feedback_form")
    )
    assert "appears only after the end" in found.rule
    assert "50 % of those that ended and 0 % of those that run" in found.rule


def test_what_is_emptied_by_the_end_is_refused(tmp_path: Path) -> None:
    found = problems_of(
        company(csm_team=cells(None, "north")), tmp_path, attributes=declared("csm_team")
    )
    assert "is filled only for who still runs" in found[0].rule


def test_an_outcome_under_the_name_of_a_contract_column_is_refused(tmp_path: Path) -> None:
    tables = company()
    for row in tables["contracts"]:
        gone = left(int(str(row["account_id"])[1:]))
        row.update(product="ex" if gone else "core")
    (found,) = problems_of(tables, tmp_path)
    assert (found.table, found.column) == ("contracts", "product")


def test_an_end_that_only_who_ended_has_was_not_agreed(tmp_path: Path) -> None:
    tables = company()
    kept = [row for row in tables["contracts"] if left(int(str(row["account_id"])[1:]))]
    kept += [
        {**row, "end_date": None}
        for row in tables["contracts"]
        if not left(int(str(row["account_id"])[1:])) and "2024" in str(row["contract_id"])
    ]
    (found,) = problems_of({**tables, "contracts": kept}, tmp_path)
    assert (found.table, found.column) == ("contracts", "end_date")
    assert "AS terminated_at" in found.remedy


def test_the_check_can_be_told_to_say_it_only(tmp_path: Path) -> None:
    tables = company(loyalty=cells("gone", "here"))
    (found,) = problems_of(
        tables, tmp_path, attributes=declared("loyalty"), checks={"outcome": "allow"}
    )
    assert (found.column, found.action) == ("loyalty", "allow")


def test_silence_is_an_end_where_the_label_says_so(tmp_path: Path) -> None:
    tables = company(loyalty=cells("gone", "here"))
    usage = [
        {"account_id": f"A{n}", "ts": date(2025, 6 if left(n) else 12, 30), "event": "login"}
        for n in range(ACCOUNTS)
    ]
    silent = {"by": ["inactivity"], "inactivity": {"silent_days": 28}}
    (found,) = problems_of(
        {"accounts": tables["accounts"], "usage": usage},
        tmp_path,
        attributes=declared("loyalty"),
        labels={"churn": silent},
    )
    assert found.column == "loyalty"


def test_honest_columns_are_left_alone(tmp_path: Path) -> None:
    tables = company(
        channel=[f"channel {number % 5}" for number in range(ACCOUNTS)],
        town=[f"town {number}" for number in range(ACCOUNTS)],
        rival=cells("yes", "no")[:60] + cells("no", "yes")[60:],
    )
    assert problems_of(tables, tmp_path, attributes=declared("channel", "town", "rival")) == []


def test_old_plans_that_were_renamed_are_no_outcome(tmp_path: Path) -> None:
    """All who left had plans of 2024, all who run have one of 2025: but they had the old ones."""
    assert problems_of(company(), tmp_path, attributes={"plan": {"kind": "category"}}) == []


def test_a_few_customers_prove_nothing(tmp_path: Path) -> None:
    tables = company(loyalty=cells("gone", "here"))
    few = {f"A{number}" for number in range(45)}
    small = {name: [r for r in rows if r["account_id"] in few] for name, rows in tables.items()}
    assert problems_of(small, tmp_path, attributes=declared("loyalty")) == []


def test_only_columns_of_the_contract_itself_may_sound_like_an_outcome() -> None:
    named = {(t.name, c.name) for t in TABLES.values() for c in t.columns if states_outcome(c.name)}
    assert named == {
        ("contracts", "terminated_at"), ("users", "deactivated_at"),
        ("touchpoints", "outcome"), ("interventions", "status"),
    }  # fmt: skip
