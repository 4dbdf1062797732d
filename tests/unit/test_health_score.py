"""The health score is arithmetic that anybody can redo, and what is missing is no opinion."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from features.catalogue import read_templates
from models.health_score import LEAST_RANKED, HealthScores, score_health
from models.health_settings import (
    STANDARD_FACTORS,
    FactorSettings,
    HealthSettings,
    ProfileSettings,
)

PAGE = (Path(__file__).parents[2] / "docs" / "health.md").read_text(encoding="utf-8")
USE = FactorSettings(feature="use", side="outcome", weight=3, bad=0, good=10)
GOALS = FactorSettings(feature="goals", side="outcome", bad=0, good=1)
LATE = FactorSettings(feature="late", side="outcome", weight=2, bad=4, good=0)
NPS = FactorSettings(feature="nps", side="experience", bad=0, good=10)
RANK = FactorSettings(feature="use", side="outcome", percentile="high")
NAN = float("nan")


def settings(*factors: FactorSettings, **keys: float) -> HealthSettings:
    profile = ProfileSettings(name="all", factors=factors)
    return HealthSettings(profiles=(profile,), min_coverage=0.0).model_copy(update=keys)


def score(
    features: dict[str, list[float]],
    chosen: HealthSettings,
    *,
    as_of: list[str] | None = None,
    **traits: list[str | None],
) -> HealthScores:
    frame = pd.DataFrame(features)
    dates = np.array(as_of or ["2026-11-01"] * len(frame), dtype="datetime64[D]")
    return score_health(
        frame, pd.DataFrame(traits, index=frame.index, dtype=object), dates, settings=chosen
    )


def test_sides_are_means_by_weight_and_count_eighty_to_twenty() -> None:
    found = score({"use": [5.0], "goals": [1.0], "nps": [9.0]}, settings(USE, GOALS, NPS))
    assert found.outcome[0] == pytest.approx((3 * 50 + 100) / 4)
    assert found.experience[0] == pytest.approx(90)
    assert found.score[0] == pytest.approx(0.8 * 62.5 + 0.2 * 90)
    assert found.coverage[0] == pytest.approx(1.0)


def test_key_accounts_count_experience_more_in_any_case_of_their_tier() -> None:
    features = {"use": [10.0] * 4, "nps": [0.0] * 4}
    found = score(features, settings(USE, NPS), account_tier=["Key", "strategic", "basic", None])
    np.testing.assert_allclose(found.score, [70, 70, 80, 80])


@pytest.mark.parametrize(("value", "expected"), [(-3, 0), (0, 0), (5, 50), (10, 100), (12, 100)])
def test_a_factor_is_linear_between_bad_and_good_and_level_beyond(
    value: float, expected: float
) -> None:
    assert score({"use": [value]}, settings(USE)).score[0] == pytest.approx(expected)


def test_good_may_lie_below_bad() -> None:
    found = score({"late": [0.0, 1.0, 4.0, 9.0]}, settings(LATE))
    np.testing.assert_allclose(found.score, [100, 75, 0, 0])


def test_what_is_missing_is_left_out_and_the_rest_weighs_more() -> None:
    found = score({"use": [10.0, NAN], "goals": [0.0, 0.0]}, settings(USE, GOALS))
    np.testing.assert_allclose(found.score, [75, 0])
    np.testing.assert_allclose(found.coverage, [0.8, 0.8 / 4])
    np.testing.assert_allclose(found.parts[0].weights.ravel(), [0.75, 0.25, 0, 1])


def test_a_missing_side_leaves_its_weight_to_the_other_one_and_coverage_tells() -> None:
    found = score({"use": [5.0, NAN], "nps": [NAN, 5.0]}, settings(USE, NPS))
    np.testing.assert_allclose(found.score, [50, 50])
    np.testing.assert_allclose(found.coverage, [0.8, 0.2])
    assert np.isnan(found.experience[0])
    assert np.isnan(found.outcome[1])


def test_what_the_company_cannot_have_is_no_part_of_coverage_unless_it_is_a_whole_side() -> None:
    found = score({"use": [5.0]}, settings(USE, GOALS, NPS))
    assert found.coverage[0] == pytest.approx(0.8)
    assert [one.feature for one in found.parts[0].factors] == ["use"]


def test_below_the_least_coverage_there_is_no_score() -> None:
    chosen = settings(USE, NPS, min_coverage=0.3)
    found = score({"use": [5.0, NAN], "nps": [NAN, 5.0]}, chosen)
    assert found.score[0] == pytest.approx(50)
    assert np.isnan(found.score[1])


def test_an_account_of_which_nothing_is_known_has_no_score() -> None:
    assert np.isnan(score({"use": [NAN]}, settings(USE)).score[0])
    assert np.isnan(score({"other": [1.0]}, settings(USE)).score[0])


def test_a_rank_is_the_share_below_with_half_of_those_alike() -> None:
    values = [float(number) for number in range(19)] + [18.0, NAN]
    found = score({"use": values}, settings(RANK))
    np.testing.assert_allclose(found.score[:3], [2.5, 7.5, 12.5])
    np.testing.assert_allclose(found.score[18:20], [95.0, 95.0])
    assert np.isnan(found.score[20])
    low = score({"use": values}, settings(RANK.model_copy(update={"percentile": "low"})))
    np.testing.assert_allclose(low.score[:20], 100 - found.score[:20])


def test_a_rank_among_few_is_left_out() -> None:
    values = [float(number) for number in range(LEAST_RANKED - 1)]
    assert np.isnan(score({"use": values}, settings(RANK)).score).all()


def test_a_rank_is_one_among_rows_of_the_same_date_alone() -> None:
    early = [float(number) for number in range(LEAST_RANKED)]
    alone = score({"use": early}, settings(RANK), as_of=["2026-10-01"] * LEAST_RANKED)
    both = score(
        {"use": early + [1000.0 * value for value in early]},
        settings(RANK),
        as_of=["2026-10-01"] * LEAST_RANKED + ["2026-11-01"] * LEAST_RANKED,
    )
    np.testing.assert_array_equal(both.score[:LEAST_RANKED], alone.score)


def test_the_first_profile_that_fits_holds_and_the_standard_one_where_none_does() -> None:
    profiles = (
        ProfileSettings(name="new", stage=("delivery",), segment=("smb", "mid"), factors=(GOALS,)),
        ProfileSettings(
            name="gold", account_tier=("Gold",), outcome_weight=0.5, factors=(USE, NPS)
        ),
    )
    found = score(
        {"goals": [0.4] * 4, "use": [10.0] * 4, "nps": [0.0] * 4, "nps_latest": [3.0] * 4},
        HealthSettings(profiles=profiles, min_coverage=0.0),
        account_tier=["gold", "gold", "gold", None],
        segment=["smb", "large", "mid", None],
        stage=["delivery", "delivery", "growth", "delivery"],
    )
    names = {int(row): part.name for part in found.parts for row in part.rows}
    assert names == {0: "new", 1: "gold", 2: "gold", 3: "standard"}
    np.testing.assert_allclose(found.score, [40, 50, 50, 0])


def test_a_profile_without_factors_has_the_standard_ones() -> None:
    (only,) = HealthSettings(profiles=(ProfileSettings(name="mine"),)).in_order
    assert (only.name, only.factors) == ("mine", STANDARD_FACTORS)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"bad": 1}, "give both bad and good"),
        ({}, "give either bad and good, or percentile"),
        ({"bad": 1, "good": 2, "percentile": "high"}, "give either"),
        ({"bad": 1, "good": 1}, "must differ"),
        ({"bad": 0, "good": 1, "weight": 0}, "greater than 0"),
    ],
)
def test_a_factor_has_one_scale(changes: dict[str, float | str], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        FactorSettings.model_validate({"feature": "use", "side": "outcome", **changes})


def test_a_profile_that_could_never_be_used_is_refused() -> None:
    profiles = (ProfileSettings(name="all"), ProfileSettings(name="gold", account_tier=("gold",)))
    with pytest.raises(ValidationError, match="put it last"):
        HealthSettings(profiles=profiles)
    with pytest.raises(ValidationError, match="names of their own"):
        HealthSettings(profiles=(profiles[1], profiles[1]))


def test_the_standard_factors_are_numbers_of_the_catalogue_whose_good_end_lowers_the_risk() -> None:
    entries = {name: one for one in read_templates() for name in (one.name, _at_28(one.name))}
    for factor in STANDARD_FACTORS:
        entry = entries[factor.feature]
        assert entry.kind == "number"
        up = factor.percentile == "high" or (factor.good or 0.0) > (factor.bad or 0.0)
        assert entry.direction in (None, "lowers" if up else "raises")


def _at_28(name: str) -> str:
    return name.replace("{w}", "28")


def test_the_documented_standard_profile_is_the_one_in_use() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (\S+) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    ends = {"lowest rank": None, "highest rank": None}
    documented = [
        (name, side, float(weight), *(ends[e] if e in ends else float(e) for e in (bad, good)))
        for name, side, weight, bad, good in rows
    ]
    assert documented == [
        (one.feature, one.side, one.weight, one.bad, one.good) for one in STANDARD_FACTORS
    ]


FACTORS = (USE, GOALS, LATE, NPS, RANK)
CELL = st.one_of(st.none(), st.floats(-20, 20))
ROWS = st.lists(st.tuples(CELL, CELL, CELL, CELL), min_size=LEAST_RANKED, max_size=30)


def columns(rows: list[tuple[float | None, ...]]) -> dict[str, list[float]]:
    cells = [[NAN if cell is None else cell for cell in row] for row in rows]
    return dict(
        zip(("use", "goals", "late", "nps"), map(list, zip(*cells, strict=True)), strict=True)
    )


@given(ROWS)
def test_a_score_is_the_weighed_sum_of_its_factors(rows: list[tuple[float | None, ...]]) -> None:
    found = score(columns(rows), settings(*FACTORS))
    (part,) = found.parts
    known = ~np.isnan(found.score)
    np.testing.assert_array_equal(known, part.weights.sum(axis=1) > 0)
    summed = (np.nan_to_num(part.scores) * part.weights).sum(axis=1)
    np.testing.assert_allclose(found.score[known], summed[known], rtol=0, atol=1e-9)
    np.testing.assert_allclose(part.weights.sum(axis=1)[known], 1.0)
    assert ((found.score[known] >= 0) & (found.score[known] <= 100)).all()
    assert ((found.coverage >= 0) & (found.coverage <= 1)).all()


@given(ROWS, st.floats(0.1, 10))
def test_more_of_a_good_thing_never_lowers_a_score(
    rows: list[tuple[float | None, ...]], step: float
) -> None:
    before = score(columns(rows), settings(*FACTORS))
    for name, sign in (("use", 1), ("goals", 1), ("late", -1), ("nps", 1)):
        better = columns(rows)
        better[name][0] += sign * step
        after = score(better, settings(*FACTORS))
        assert np.isnan(before.score[0]) or after.score[0] >= before.score[0] - 1e-9
