"""Slices in which a model that is good overall is not."""

from __future__ import annotations

import math
from dataclasses import replace

from models.bootstrap import Estimate
from models.figure import UNKNOWN
from models.judgement import Judgement
from models.skill import Skill
from models.weakness import find_weaknesses

GOOD = Estimate(0.8, 0.75, 0.85)
TRUE = Estimate(1.0, 0.9, 1.1)
CHANCE = Estimate(0.52, 0.45, 0.58)


def skill(
    *, auc: Estimate = GOOD, slope: Estimate = TRUE, rows: int = 1000, positives: int = 100
) -> Skill:
    return Skill(rows, positives, auc=auc, calibration_slope=slope)


def judgement(slices: dict[str, dict[str, Skill]], *, auc: Estimate = GOOD) -> Judgement:
    return Judgement(skill(auc=auc), {}, slices)


def test_an_expected_loss_that_runs_low_or_high_beyond_noise_is_said() -> None:
    low = replace(skill(), arr_ratio=Estimate(1.53, 1.09, 2.0))
    high = replace(skill(), arr_ratio=Estimate(0.6, 0.4, 0.9))
    fine = replace(skill(), arr_ratio=Estimate(1.2, 0.9, 1.6))
    assert find_weaknesses(Judgement(low, {}, {})) == (
        "its expected loss runs low: the ARR that was lost is 1.53 times as much (1.09 to 2.00)",
    )
    assert find_weaknesses(Judgement(high, {}, {}))[0].startswith("its expected loss runs high")
    assert find_weaknesses(Judgement(fine, {}, {})) == ()


def test_a_slice_at_chance_is_named_with_its_figure_and_how_many_were_judged() -> None:
    tenure = {"0-89 days": skill(), "365-729 days": skill(auc=CHANCE, rows=1509)}
    found = find_weaknesses(judgement({"tenure_band": tenure, "segment": {"smb": skill()}}))
    assert found == (
        (
            "not shown to be better than chance within 1 of 3 slices judged: "
            "tenure 365-729 days (AUC 0.52, 0.45 to 0.58, 1,509 rows)"
        ),
    )


def test_a_slice_whose_probabilities_are_off_either_way_is_named_in_a_sentence_of_its_own() -> None:
    months = {
        "1": skill(slope=Estimate(0.6, 0.5, 0.79)),
        "6": skill(slope=Estimate(1.5, 1.26, 1.9), rows=2000),
        "12": skill(slope=Estimate(1.5, 1.2, 1.9)),
    }
    found = find_weaknesses(judgement({"billing_period_months": months}))
    assert found == (
        (
            "calibration slope outside 0.8 to 1.25 beyond noise within 2 of 3 slices judged: "
            "billing period months 6 (slope 1.50, 1.26 to 1.90, 2,000 rows); "
            "billing period months 1 (slope 0.60, 0.50 to 0.79, 1,000 rows)"
        ),
    )


def test_no_more_than_the_five_largest_are_named_and_the_others_counted() -> None:
    regions = {f"R{number}": skill(auc=CHANCE, rows=200 + number) for number in range(8)}
    (sentence,) = find_weaknesses(judgement({"region": regions}))
    assert "within 8 of 8 slices judged: region R7 (" in sentence
    assert sentence.count(" rows)") == 5
    assert sentence.endswith("; and 3 smaller")


def test_slices_too_small_to_be_judged_are_neither_named_nor_counted() -> None:
    small = {"a": skill(auc=CHANCE, rows=99), "b": skill(auc=CHANCE, positives=9), "c": skill()}
    assert find_weaknesses(judgement({"region": small})) == ()
    (sentence,) = find_weaknesses(judgement({"region": {**small, "d": skill(auc=CHANCE)}}))
    assert "1 of 2 slices judged" in sentence


def test_of_a_model_at_chance_and_of_unknown_figures_nothing_is_said() -> None:
    weak = {"segment": {"smb": skill(auc=CHANCE)}}
    assert find_weaknesses(judgement(weak, auc=CHANCE)) == ()
    assert find_weaknesses(judgement(weak, auc=UNKNOWN)) == ()
    no_interval = Estimate(0.4, math.nan, math.nan)
    unknown = {"segment": {"smb": skill(auc=no_interval, slope=no_interval)}}
    assert find_weaknesses(judgement(unknown)) == ()
