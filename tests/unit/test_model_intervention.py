"""Labels spoiled by acting are counted, and a hold-out tells what acting brings."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from models.intervention import (
    Interventions,
    held_out,
    judge_interventions,
    measure_effect,
    say_interventions,
)
from models.recipe import train_model
from models.scored import ScoredRows
from models.settings import InterventionSettings, ModelSettings, TeamSettings, TrainingSettings
from models.trained import Trained
from tests.model_rows import QUICK, make_table, with_rows

SHARE = 0.3
SETTINGS = ModelSettings(
    team=TeamSettings(capacity=200),
    training=TrainingSettings(replicates=200),
    interventions=InterventionSettings(hold_out_share=SHARE),
)


def acted_company(
    seed: int, *, saved: float = 0.3, reached: float = 0.7, accounts: int = 600
) -> ScoredRows:
    """Six dates of accounts at a risk of their own; those not held out are mostly reached.

    Of all accounts at high risk half are lost when left alone; ``saved`` is how much reaching an
    account takes off its probability. Pairs of accounts share a parent. Whom the team reaches is
    the gravest cases first, so that comparing by contact would mislead.
    """
    chance = np.random.default_rng(seed)
    account = np.repeat(np.arange(accounts), 6)
    group = np.array([f"P{seed}-{number // 2}" for number in account], dtype=object)
    risk = np.repeat(chance.uniform(0.05, 0.95, accounts), 6)
    held = held_out(group, share=SHARE, seed=0)
    graver = np.repeat(chance.random(accounts), 6)
    contacted = ~held & (graver < reached)
    loss = 0.5 + np.where(graver < reached, 0.1, -0.1 * reached / (1 - reached)) - saved * contacted
    rows = pd.DataFrame(
        {
            "account_id": [f"A{number}" for number in account],
            "group_id": group,
            "contract_id": None,
            "as_of": np.tile(pd.date_range("2026-01-01", periods=6, freq="MS"), accounts),
            "label": (chance.random(len(account)) < loss).astype(float),
            "worked_on": np.where(contacted, "yes", "no"),
        }
    )
    return ScoredRows(rows, risk, risk, {})


def test_a_hold_out_is_alike_on_every_day_and_grows_with_its_share() -> None:
    names = [f"A{number}" for number in range(2000)]
    small, large = (held_out(names, share=share, seed=0) for share in (0.1, 0.2))
    assert 0.08 < small.mean() < 0.12
    assert not (small & ~large).any()
    assert (held_out(names[::-1], share=0.1, seed=0)[::-1] == small).all()
    assert (held_out(names, share=0.1, seed=1) != small).any()
    assert not held_out(names, share=0.0, seed=0).any()
    # Written down, for a running hold-out must survive every new version.
    assert [name for name, out in zip(names, small, strict=True) if out][:3] == WRITTEN


WRITTEN = ["A6", "A21", "A23"]


def test_the_interval_holds_the_true_effect_about_as_often_as_it_says() -> None:
    truth = -0.3 * 0.7
    found = [measure_effect(acted_company(seed), SETTINGS) for seed in range(40)]
    inside = [effect.difference.low <= truth <= effect.difference.high for effect in found]
    assert 35 <= sum(inside) <= 40
    assert np.mean([effect.difference.value for effect in found]) == pytest.approx(truth, abs=0.02)


def test_no_effect_is_not_found() -> None:
    found = [measure_effect(acted_company(seed, saved=0.0), SETTINGS) for seed in range(20)]
    over = [not effect.difference.low <= 0.0 <= effect.difference.high for effect in found]
    assert sum(over) <= 3


def test_only_the_first_entry_of_an_account_among_the_most_probable_losses_counts() -> None:
    found = measure_effect(acted_company(1), SETTINGS)
    # The same 200 accounts lead on every date, since their risk does not change.
    assert found.worked_on.accounts + found.held_out.accounts == 200
    assert found.held_out.contacted == 0


def test_too_few_groups_give_no_difference() -> None:
    found = measure_effect(acted_company(1, accounts=12), SETTINGS)
    assert math.isnan(found.difference.value)
    assert found.to_json()["difference"] is None


def test_dates_before_the_hold_out_are_left_out() -> None:
    settings = SETTINGS.model_copy(
        update={
            "interventions": InterventionSettings(
                hold_out_share=SHARE, hold_out_from=pd.Timestamp("2027-01-01").date()
            )
        }
    )
    found = judge_interventions(acted_company(1), settings)
    assert found.effect is not None
    assert found.effect.worked_on.accounts == 0


def test_without_a_hold_out_no_effect_is_given() -> None:
    found = judge_interventions(acted_company(1), QUICK)
    assert found.effect is None
    assert found.rows is not None
    assert found.rows > 0
    assert found.to_json() == {"rows_worked_on": found.rows, "effect": None}


def test_spoiled_labels_are_said_and_shown_apart() -> None:
    table = make_table()
    acted = np.random.default_rng(1).random(len(table)) < 0.3
    table = with_rows(table, worked_on=pd.Series(np.where(acted, "yes", "no"), dtype=object))
    outcome = train_model(table, QUICK)
    assert isinstance(outcome, Trained)
    found = outcome.report.to_json()
    rows = found["interventions"]["rows_worked_on"]  # type: ignore[index]  # JSON
    assert found["slices"]["worked_on"]["yes"]["rows"] == rows  # type: ignore[index]  # JSON
    assert any("spoiled by acting" in notice for notice in outcome.report.notices)


def test_the_effect_is_said_in_words() -> None:
    scored = acted_company(1)
    *_, said = say_interventions(judge_interventions(scored, SETTINGS), len(scored))
    assert said.startswith("acting changes the share lost by -0.")
    assert "held out at random, as assigned, whether or not contacted" in said


def test_without_interventions_nothing_is_said() -> None:
    assert say_interventions(Interventions(), 10) == ()
    assert say_interventions(Interventions(0), 10) == ()
