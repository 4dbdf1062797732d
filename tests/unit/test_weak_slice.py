"""Weak slices as a card tells them are those that the verdict names."""

from __future__ import annotations

from dataclasses import replace

from models.bootstrap import Estimate
from models.judgement import Judgement
from models.skill import Skill
from models.weak_slice import Range, WeakSlice, find_weak_slices
from models.weakness import find_weaknesses

GOOD = Skill(
    1000, 100, auc=Estimate(0.8, 0.75, 0.85), calibration_slope=Estimate(1.0, 0.9, 1.1),
    arr_ratio=Estimate(1.1, 0.8, 1.4),
)  # fmt: skip
AT_CHANCE = replace(GOOD, auc=Estimate(0.52, 0.45, 0.58))
OFF = replace(GOOD, rows=2000, calibration_slope=Estimate(0.6, 0.5, 0.79))
COSTLY = replace(GOOD, rows=500, arr_ratio=Estimate(2.0, 1.2, 3.0))
CHEAP = replace(GOOD, rows=400, arr_ratio=Estimate(0.5, 0.2, 0.9))
SLICES = {
    "segment": {"smb": AT_CHANCE, "mid": GOOD, "tiny": Skill(50, 5)},
    "region": {"emea": OFF, "apac": COSTLY, "us": CHEAP},
}


def test_a_card_tells_the_weak_slices_with_their_figures_the_most_rows_first() -> None:
    judgement = Judgement(GOOD, {}, SLICES)
    found = find_weak_slices(judgement.to_json())
    assert found.judged == 5
    assert found.found == (
        WeakSlice("region", "emea", "chances", Range(0.6, 0.5, 0.79), 2000),
        WeakSlice("segment", "smb", "ranking", Range(0.52, 0.45, 0.58), 1000),
        WeakSlice("region", "apac", "money_low", Range(2.0, 1.2, 3.0), 500),
        WeakSlice("region", "us", "money_high", Range(0.5, 0.2, 0.9), 400),
    )
    told = " ".join(find_weaknesses(judgement))
    assert "segment smb" in told
    assert "region emea" in told


def test_of_a_model_at_chance_or_without_figures_nothing_is_told() -> None:
    assert find_weak_slices(Judgement(AT_CHANCE, {}, SLICES).to_json()) == ((), 0)
    assert find_weak_slices({}) == ((), 0)
    assert find_weak_slices({"auc": 0.8}) == ((), 0)
