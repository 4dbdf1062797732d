"""What moved a health score adds up; where it heads; where it and the risk say the opposite."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.account_score import AccountScore, Driver, Tier
from models.health import Health, HealthFactor
from models.health_change import explain_change, find_disagreement, find_trend

USE = Driver("use", "activity", "use fell", -0.5, "change", 0.9)
TENURE = Driver("tenure_days", "contract", "a customer for 9 years", 3300.0, "days", -0.7)


def health(scores: dict[str, tuple[float, float]], *, profile: str = "standard") -> Health:
    """The health of factors given by their score and weight, weights scaled to one."""
    whole = sum(weight for _, weight in scores.values())
    factors = tuple(
        HealthFactor(name, "outcome", score, weight / whole, score / 10, None, name)
        for name, (score, weight) in scores.items()
    )
    total = sum(one.score * one.weight for one in factors)
    return Health(
        score=total, outcome=total, experience=None, coverage=0.8, profile=profile, factors=factors
    )


def test_a_factor_that_moved_did_it_by_its_step_times_its_weight() -> None:
    found = explain_change(
        health({"a": (40, 1), "b": (50, 3)}), health({"a": (80, 1), "b": (50, 3)})
    )
    (only,) = found.factors
    assert (only.feature, only.how) == ("a", "moved")
    assert only.points == pytest.approx(10)
    assert [found.points, found.reweighed] == pytest.approx([10, 0])


def test_what_appears_moves_the_score_by_its_distance_from_it() -> None:
    before, after = health({"a": (40, 1)}), health({"a": (40, 1), "b": (100, 1)})
    (only,) = explain_change(before, after).factors
    assert (only.how, only.before) == ("appeared", None)
    assert only.points == pytest.approx((100 - 55) / 2)
    (gone,) = explain_change(after, before).factors
    assert (gone.how, gone.points, gone.after) == ("disappeared", -only.points, None)


def test_what_appears_and_is_like_the_others_moves_nothing() -> None:
    found = explain_change(health({"a": (40, 1)}), health({"a": (40, 1), "b": (40, 1)}))
    assert (found.points, found.factors, found.reweighed) == (0.0, (), 0.0)


def test_another_profile_is_told() -> None:
    before, after = health({"a": (40, 1)}), health({"a": (40, 1)}, profile="new")
    assert explain_change(before, after).other_profile
    assert not explain_change(before, before).other_profile


SCORES = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(st.floats(0, 100), st.floats(0.1, 5)), min_size=1
)


@given(SCORES, SCORES)
def test_the_parts_add_up_to_the_difference(
    one: dict[str, tuple[float, float]], other: dict[str, tuple[float, float]]
) -> None:
    before, after = health(one), health(other)
    found = explain_change(before, after)
    assert found.points == pytest.approx(after.score - before.score, abs=1e-9)
    parts = sum(change.points for change in found.factors) + found.reweighed
    assert parts == pytest.approx(found.points, abs=1e-9)
    if set(one) == set(other) and all(one[name][1] == other[name][1] for name in one):
        assert found.reweighed == pytest.approx(0, abs=1e-9)


def test_a_trend_compares_with_the_last_score_four_weeks_before() -> None:
    days = [date(2026, 10, 1), date(2026, 10, 4), date(2026, 10, 20), date(2026, 11, 1)]
    found = find_trend(zip(days, [90.0, 60.0, 10.0, 50.0], strict=True))
    assert found == ("falling", -10.0, date(2026, 10, 4))
    assert find_trend(zip(days, [90.0, 49.0, 10.0, 50.0], strict=True)) == ("steady", 1.0, days[1])
    assert find_trend(zip(days, [40.0, None, None, 50.0], strict=True)) == ("rising", 10.0, days[0])


def test_without_two_scores_far_enough_apart_there_is_no_trend() -> None:
    days = [date(2026, 10, 1), date(2026, 10, 20), date(2026, 11, 1)]
    assert find_trend([]) is None
    assert find_trend(zip(days, [None, 10.0, 50.0], strict=True)) is None
    assert find_trend(zip(days, [10.0, 10.0, None], strict=True)) is None
    assert find_trend([(None, 10.0), (None, 20.0)]) is None


HEALTHY = health({"a": (100, 1), "b": (60, 3), "c": (90, 2)})
UNHEALTHY = health({"a": (80, 1), "b": (10, 3), "c": (20, 2)})


def scored(found: Health | None, tier: Tier | None, loss: float | None = 0.5) -> AccountScore:
    account = AccountScore(account_id="A1", state="to_decide", health=found, drivers=(USE, TENURE))
    return replace(account, loss_probability=loss, risk_tier=tier)


def test_healthy_but_likely_lost_comes_with_what_is_good_and_what_raises_the_risk() -> None:
    found = find_disagreement(scored(HEALTHY, "high"))
    assert found is not None
    assert found.kind == "healthy_but_likely_lost"
    assert [one.feature for one in found.factors] == ["c", "a", "b"]
    assert found.drivers == (USE,)
    assert (found.health_score, found.loss_probability) == (HEALTHY.score, 0.5)


def test_unhealthy_but_likely_kept_comes_with_what_is_bad_and_what_lowers_the_risk() -> None:
    found = find_disagreement(scored(UNHEALTHY, "low", 0.02))
    assert found is not None
    assert found.kind == "unhealthy_but_likely_kept"
    assert [one.feature for one in found.factors] == ["b", "c"]
    assert found.drivers == (TENURE,)


@pytest.mark.parametrize(
    "account",
    [
        scored(HEALTHY, "medium"),
        scored(HEALTHY, "low"),
        scored(UNHEALTHY, "high"),
        scored(None, "high"),
        scored(HEALTHY, None, None),
        scored(replace(HEALTHY, coverage=0.4), "high"),
    ],
)
def test_elsewhere_nothing_is_claimed(account: AccountScore) -> None:
    assert find_disagreement(account) is None
