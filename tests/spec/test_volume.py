"""How tables grow: days without use, far more or less than usual, usage that is too old."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.spec.found import Found, find_problems

Find = Callable[..., Found]
EVERY_DAY = (
    "SELECT 'A' AS account_id, CAST(day AS DATE) AS ts, 'use' AS event, {count} AS count "
    "FROM range(DATE '2025-06-01', DATE '2026-01-01', INTERVAL 1 DAY) AS days(day)"
)


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """Check a written company: ``find(contracts="...", checks={...})``."""
    return partial(find_problems, tmp_path / "spill")


@pytest.mark.parametrize(
    ("factor", "said"), [("2", False), ("9.9", False), ("10", True), ("0.2", False), ("0.1", True)]
)
def test_ten_times_or_a_tenth_of_the_usual_volume_is_noticed(
    find: Find, factor: str, said: bool
) -> None:
    count = f"CASE WHEN day = DATE '2025-12-31' THEN 40 * {factor} ELSE 40 END"
    found = find(contracts="start_date\n2025-01-07", usage=EVERY_DAY.format(count=count))
    assert found.none("usage.ts") is not said


def test_a_quiet_weekday_is_compared_with_its_like(find: Find) -> None:
    count = "CASE WHEN isodow(day) = 3 THEN 30 ELSE 400 END"  # the last day is a Wednesday
    assert find(contracts="start_date\n2025-01-07", usage=EVERY_DAY.format(count=count)).none(
        "usage.ts"
    )


def test_a_few_rows_are_never_an_unusual_volume(find: Find) -> None:
    count = "CASE WHEN day = DATE '2025-12-31' THEN 190 ELSE 19 END"
    assert find(contracts="start_date\n2025-01-07", usage=EVERY_DAY.format(count=count)).none(
        "usage.ts"
    )


def test_the_volume_of_a_month_is_compared_with_the_months_before(find: Find) -> None:
    usage = (
        "SELECT 'A' AS account_id, CAST(day AS DATE) AS ts, 'use' AS event, "
        "CASE WHEN day = DATE '2025-12-01' THEN 5 ELSE 100 END AS count "
        "FROM range(DATE '2025-01-01', DATE '2026-01-01', INTERVAL 1 MONTH) AS months(day)"
    )
    found = find(contracts="start_date\n2025-01-07", usage=usage, grain="month")
    assert "the month that ends on 2025-12-31 has 5 events and usually 100" in (
        found.only("usage.ts").rule
    )


def test_a_busy_day_without_any_use_is_a_missing_day(find: Find) -> None:
    usage = (
        EVERY_DAY.format(count="40") + " WHERE day NOT IN (DATE '2025-11-05', DATE '2025-06-04')"
    )
    problem = find(contracts="start_date\n2025-01-07", usage=usage).only("usage.ts")
    assert (problem.action, problem.examples) == ("allow", ("2025-11-05",))
    found = find(contracts="start_date\n2025-01-07", usage=usage, checks={"missing_day": "stop"})
    assert found.only("usage.ts").action == "stop"


def test_a_weekend_on_which_nobody_works_is_no_missing_day(find: Find) -> None:
    usage = EVERY_DAY.format(count="40") + " WHERE isodow(day) < 6"
    assert find(contracts="start_date\n2025-01-07", usage=usage).none("usage.ts")


@pytest.mark.parametrize(("last", "said"), [("2025-12-24", False), ("2025-12-23", True)])
def test_usage_that_ends_a_week_before_the_data_is_not_fresh(
    find: Find, last: str, said: bool
) -> None:
    found = find(contracts="start_date\n2025-01-07", usage=f"ts | event\n{last} | use")
    assert found.none("usage.ts") is not said
