"""Risk tiers."""

from __future__ import annotations

import pytest

from models.tier import Thresholds, Tier, assign_tier, choose_thresholds

THRESHOLDS = Thresholds(high=0.5, medium=0.2)


def test_the_high_tier_fits_the_capacity_and_the_medium_tier_three_times_it() -> None:
    loss = [number / 100 for number in range(100)]
    found = choose_thresholds(loss, capacity=5)
    assert sum(value >= found.high for value in loss) == 5
    assert sum(found.medium <= value < found.high for value in loss) == 15


def test_ties_that_do_not_fit_are_left_out_of_the_tier() -> None:
    loss = [0.9, 0.8, 0.8, 0.8, 0.1]
    assert choose_thresholds(loss, capacity=2).high == 0.9
    every_one_the_same = choose_thresholds([0.3] * 10, capacity=2)
    assert every_one_the_same.high > 0.3


def test_a_team_that_can_work_on_everyone_has_everyone_in_the_high_tier() -> None:
    assert choose_thresholds([0.4, 0.2], capacity=5) == Thresholds(high=0.2, medium=0.2)


def test_thresholds_without_accounts_are_at_the_top() -> None:
    assert choose_thresholds([], capacity=5) == Thresholds(high=1.0, medium=1.0)


@pytest.mark.parametrize(("loss", "tier"), [(0.5, "high"), (0.2, "medium"), (0.19, "low")])
def test_a_new_account_gets_the_tier_of_its_probability(loss: float, tier: Tier) -> None:
    assert assign_tier(loss, THRESHOLDS) == (tier, 0)


def test_a_tier_is_entered_upwards_at_once() -> None:
    assert assign_tier(0.6, THRESHOLDS, previous="low") == ("high", 0)


def test_a_tier_is_kept_for_one_run_just_below_its_threshold() -> None:
    assert assign_tier(0.45, THRESHOLDS, previous="high") == ("high", 1)
    assert assign_tier(0.45, THRESHOLDS, previous="high", runs_below=1) == ("medium", 0)


def test_a_return_above_the_threshold_starts_the_count_anew() -> None:
    assert assign_tier(0.55, THRESHOLDS, previous="high", runs_below=1) == ("high", 0)


def test_a_tier_is_left_at_once_below_four_fifths_of_its_threshold() -> None:
    assert assign_tier(0.39, THRESHOLDS, previous="high") == ("medium", 0)
    assert assign_tier(0.15, THRESHOLDS, previous="medium") == ("low", 0)
    assert assign_tier(0.1, THRESHOLDS, previous="high") == ("low", 0)
