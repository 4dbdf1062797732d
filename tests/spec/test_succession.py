"""What follows a contract, and when an account has left."""

from __future__ import annotations

import pytest

from tests.spec.conftest import Look

LABELS = {
    "churn": {"horizon_days": 90, "grace_days": 30},
    "renewal": {"max_lead_days": 60, "grace_days": 30},
}


@pytest.mark.parametrize(
    ("next_start", "outcome", "left"),
    [("2025-06-30", "flat", 0), ("2025-07-30", "flat", 0), ("2025-07-31", "lost", 1)],
)
def test_a_contract_is_renewed_by_the_next_that_starts_by_its_end_and_grace(
    look: Look, next_start: str, outcome: str, left: int
) -> None:
    contracts = f"""
        start_date   | end_date   | signed_at    | arr
        2025-01-01   | 2025-06-30 | 2024-12-01   | 100
        {next_start} | 2026-06-30 | {next_start} | 100
    """
    seen = look("2025-06-01", contracts=contracts, labels=LABELS)
    assert seen.only("renewal", "outcome") == outcome
    assert seen.only("churn", "label") == left


def test_the_contract_that_names_it_comes_before_the_next_one(look: Look) -> None:
    contracts = """
        contract_id | start_date | end_date   | signed_at  | arr | renews
        old         | 2025-01-01 | 2025-07-01 | 2024-12-01 | 100 |
        next        | 2025-07-01 | 2026-07-01 | 2025-06-20 | 100 |
        named       | 2025-07-20 | 2026-07-01 | 2025-06-20 | 150 | old
    """
    assert look("2025-06-01", contracts=contracts, labels=LABELS).only("renewal", "outcome") == (
        "expanded"
    )


@pytest.mark.parametrize("end", ["2025-06-30", "2025-07-10"])
def test_a_contract_that_ends_no_later_or_is_of_zero_length_follows_nothing(
    look: Look, end: str
) -> None:
    start = "2025-03-01" if end == "2025-06-30" else end
    contracts = f"""
        contract_id | start_date | end_date   | signed_at
        old         | 2025-01-01 | 2025-06-30 | 2024-12-01
        other       | {start}    | {end}      | 2025-06-20
    """
    seen = look("2025-06-01", contracts=contracts, labels=LABELS).renewal
    assert seen.set_index("contract_id").loc["old", "outcome"] == "lost"


@pytest.mark.parametrize(
    ("arr", "currency", "outcome"),
    [
        ("99", "USD", "flat"),
        ("98.9", "USD", "reduced"),
        ("101", "", "flat"),
        ("101.1", "USD", "expanded"),
        ("200", "EUR", "renewed"),
        ("", "USD", "renewed"),
    ],
)
def test_a_renewal_is_flat_within_one_percent_in_its_own_currency(
    look: Look, arr: str, currency: str, outcome: str
) -> None:
    contracts = f"""
        start_date | end_date   | signed_at  | arr   | currency
        2025-01-01 | 2025-06-30 | 2024-12-01 | 100   | USD
        2025-06-30 | 2026-06-30 | 2025-06-20 | {arr} | {currency}
    """
    rates = """
        currency | date       | rate
        EUR      | 2025-01-01 | 1.1
    """
    seen = look("2025-06-01", contracts=contracts, rates=rates, labels=LABELS)
    assert seen.only("renewal", "outcome") == outcome


def test_an_early_end_is_the_end_from_the_day_after_it(look: Look) -> None:
    contracts = """
        start_date | end_date   | terminated_at
        2025-01-01 | 2026-01-01 | 2025-06-10
    """
    dates = ("2025-06-09", "2025-06-10", "2025-06-11")
    seen = look(*dates, contracts=contracts, labels={"churn": LABELS["churn"]}).churn
    assert [str(day.date()) for day in seen["as_of"]] == ["2025-06-09", "2025-06-10"]
    assert [str(day.date()) for day in seen["left_on"]] == ["2025-06-10", "2025-06-10"]
    assert list(seen["too_late"]) == [False, True]
    assert list(seen["days_to_renewal"]) == [206, 205]


def test_an_account_with_a_parallel_contract_leaves_with_the_last_of_them(look: Look) -> None:
    contracts = """
        start_date | end_date
        2025-01-01 | 2025-06-15
        2025-02-01 | 2025-08-15
    """
    seen = look("2025-06-01", contracts=contracts, labels={"churn": LABELS["churn"]})
    assert str(seen.only("churn", "left_on")) == "2025-08-15"
    assert seen.only("churn", "contract_id") == "c1"


def test_a_contract_that_ends_on_the_day_it_begins_was_left_too_late(look: Look) -> None:
    contracts = """
        start_date | end_date   | signed_at  | terminated_at
        2025-06-01 | 2026-06-01 | 2025-05-01 | 2025-06-01
    """
    seen = look("2025-06-01", contracts=contracts, labels={"churn": LABELS["churn"]})
    assert seen.only("churn", "too_late")
    assert str(seen.only("churn", "left_on")) == "2025-06-01"


def test_a_contract_that_names_one_not_yet_known_is_told_by_its_dates_until_then(
    look: Look,
) -> None:
    contracts = """
        contract_id | start_date | end_date   | signed_at  | renews
        first       | 2024-01-01 | 2025-01-01 | 2023-12-01 |
        second      | 2025-01-01 | 2026-01-01 | 2024-12-01 | booked-late
        booked-late | 2024-06-01 | 2025-01-01 | 2025-06-01 |
    """
    seen = look("2025-06-01", "2025-06-02", contracts=contracts, labels=LABELS).churn
    assert list(seen["renewals"]) == [1, 2]


def test_a_label_does_not_depend_on_what_a_contract_was_said_to_renew_after_the_grace(
    look: Look,
) -> None:
    contracts = """
        contract_id | start_date | end_date   | signed_at  | renews
        old         | 2024-07-01 | 2025-06-30 | 2024-06-01 |
        next        | 2025-06-30 | 2026-06-30 | 2025-06-20 | booked-late
        booked-late | 2024-06-01 | 2025-01-01 | 2025-08-01 |
    """
    seen = look("2025-06-01", contracts=contracts, labels=LABELS).renewal
    assert list(seen["outcome"]) == ["renewed"]


@pytest.mark.parametrize("renews", ["elsewhere", "next", "nothing"])
def test_a_contract_that_names_no_other_of_its_account_is_told_by_its_dates(
    look: Look, renews: str
) -> None:
    contracts = f"""
        account_id | contract_id | start_date | end_date   | signed_at  | renews
        A          | old         | 2024-07-01 | 2025-06-30 | 2024-06-01 |
        A          | next        | 2025-06-30 | 2026-06-30 | 2025-06-20 | {renews}
        unknown    | elsewhere   | 2024-07-01 | 2025-06-30 | 2024-06-01 |
    """
    accounts = """
        account_id
        A
    """
    seen = look("2025-06-01", accounts=accounts, contracts=contracts, labels=LABELS).renewal
    assert list(seen["outcome"]) == ["renewed"]
