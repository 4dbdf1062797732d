"""Each rule of the tables: a small written table that breaks it, and what is said of it."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import duckdb
import pytest

from features.errors import InputError
from features.quarantine import write_quarantine
from tests.spec.found import ACCOUNTS, Found, find_problems

Find = Callable[..., Found]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """Check a written company: ``find(contracts="...", checks={...})``."""
    return partial(find_problems, tmp_path / "spill")


TERMS = """
contract_id | start_date | end_date   | arr
c1          | 2024-03-10 | 2025-03-10 | 100
c2          | 2025-03-10 | 2026-03-10 | -5
c3          | 2025-03-10 | 2026-03-10 | 90
"""


def test_an_invalid_value_stops_the_run(find: Find) -> None:
    problem = find(contracts=TERMS).only("contracts.arr")
    assert (problem.action, problem.rows, problem.examples) == ("stop", 1, ("c2 (-5.0)",))
    assert problem.rule == "must not be negative"


def test_rows_with_invalid_values_go_into_quarantine_and_the_run_goes_on(
    find: Find, tmp_path: Path
) -> None:
    found = find(contracts=TERMS, checks={"invalid_value": "quarantine"})
    assert found.only("contracts.arr").action == "quarantine"
    assert found.ids("contracts", "contract_id") == ["c1", "c3"]
    assert found.source is not None
    (file,) = write_quarantine(found.source.connection, tmp_path / "kept", found.problems)
    kept = duckdb.read_parquet(str(file))
    assert file.name == "contracts.parquet"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert kept.columns[-2:] == ["quarantine_rule", "quarantine_reason"]
    assert kept.select("contract_id, arr, quarantine_rule, quarantine_reason").fetchall() == [
        ("c2", -5.0, "invalid_value", "arr must not be negative")
    ]


def test_a_quarantine_without_rows_leaves_no_file_of_the_run_before(
    find: Find, tmp_path: Path
) -> None:
    for checks, files in (({"invalid_value": "quarantine"}, 1), ({}, 0)):
        terms = TERMS if checks else TERMS.replace("-5", "95")
        source = find(contracts=terms, checks=checks).source
        assert source is not None
        assert len(write_quarantine(source.connection, tmp_path / "kept", source.notices)) == files
        assert len(list(tmp_path.glob("kept/*"))) == files


def test_a_quarantine_that_cannot_be_written_is_said(find: Find, tmp_path: Path) -> None:
    source = find(contracts=TERMS, checks={"invalid_value": "quarantine"}).source
    (tmp_path / "file").write_text("here")
    assert source is not None
    with pytest.raises(InputError, match=r"could not be kept there.*KEEPWELL_HOME"):
        write_quarantine(source.connection, tmp_path / "file", source.notices)


def test_more_than_half_of_a_table_is_never_sent_away(find: Find) -> None:
    terms = TERMS.replace("| 100", "| -1").replace("| 90", "| 1")
    found = find(contracts=terms, checks={"invalid_value": "quarantine"})
    assert found.only("contracts.arr").action == "stop"


def test_a_value_that_does_not_parse_is_kept_as_it_came(find: Find, tmp_path: Path) -> None:
    tickets = (
        "SELECT 't' || n AS ticket_id, 'A' AS account_id, '2025-02-0' || n AS opened_at, "
        "CASE WHEN n = 2 THEN '31/31/2025' END AS resolved_at FROM range(1, 5) AS rows(n)"
    )
    found = find(
        contracts="start_date\n2025-01-07", tickets=tickets, checks={"invalid_value": "quarantine"}
    )
    assert found.only("tickets.resolved_at").examples == ("t2 (31/31/2025)",)
    assert found.ids("tickets", "ticket_id") == ["t1", "t3", "t4"]
    assert found.source is not None
    (file,) = write_quarantine(found.source.connection, tmp_path / "kept", found.problems)
    assert duckdb.read_parquet(str(file)).select("resolved_at").fetchall() == [("31/31/2025",)]


def test_rows_that_share_their_key_stop_the_run_or_all_of_them_go_away(find: Find) -> None:
    terms = """
        contract_id | start_date | end_date
        c1          | 2024-03-10 | 2025-03-10
        c1          | 2024-03-11 | 2025-03-11
        c2          | 2025-03-10 | 2026-03-10
        c3          | 2025-03-10 | 2026-03-10
        c4          | 2025-03-10 | 2026-03-10"""
    problem = find(contracts=terms).only("contracts.contract_id")
    assert (problem.action, problem.rows, problem.examples) == ("stop", 2, ("c1",))
    found = find(contracts=terms, checks={"duplicate_key": "quarantine"})
    assert found.only("contracts.contract_id").action == "quarantine"
    assert found.ids("contracts", "contract_id") == ["c2", "c3", "c4"]


def test_rates_are_one_per_currency_and_date_and_above_0(find: Find) -> None:
    terms = "start_date | currency\n2025-02-10 | EUR"
    rates = """
        currency | date       | rate
        EUR      | 2025-01-01 | 1.1
        EUR      | 2025-01-01 | 1.2
        EUR      | 2025-02-01 | 0"""
    found = find(contracts=terms, rates=rates)
    assert found.only("rates.currency+date").rows == 2
    assert found.only("rates.rate").rule == "must be above 0"


def test_rows_of_unknown_accounts_are_sent_away_from_every_table(
    find: Find, tmp_path: Path
) -> None:
    tickets = """
        ticket_id | account_id | opened_at
        t1        | A          | 2025-02-01
        t2        | A          | 2025-02-02
        t3        | Z          | 2025-02-03"""
    usage = (
        "ts | event | account_id\n2025-02-01 | use | A\n2025-02-01 | use | A\n2025-02-01 | use | Y"
    )
    found = find(contracts="start_date\n2025-01-07", tickets=tickets, usage=usage)
    for table, account in (("tickets", "Z"), ("usage", "Y")):
        problem = found.only(f"{table}.account_id")
        assert (problem.action, problem.rows, problem.examples) == ("quarantine", 1, (account,))
    assert found.ids("tickets", "ticket_id") == ["t1", "t2"]
    assert found.ids("usage_day", "DISTINCT account_id") == ["A"]
    assert found.source is not None
    files = write_quarantine(found.source.connection, tmp_path / "kept", found.problems)
    assert [file.name for file in files] == ["tickets.parquet", "usage_day.parquet"]


def test_a_survey_of_an_unknown_user_and_a_renewal_of_an_unknown_contract_are_noticed(
    find: Find,
) -> None:
    found = find(
        contracts="start_date | renews\n2025-01-07 | c9",
        users="user_id | activated_at\nu1 | 2025-01-07",
        surveys="""
            ts         | kind | value | user_id
            2025-02-01 | nps  | 9     | u1
            2025-02-01 | nps  | 9     | u7
            2025-02-01 | nps  | 9     |""",
    )
    survey, contract = found.only("surveys.user_id"), found.only("contracts.renews")
    assert (survey.action, survey.rows, survey.examples) == ("allow", 1, ("u7",))
    assert (contract.action, contract.rows, contract.examples) == ("allow", 1, ("c9",))


def test_use_of_unknown_accounts_and_use_in_the_future_lie_in_one_file(
    find: Find, tmp_path: Path
) -> None:
    usage = """
        ts         | event | account_id | user_id
        2025-02-01 | use   | A          | u1
        2025-02-02 | use   | A          | u1
        2025-02-03 | use   | A          | u1
        2025-02-01 | use   | Y          | u2
        2099-02-01 | use   | A          | u1"""
    found = find(contracts="start_date\n2025-01-07", usage=usage)
    assert found.source is not None
    (file,) = write_quarantine(found.source.connection, tmp_path / "kept", found.problems)
    rows = duckdb.read_parquet(str(file)).select("account_id, user_id, events, quarantine_rule")
    assert sorted(rows.fetchall()) == [
        ("A", "u1", 1.0, "future_date"),
        ("Y", "u2", 1.0, "unknown_account"),
    ]


def test_invalid_use_is_sent_away_as_it_came(find: Find, tmp_path: Path) -> None:
    usage = (
        "SELECT 'A' AS account_id, 'use' AS event, CASE WHEN n = 1 THEN '31/31/2025' "
        "ELSE '2025-02-01' END AS ts FROM range(1, 4) AS rows(n)"
    )
    assert find(contracts="start_date\n2025-01-07", usage=usage).only("usage.ts").action == "stop"
    found = find(
        contracts="start_date\n2025-01-07", usage=usage, checks={"invalid_value": "quarantine"}
    )
    assert found.ids("usage_day", "events") == ["2.0"]
    assert found.source is not None
    (file,) = write_quarantine(found.source.connection, tmp_path / "kept", found.problems)
    assert file.name == "usage.parquet"
    assert duckdb.read_parquet(str(file)).select("ts").fetchall() == [("31/31/2025",)]


OVERLAPPING = """
contract_id | start_date | end_date
c1          | 2024-03-10 | 2025-03-10
c2          | 2025-01-10 | 2026-03-10
c3          | 2023-03-10 | 2024-03-10
"""


@pytest.mark.parametrize(
    ("action", "left"),
    [("allow", ["c1", "c2", "c3"]), ("quarantine", ["c1", "c3"])],
)
def test_parallel_contracts_are_legal_unless_the_configuration_says_otherwise(
    find: Find, action: str, left: list[str]
) -> None:
    found = find(contracts=OVERLAPPING, checks={"overlap": action})
    assert found.ids("contracts", "contract_id") == left
    said = [p.action for p in found.problems if "overlap" in p.rule]
    assert said == ([] if action == "allow" else [action])


def test_an_overlap_can_stop_the_run(find: Find) -> None:
    found = find(contracts=OVERLAPPING, checks={"overlap": "stop"})
    problem = found.only("contracts.start_date")
    assert (problem.action, problem.rows, problem.examples) == ("stop", 1, ("c2",))


@pytest.mark.parametrize(("restart", "gaps"), [("2025-04-09", 0), ("2025-04-10", 1)])
def test_a_gap_between_terms_is_one_that_is_longer_than_the_grace(
    find: Find, restart: str, gaps: int
) -> None:
    terms = f"start_date | end_date\n2024-03-10 | 2025-03-10\n{restart} | 2026-04-10"
    found = find(contracts=terms)
    problems = [p for p in found.problems if "left and came back" in p.rule]
    assert [(p.action, p.rows, p.examples) for p in problems] == [("allow", 1, ("A",))] * gaps


def test_a_currency_without_a_rate_stops_or_its_contracts_go_away(find: Find) -> None:
    terms = """
        start_date | end_date   | currency
        2024-03-10 | 2025-03-10 | EUR
        2025-03-10 | 2026-03-10 | USD
        2025-03-10 | 2026-03-10 |"""
    problem = find(contracts=terms).only("contracts.currency")
    assert (problem.action, problem.rows, problem.examples) == ("stop", 1, ("EUR",))
    found = find(contracts=terms, checks={"missing_rate": "quarantine"})
    assert found.ids("contracts", "contract_id") == ["c2", "c3"]


def test_a_rate_that_begins_after_the_first_contract_in_its_currency_is_noticed(
    find: Find,
) -> None:
    terms = "start_date | currency\n2025-02-10 | EUR\n2025-04-10 | GBP"
    rates = "currency | date | rate\nEUR | 2025-03-01 | 1.1\nGBP | 2025-03-01 | 1.3"
    problem = find(contracts=terms, rates=rates).only("rates.date")
    assert (problem.action, problem.examples) == ("allow", ("EUR (2025-03-01)",))


def test_use_in_the_future_is_sent_away_and_does_not_move_the_end_of_the_data(find: Find) -> None:
    usage = "ts | event\n2025-02-01 | use\n2025-02-02 | use\n2099-02-01 | use"
    found = find(end=None, contracts="start_date\n2025-01-07", usage=usage)
    problem = found.only("usage.ts")
    assert (problem.action, problem.rows) == ("quarantine", 1)
    assert problem.examples == ("A (2099-02-01)",)
    assert found.source is not None
    assert found.source.data_end == date(2025, 2, 3)


def test_a_date_that_can_be_planned_may_lie_in_the_future(find: Find) -> None:
    terms = "start_date | end_date | terminated_at\n2025-01-07 | 2099-01-07 | 2098-01-01"
    assert find(contracts=terms).none("contracts.terminated_at")
    signed = "start_date | signed_at\n2025-01-07 | 2024-12-01\n2025-01-07 | 2099-01-01"
    assert find(contracts=signed).only("contracts.signed_at").action == "quarantine"


def test_rows_that_are_known_only_after_the_end_of_the_data_are_counted(find: Find) -> None:
    usage = "ts | event\n2025-02-01 | use\n2025-02-02 | use\n2025-02-03 | use"
    found = find(end="2025-02-02", contracts="start_date\n2025-01-07", usage=usage)
    problem = found.only("usage.ts")
    assert (problem.action, problem.rows) == ("allow", 2)
    assert "later rows are not used" in problem.rule


def test_all_that_is_wrong_is_said_at_once_inside_tables_and_between_them(find: Find) -> None:
    found = find(
        accounts=ACCOUNTS,
        contracts="start_date | currency\n2025-01-07 | EUR",
        tickets="ticket_id | opened_at | resolved_at\nt1 | 2025-02-02 | 2025-02-01",
        surveys="""
            account_id | ts         | kind | value
            A          | 2025-02-01 | nps  | 9
            A          | 2025-02-01 | nps  | 8
            Z          | 2025-02-01 | nps  | 7""",
    )
    places = {(f"{p.table}.{p.column}", p.action) for p in found.problems}
    assert places >= {
        ("contracts.currency", "stop"),
        ("tickets.resolved_at", "stop"),
        ("surveys.account_id", "quarantine"),
    }
