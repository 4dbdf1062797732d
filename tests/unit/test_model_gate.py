"""The decision whether a model may be used."""

from __future__ import annotations

import math

import pytest

from models.bootstrap import Estimate
from models.gate import RIVALS, decide

GOOD = Estimate(0.8, 0.75, 0.85)
AHEAD = Estimate(0.2, 0.1, 0.3)
EVEN = Estimate(0.01, -0.05, 0.07)
UNKNOWN = Estimate(math.nan, math.nan, math.nan)


def test_a_model_that_beats_chance_and_baselines_is_promoted() -> None:
    found = decide(GOOD, {"tenure": AHEAD, "days_to_renewal": AHEAD}, ranks=True)
    assert found.promoted
    assert found.verdict == "better than chance and than the baselines"


def test_an_interval_that_reaches_down_to_a_half_is_no_better_than_chance() -> None:
    found = decide(
        Estimate(0.53, 0.49, 0.57), {"tenure": AHEAD, "days_to_renewal": AHEAD}, ranks=True
    )
    assert not found.promoted
    assert found.verdict == "no better than chance"
    assert found.reasons[0] == (
        "AUC 0.530 (0.490 to 0.570): the interval's lower end is not above 0.5"
    )


def test_an_auc_that_cannot_be_told_is_no_better_than_chance() -> None:
    found = decide(UNKNOWN, {"tenure": UNKNOWN, "days_to_renewal": UNKNOWN}, ranks=True)
    assert (found.verdict, found.promoted) == ("no better than chance", False)
    assert "unknown" in found.reasons[0]


def test_a_calibration_that_does_not_rank_is_no_better_than_chance() -> None:
    found = decide(GOOD, {"tenure": AHEAD, "days_to_renewal": AHEAD}, ranks=False)
    assert (found.verdict, found.promoted) == ("no better than chance", False)


def test_a_baseline_that_is_not_beaten_is_the_verdict_where_chance_is() -> None:
    found = decide(GOOD, {"tenure": EVEN, "days_to_renewal": AHEAD}, ranks=False)
    assert (found.verdict, found.promoted) == ("no better than tenure alone", False)
    assert found.is_null


def test_without_a_baseline_none_is_said_to_be_beaten() -> None:
    found = decide(GOOD, {}, ranks=True)
    assert (found.verdict, found.promoted, found.is_null) == ("better than chance", True, False)


def test_the_baselines_that_are_not_beaten_are_named() -> None:
    one = decide(GOOD, {"tenure": EVEN, "days_to_renewal": AHEAD}, ranks=True)
    both = decide(GOOD, {"tenure": EVEN, "days_to_renewal": EVEN}, ranks=True)
    assert (one.verdict, one.promoted) == ("no better than tenure alone", False)
    assert both.verdict == "no better than tenure alone and days to renewal alone"


@pytest.mark.parametrize("rival", RIVALS)
def test_a_rival_is_noted_and_stops_a_model_only_when_it_is_better_beyond_noise(rival: str) -> None:
    bars, words = {"tenure": AHEAD, "days_to_renewal": AHEAD}, RIVALS[rival]
    even = decide(GOOD, {**bars, rival: EVEN}, ranks=True)
    behind = decide(GOOD, {**bars, rival: Estimate(-0.1, -0.2, -0.05)}, ranks=True)
    ahead = decide(GOOD, {**bars, rival: AHEAD}, ranks=True)
    assert even.promoted
    assert f"{words} is as good" in even.reasons[-1]
    assert f"{words} is better" in behind.reasons[-1]
    assert (behind.verdict, behind.promoted) == (f"worse than {words}", False)
    assert not any(words in reason for reason in ahead.reasons)


def test_an_auc_near_one_is_called_a_bug_until_proved_otherwise() -> None:
    found = decide(
        Estimate(0.995, 0.99, 0.999), {"tenure": AHEAD, "days_to_renewal": AHEAD}, ranks=True
    )
    assert any("bug until proved otherwise" in reason for reason in found.reasons)
