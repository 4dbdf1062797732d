"""What is known on a midnight: row by row, and column by column."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from features.catalogue import build_catalogue
from features.errors import InputError
from features.schema import TABLES
from features.settings import CompanySettings
from features.source import open_source
from tests.spec.conftest import Look

CONTRACTS = """
    start_date | end_date   | signed_at  | seats | arr | currency
    2025-01-01 | 2026-01-01 | 2024-12-01 | 10    | 100 | EUR
"""
RATES = """
    currency | date       | rate | known_at
    EUR      | 2025-01-01 | 1.5  |
    EUR      | 2025-05-30 | 2.0  | 2025-06-01
    EUR      | 2025-05-31 | 4.0  |
    EUR      | 2025-06-01 | 8.0  |
"""


def test_an_event_on_the_as_of_date_is_not_used(look: Look) -> None:
    usage = """
        ts         | event
        2025-05-03 | login
        2025-05-04 | login
        2025-05-31 | login
        2025-06-01 | login
    """
    seen = look("2025-06-01", contracts=CONTRACTS, rates=RATES, usage=usage)
    assert seen.only("churn", "events_28d") == 2
    assert seen.only("churn", "days_since_use") == 1


def test_a_late_row_counts_from_the_day_after_it_was_known(look: Look) -> None:
    usage = """
        ts         | event | known_at
        2025-05-20 | login | 2025-05-20
        2025-05-20 | login | 2025-06-01
    """
    seen = look("2025-06-01", "2025-06-02", contracts=CONTRACTS, rates=RATES, usage=usage).churn
    assert list(seen["events_28d"]) == [1, 2]


def test_an_event_that_is_delivered_twice_counts_once_as_it_was_first_known(look: Look) -> None:
    usage = """
        account_id | ts         | event | event_id | known_at   | count
        A          | 2025-05-20 | login | e1       | 2025-05-21 | 1
        A          | 2025-05-20 | login | e1       | 2025-06-05 | 5
        A          | 2025-05-19 | login | e1       | 2025-06-06 | 5
        A          | 2025-05-20 | login |          | 2025-05-20 | 1
        B          | 2025-05-20 | login | e1       | 2025-05-20 | 1
    """
    contracts = """
        account_id | start_date | end_date
        A          | 2025-01-01 | 2026-01-01
        B          | 2025-01-01 | 2026-01-01
    """
    seen = look("2025-06-01", "2025-07-01", contracts=contracts, usage=usage).churn
    assert list(seen["events_91d"]) == [2, 1, 2, 1]


def test_a_row_that_covers_a_month_is_dated_by_its_last_day(look: Look) -> None:
    usage = """
        ts         | event | count
        2025-03-01 | login | 1
        2025-04-15 | login | 2
        2025-05-01 | login | 4
    """
    seen = look(
        "2025-05-30",
        "2025-06-01",
        contracts=CONTRACTS,
        rates=RATES,
        usage=usage,
        time={"grain": "month"},
    ).churn
    assert list(seen["events_91d"]) == [3, 7]
    assert list(seen["days_since_use"]) == [30, 1]
    assert "events_28d" not in seen.columns


def test_money_is_converted_at_the_last_rate_known_before(look: Look) -> None:
    seen = look("2025-05-31", "2025-06-01", "2025-06-02", contracts=CONTRACTS, rates=RATES).churn
    assert list(seen["arr"]) == [150, 400, 800]


def test_a_contract_is_known_from_its_signature_and_without_one_from_its_start(look: Look) -> None:
    contracts = """
        account_id | start_date | end_date   | signed_at
        A          | 2025-06-01 | 2026-01-01 | 2025-05-31
        B          | 2025-06-01 | 2026-01-01 |
        C          | 2025-01-01 | 2026-01-01 | 2025-06-01
    """
    seen = look("2025-06-01", "2025-06-02", contracts=contracts).churn
    assert list(seen["account_id"]) == ["A", "A", "B", "C"]


def test_the_latest_known_version_of_an_account_counts(look: Look) -> None:
    accounts = """
        account_id | known_at   | channel
        A          | 2025-01-01 | web
        A          | 2025-06-01 | partner
    """
    seen = look(
        "2025-06-01",
        "2025-06-02",
        accounts=accounts,
        contracts=CONTRACTS,
        rates=RATES,
        attributes={"channel": {"kind": "category"}},
    ).churn
    assert list(seen["channel"]) == ["web", "partner"]


@pytest.mark.parametrize("constant", [False, True])
def test_an_undated_attribute_is_a_feature_only_when_it_is_declared_constant(
    look: Look, constant: bool
) -> None:
    accounts = """
        account_id | channel
        A          | web
    """
    attributes = {"channel": {"kind": "category", "constant": constant}}
    seen = look(
        "2025-06-01", accounts=accounts, contracts=CONTRACTS, rates=RATES, attributes=attributes
    ).churn
    assert ("channel" in seen.columns) == constant


def test_a_deactivation_and_a_role_are_known_from_the_day_after_them(look: Look) -> None:
    users = """
        user_id | role     | activated_at | deactivated_at | known_at
        u1      | champion | 2025-01-01   | 2025-06-01     | 2025-01-01
        u2      | member   | 2025-01-01   |                | 2025-01-01
        u2      | admin    | 2025-01-01   |                | 2025-06-01
    """
    usage = """
        ts         | event | user_id
        2025-05-30 | login | u1
        2025-05-31 | login | u2
    """
    seen = look(
        "2025-06-01",
        "2025-06-02",
        contracts=CONTRACTS,
        rates=RATES,
        users=users,
        usage=usage,
        labels={"churn": {}},
    ).churn
    assert list(seen["users_deactivated_28d"]) == [0, 1]
    assert list(seen["key_users_gone_91d"]) == [0, 1]
    assert list(seen["days_since_key_user"]) == [2, 2]
    assert list(seen["activation_ratio"]) == [0.2, 0.1]


def test_figures_of_people_need_use_by_user(look: Look) -> None:
    users = """
        user_id | role     | activated_at | known_at
        u1      | champion | 2025-01-01   | 2025-01-01
    """
    usage = """
        ts         | event
        2025-05-30 | login
    """
    seen = look("2025-06-01", contracts=CONTRACTS, rates=RATES, users=users, usage=usage).churn
    assert {"key_users_active", "days_since_key_user", "active_users_28d"}.isdisjoint(seen.columns)


def test_a_company_with_every_table_has_every_feature_of_the_catalogue() -> None:
    flags = ("core", "value_action", "view", "report", "hard_to_leave")
    settings = CompanySettings.model_validate(
        {
            "tables": dict.fromkeys(TABLES, "SELECT 1"),
            "catalogue": {"login": {"module": "base", **dict.fromkeys(flags, True)}},
            "measures": {"gb": {"kind": "level"}, "sales": {"kind": "flow"}},
        }
    )
    columns = {n: frozenset(column.name for column in t.columns) for n, t in TABLES.items()}
    catalogue = build_catalogue(settings, columns)
    assert catalogue.left_out == {}
    assert len(catalogue.features) > 200


def test_a_row_with_a_count_of_0_is_no_event(look: Look) -> None:
    usage = """
        ts         | event | count | user_id
        2025-05-20 | login | 0     | u1
        2025-05-10 | login | 2     | u2
    """
    seen = look("2025-06-01", contracts=CONTRACTS, rates=RATES, usage=usage)
    figures = ("events_28d", "active_days_28d", "active_users_28d", "days_since_use")
    assert [seen.only("churn", name) for name in figures] == [2, 1, 1, 22]


def test_data_in_months_ends_with_the_last_month(tmp_path: Path) -> None:
    tables = {
        "accounts": "SELECT 'A' AS account_id",
        "usage": "SELECT 'A' AS account_id, DATE '2025-05-01' AS ts, 'login' AS event",
    }
    settings = CompanySettings.model_validate({"tables": tables, "time": {"grain": "month"}})
    assert open_source(settings, spill=tmp_path).data_end == date(2025, 6, 1)


def test_an_attribute_must_not_take_the_name_of_a_feature(look: Look) -> None:
    with pytest.raises(InputError, match="seats: gives a feature of a name that is taken"):
        look(
            "2025-06-01",
            contracts=CONTRACTS,
            rates=RATES,
            attributes={"seats": {"kind": "number"}},
        )


def test_a_grid_that_begins_after_the_data_is_refused_by_name(look: Look) -> None:
    with pytest.raises(InputError, match=r"time\.as_of"):
        look(contracts=CONTRACTS, rates=RATES, time={"as_of": {"first": "2026-06-01"}})
