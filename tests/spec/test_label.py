"""Who is observed, what counts as leaving, and when that is known."""

from __future__ import annotations

import pytest

from tests.spec.conftest import Look

RENEWAL = {"renewal": {"max_lead_days": 60, "grace_days": 30}, "churn": None}
SILENCE = {"by": ["inactivity"], "horizon_days": 14, "inactivity": {"silent_days": 7}}


@pytest.mark.parametrize(
    ("end", "too_late", "label"),
    [
        ("2025-06-11", True, None),
        ("2025-06-12", False, 1),
        ("2025-07-11", False, 1),
        ("2025-07-12", False, 0),
    ],
)
def test_who_leaves_within_the_lead_is_too_late_and_after_the_horizon_is_kept(
    look: Look, end: str, too_late: bool, label: int | None
) -> None:
    contracts = f"""
        start_date | end_date
        2025-01-01 | {end}
    """
    churn = {"lead_days": 10, "horizon_days": 30, "grace_days": 5}
    seen = look("2025-06-01", contracts=contracts, labels={"churn": churn})
    assert seen.only("churn", "too_late") == too_late
    assert seen.only("churn", "label") == label


@pytest.mark.parametrize(("data_end", "label"), [("2025-07-06", None), ("2025-07-07", 1)])
def test_a_label_is_missing_until_horizon_and_grace_have_passed(
    look: Look, data_end: str, label: int | None
) -> None:
    contracts = """
        start_date | end_date
        2025-01-01 | 2025-06-15
    """
    churn = {"horizon_days": 30, "grace_days": 5}
    seen = look("2025-06-01", data_end=data_end, contracts=contracts, labels={"churn": churn})
    assert seen.only("churn", "label") == label
    assert str(seen.only("churn", "label_known_at")) == "2025-07-07"


@pytest.mark.parametrize(("data_end", "label"), [("2025-07-15", None), ("2025-07-16", 1)])
def test_a_renewal_is_open_until_end_and_grace_have_passed(
    look: Look, data_end: str, label: int | None
) -> None:
    contracts = """
        start_date | end_date
        2025-01-01 | 2025-06-15
    """
    seen = look("2025-06-01", data_end=data_end, contracts=contracts, labels=RENEWAL)
    assert seen.only("renewal", "label") == label


def test_a_contract_is_judged_from_its_lead_time_to_its_end_and_grace(look: Look) -> None:
    contracts = """
        start_date | end_date   | notice_days
        2025-01-01 | 2025-09-01 | 31
    """
    dates = ("2025-06-01", "2025-06-02", "2025-08-01", "2025-08-02", "2025-10-01", "2025-10-02")
    seen = look(*dates, contracts=contracts, labels=RENEWAL).renewal
    assert [str(day.date()) for day in seen["as_of"]] == list(dates[1:5])
    assert {str(day.date()) for day in seen["decision_date"]} == {"2025-08-01"}
    assert list(seen["headline"]) == [True, True, False, False]


def test_a_contract_that_renews_itself_is_not_judged_between_decision_and_end(look: Look) -> None:
    contracts = """
        start_date | end_date   | notice_days | auto_renew
        2025-01-01 | 2025-09-01 | 31          | true
    """
    dates = ("2025-08-01", "2025-08-02", "2025-09-01", "2025-09-02")
    seen = look(*dates, contracts=contracts, labels=RENEWAL).renewal
    assert [str(day.date()) for day in seen["as_of"]] == ["2025-08-01", "2025-09-02"]


def test_a_notice_decides_from_the_day_after_it(look: Look) -> None:
    contracts = """
        start_date | end_date   | notice_given_at
        2025-01-01 | 2025-07-01 | 2025-06-10
    """
    seen = look("2025-06-10", "2025-06-11", contracts=contracts, labels=RENEWAL)
    assert [str(day.date()) for day in seen.renewal["as_of"]] == ["2025-06-10"]
    assert seen.only("states", "state") == "notice_given"


def test_a_successor_decides_from_the_day_after_its_signature(look: Look) -> None:
    contracts = """
        start_date | end_date   | signed_at
        2025-01-01 | 2025-07-01 | 2024-12-01
        2025-07-01 | 2026-07-01 | 2025-06-10
    """
    seen = look("2025-06-10", "2025-06-11", contracts=contracts, labels=RENEWAL)
    assert [str(day.date()) for day in seen.renewal["as_of"]] == ["2025-06-10"]
    assert seen.only("states", "state") == "renewed"


@pytest.mark.parametrize(
    ("last_use", "silent_from", "label"),
    [("2025-05-31", "2025-06-01", 1), ("2025-06-14", "2025-06-15", 1), ("2025-06-15", None, 0)],
)
def test_silence_begins_on_the_day_after_the_last_use(
    look: Look, last_use: str, silent_from: str | None, label: int
) -> None:
    days = [f"2025-05-{day}" for day in (28, 31)] + [f"2025-06-{day:02}" for day in range(3, 29, 4)]
    uses = "\n".join(f"{day} | login" for day in days if day <= last_use) + f"\n{last_use} | login"
    seen = look("2025-06-01", usage="ts | event\n" + uses, labels={"churn": SILENCE})
    assert seen.only("churn", "label") == label
    assert silent_from is None or str(seen.only("churn", "left_on")) == silent_from


def test_an_account_without_use_in_the_days_before_is_not_observed(look: Look) -> None:
    usage = """
        account_id | ts         | event
        A          | 2025-05-25 | login
        B          | 2025-05-24 | login
        C          | 2025-06-01 | login
    """
    seen = look("2025-06-01", usage=usage, labels={"churn": SILENCE})
    assert seen.only("churn", "account_id") == "A"


def test_a_measure_far_below_its_own_level_is_silence(look: Look) -> None:
    measures = """
        ts         | name  | value
        2025-05-30 | sales | 100
        2025-06-10 | sales | 51
        2025-06-20 | sales | 49
    """
    inactivity = {"silent_days": 10, "measure": "sales", "below_share": 0.5}
    contracts = """
        start_date | end_date
        2025-01-01 | 2026-06-01
    """
    churn = {"by": ["inactivity"], "horizon_days": 14, "inactivity": inactivity}
    seen = look(
        "2025-06-01",
        contracts=contracts,
        measures=measures,
        labels={"churn": churn},
        measured={"sales": {"kind": "flow"}},
    )
    assert str(seen.only("churn", "left_on")) == "2025-06-11"
    assert seen.only("churn", "label") == 1


@pytest.mark.parametrize(("by", "label"), [(["contract"], 0), (["contract", "inactivity"], 1)])
def test_of_two_rules_any_one_counts(look: Look, by: list[str], label: int) -> None:
    contracts = """
        start_date | end_date
        2025-01-01 | 2025-11-01
    """
    usage = """
        ts         | event
        2025-05-30 | login
    """
    seen = look(
        "2025-06-01", contracts=contracts, usage=usage, labels={"churn": {**SILENCE, "by": by}}
    )
    assert seen.only("churn", "label") == label


@pytest.mark.parametrize(
    ("next_use", "silent_from"), [("2025-06-07", "2025-06-08"), ("2025-06-08", "2025-06-01")]
)
def test_a_silence_is_as_long_as_the_configuration_says(
    look: Look, next_use: str, silent_from: str
) -> None:
    usage = f"""
        ts         | event
        2025-05-31 | login
        {next_use} | login
    """
    seen = look("2025-06-01", usage=usage, labels={"churn": SILENCE})
    assert str(seen.only("churn", "left_on")) == silent_from
