"""Figures of cohorts, modules, contacts and losses from written lives."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from models.cohort_page import (
    Adoption,
    Contacts,
    Funnel,
    Losses,
    Retention,
    adopt_by_module,
    contact_by_stage,
    lose_by_reason,
    months_after,
    retain_by_cohort,
    value_funnels,
)
from models.life import Life

AS_OF = date(2026, 11, 1)


def life(account_id: str, started_on: date, left_on: date | None = None, **known: object) -> Life:
    return replace(Life(account_id=account_id, started_on=started_on, left_on=left_on), **known)  # type: ignore[arg-type]  # known holds Life's own fields


EARLY = (
    life("A1", date(2025, 1, 15), arr=100.0),
    life("A2", date(2025, 3, 31), date(2025, 9, 30), arr=50.0),
)
LATE = life("A3", date(2026, 6, 1), value_by_day_30=True, value_by_day_90=True)
YOUNG = life("A4", date(2026, 5, 20), value_by_day_30=False)


def test_a_cohort_keeps_who_has_not_left_by_then() -> None:
    found = retain_by_cohort(EARLY, AS_OF, months=(0, 3, 6, 12, 24))
    assert found == [Retention(date(2025, 1, 1), 2, (1.0, 1.0, 0.5, 0.5, None))]


def test_a_share_is_not_told_before_all_of_a_cohort_have_come_so_far() -> None:
    found = retain_by_cohort((LATE, YOUNG), AS_OF, months=(4, 5, 6))
    assert [one.shares for one in found] == [(1.0, None, None)]


def test_cohorts_of_half_years_hold_two_quarters() -> None:
    lives = (life("A", date(2025, 3, 1)), life("B", date(2025, 6, 30)), life("C", date(2025, 7, 1)))
    found = retain_by_cohort(lives, AS_OF, span="half", months=(1,))
    assert [(one.begin, one.accounts) for one in found] == [
        (date(2025, 1, 1), 2),
        (date(2025, 7, 1), 1),
    ]


def test_months_end_with_their_last_day() -> None:
    assert months_after(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert months_after(date(2025, 12, 31), 2) == date(2026, 2, 28)
    assert months_after(date(2025, 11, 5), 1) == date(2025, 12, 5)


def test_a_funnel_leaves_out_what_is_not_known_of_everybody() -> None:
    assert value_funnels((LATE, YOUNG), AS_OF) == [Funnel(date(2026, 4, 1), 2, 0.5, None, None)]
    assert value_funnels(EARLY, AS_OF)[0].customer_at_day_365 == 0.5


def test_adoption_tells_who_uses_who_dropped_and_who_never_tried() -> None:
    lives = (
        life("A", date(2025, 1, 1), modules_used=("data",), modules_tried=("data", "reports")),
        life("B", date(2025, 1, 1), modules_used=(), modules_tried=()),
        life("gone", date(2025, 1, 1), date(2026, 1, 1), modules_used=("data",)),
        life("unknown", date(2025, 1, 1)),
    )
    found = adopt_by_module(lives, ("data", "reports", "rules"))
    assert found == [
        Adoption("data", 2, 1, 0),
        Adoption("reports", 2, 0, 1),
        Adoption("rules", 2, 0, 0),
    ]
    assert [one.never for one in found] == [1, 1, 2]


def test_contacts_are_told_per_quarter_that_accounts_spent_at_a_stage() -> None:
    lives = (
        life("A", date(2025, 1, 1), contacts={"midlife": (4, 26), "renewal": (0, 13)}),
        life("B", date(2025, 1, 1), contacts={"midlife": (0, 26)}),
    )
    found = contact_by_stage(lives)
    assert found == [
        Contacts("onboarding", 0, 0, 0),
        Contacts("midlife", 4, 52, 1),
        Contacts("renewal", 0, 13, 1),
    ]
    assert [one.per_quarter for one in found] == [None, 1.0, 0.0]
    assert contact_by_stage(EARLY) == []


def test_losses_stand_by_reason_with_what_they_last_paid() -> None:
    lives = (
        *EARLY,
        life("B1", date(2025, 1, 1), date(2026, 1, 1), arr=10.0),
        life("B2", date(2025, 1, 1), date(2026, 1, 1)),
    )
    reasons = {"A2": "price", "B1": "price", "A1": "budget", "elsewhere": "other"}
    assert lose_by_reason(lives, reasons) == [Losses("price", 2, 60.0), Losses(None, 1, None)]
    assert lose_by_reason(lives, reasons, since=date(2025, 10, 1)) == [
        Losses("price", 1, 10.0),
        Losses(None, 1, None),
    ]
