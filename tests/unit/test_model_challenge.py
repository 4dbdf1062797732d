"""Champion and challenger on the same later rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from models.calibration import Calibration
from models.challenge import Champion, challenge, decide_challenge
from models.gate import Decision
from models.predictor import Predictor
from models.recipe import train_model
from models.settings import PromotionSettings
from models.trained import Trained, recipe_of
from tests.model_rows import QUICK, make_table

PASSED = Decision("better than chance and than the baselines", True, ())


@pytest.fixture(scope="module")
def trained() -> Trained:
    found = train_model(make_table(), QUICK)
    assert isinstance(found, Trained)
    return found


@pytest.fixture(scope="module")
def blind() -> Trained:
    """A model of the same company that sees next to nothing of what drives its labels."""
    table = make_table()
    table.features["usage"] = np.random.default_rng(3).normal(size=len(table))
    found = train_model(table, QUICK)
    assert isinstance(found, Trained)
    return found


def with_model_of(rows: Trained, model: Trained) -> Trained:
    """The one's rows with the other's model."""
    return replace(rows, judged=model.judged, shipped=model.shipped, recipe=model.recipe)


def champion_of(
    found: Trained, *, recipe: str | None = None, predictor: Predictor | None = None
) -> Champion:
    """A champion whose judged copy alone is older than the test rows."""
    return Champion(
        version="7",
        recipe=found.recipe if recipe is None else recipe,
        predictor=predictor or found.shipped.predictor,
        data_end=found.test.data_end,
        judged=predictor or found.judged.predictor,
        judged_from=found.report.test.first.date(),
    )


def test_a_refresh_that_equals_the_champion_is_accepted(trained: Trained) -> None:
    found = challenge(trained, champion_of(trained), QUICK)
    assert (found.accepted, found.same_recipe, found.difference.value) == (True, True, 0.0)
    assert found.rows == trained.report.skill.rows
    assert decide_challenge(PASSED, found).promoted


def test_a_new_recipe_must_be_better_beyond_noise(trained: Trained, blind: Trained) -> None:
    even = challenge(trained, champion_of(trained, recipe="another"), QUICK)
    ahead = challenge(trained, champion_of(blind, recipe="another"), QUICK)
    assert not even.accepted
    assert ahead.difference.low > 0.0
    # What has learnt nothing hardly moves; that alone is held against the better one.
    assert [reason for reason in ahead.reasons[1:] if "flap" not in reason] == []
    assert "not better than champion 7 beyond noise" in even.reasons[-1]
    decision = decide_challenge(PASSED, even)
    assert (decision.verdict, decision.promoted) == ("does not replace champion 7", False)


def test_a_refresh_may_be_worse_by_no_more_than_the_margin(
    trained: Trained, blind: Trained
) -> None:
    rival = champion_of(trained, recipe=blind.recipe)
    weak = with_model_of(trained, blind)
    strict = challenge(weak, rival, QUICK)
    lenient = challenge(
        weak, rival, QUICK.model_copy(update={"promotion": PromotionSettings(margin=0.9)})
    )
    assert any("more than the margin of 0.01" in reason for reason in strict.reasons)
    assert not any("margin" in reason for reason in lenient.reasons)


def test_a_slice_that_collapses_stands_in_the_way(trained: Trained, blind: Trained) -> None:
    weak = with_model_of(trained, blind)
    found = challenge(weak, champion_of(trained, recipe=blind.recipe), QUICK)
    assert any(reason.startswith("segment small collapsed: AUC") for reason in found.reasons)


def test_a_mean_that_is_further_off_stands_in_the_way(trained: Trained) -> None:
    judged = trained.judged.predictor
    shifted = replace(judged, calibration=Calibration(judged.calibration.slope, 1.0))
    worse = replace(trained, judged=replace(trained.judged, predictor=shifted))
    found = challenge(worse, champion_of(trained), QUICK)
    assert found.difference.value == 0.0
    assert "mean probability is further off than the champion's" in found.reasons[-1]


def test_the_model_in_use_stands_for_itself_where_enough_rows_are_later(
    trained: Trained,
) -> None:
    test = trained.report.test
    old = replace(champion_of(trained), data_end=test.last.date(), judged=None)
    found = challenge(trained, old, QUICK)
    assert 0 < found.rows < test.rows


def test_a_champion_without_later_rows_or_features_cannot_be_compared_and_gives_way(
    trained: Trained,
) -> None:
    late = replace(champion_of(trained), data_end=date(2030, 1, 1), judged=None)
    found = challenge(trained, late, QUICK)
    assert (found.accepted, found.rows) == (True, 0)
    assert "too few lost accounts are later" in found.reasons[0]
    fewer = replace(trained, test=replace(trained.test, features=trained.test.features[["noise"]]))
    assert (
        "no longer computed, such as usage"
        in challenge(fewer, champion_of(trained), QUICK).reasons[0]
    )


def test_another_parameter_or_feature_makes_another_recipe() -> None:
    table = make_table()
    more = replace(table, features=table.features.assign(more=1.0))
    deeper = QUICK.model_copy(update={"training": QUICK.training.model_copy(update={"leaves": 8})})
    assert recipe_of(table, QUICK) == recipe_of(make_table(seed=1), QUICK)
    assert len({recipe_of(table, QUICK), recipe_of(more, QUICK), recipe_of(table, deeper)}) == 3
