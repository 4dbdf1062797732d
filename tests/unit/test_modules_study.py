"""What the page on modules and cohorts counts before it is put into words."""

from __future__ import annotations

from datetime import date, timedelta

from models.life import Life
from serving.modules_study import MOST_COHORTS, find_modules, study

AS_OF = date(2026, 11, 1)


def life(number: int, started_on: date, left_on: date | None = None) -> Life:
    return Life(account_id=f"A{number}", started_on=started_on, left_on=left_on)


def test_cohorts_of_which_only_survivors_may_be_known_are_not_compared() -> None:
    old = [life(n, date(2022, 1, 10), date(2025, 3, 1) if n < 10 else None) for n in range(40)]
    new = [life(100 + n, date(2025, 2, 1), date(2025, 9, 1) if n < 10 else None) for n in range(40)]
    found = study([*old, *new], AS_OF, (), ())
    assert found.survivors == {date(2022, 1, 1)}
    assert found.usual[:3] == [1.0, 1.0, 0.75]


def test_a_few_accounts_of_which_nobody_left_early_are_no_surprise() -> None:
    few = [life(n, date(2024, 1, 10), date(2026, 8, 1) if n == 0 else None) for n in range(4)]
    assert study(few, AS_OF, (), ()).survivors == frozenset()


def test_many_cohorts_become_half_years_and_the_oldest_are_counted_as_left_out() -> None:
    starts = [date(2010, 1, 1) + timedelta(90 * n) for n in range(60)]
    found = study([life(n, day) for n, day in enumerate(starts)], AS_OF, (), ())
    assert found.span == "half"
    assert len(found.retention) == len(found.funnels) == MOST_COHORTS
    assert found.retention[0].begin > found.retention[-1].begin
    assert found.older == len(starts) - sum(one.accounts for one in found.retention)


def test_modules_that_nobody_uses_are_those_that_boards_name() -> None:
    used = Life(account_id="A", started_on=AS_OF, modules_used=("a",), modules_tried=("a", "b"))
    assert find_modules([used], ["c"]) == {"a", "b", "c"}


def test_a_rule_counts_once_for_an_account_whatever_modules_it_speaks_of() -> None:
    found = study([life(1, AS_OF)], AS_OF, (), ("|a|b|a|", None, "|a|"))
    assert found.warnings == {"a": 2, "b": 1}
