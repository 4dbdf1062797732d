"""The baselines of few columns: a bar as high as anybody could set it without a model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from models.baseline import AS_LEARNT, HEALTH_SCORE, ORDERS, score_baselines, title_of
from models.judgement import judge
from models.scored import ScoredRows
from models.table import FloatArray, ModelTable
from tests.model_rows import QUICK, make_table, with_rows


def split(table: ModelTable) -> tuple[ModelTable, ModelTable]:
    """Mature rows before 2025, and from then on."""
    early = (table.rows["as_of"] < "2025-01-01").to_numpy()
    return table.part(table.mature & early), table.part(table.mature & ~early)


def labelled(chance: FloatArray, *, seed: int = 0) -> ModelTable:
    """Rows without signal in the features, lost with the chances; float, (n,)."""
    table = make_table(signal=0.0)
    label = (np.random.default_rng(seed).random(len(table)) < chance).astype(np.float64)
    return with_rows(table, label=np.where(table.mature, label, np.nan))


def judged(train: ModelTable, test: ModelTable) -> ScoredRows:
    nothing = np.zeros(len(test))
    scores = score_baselines(train, test, settings=QUICK.training)
    return ScoredRows(test.rows, nothing, nothing + 0.5, scores)


def test_the_newest_first_is_a_bar_where_the_past_taught_the_opposite() -> None:
    table = make_table()
    tenure = table.rows["tenure_days"].to_numpy()
    early = (table.rows["as_of"] < "2025-01-01").to_numpy()
    wrong = labelled(1 / (1 + np.exp(np.where(early, -1, 1) * (tenure / 200 - 3))))
    found = judge(judged(*split(wrong)), QUICK).baselines["tenure"]
    assert found.order == "lowest first"
    assert found.auc.low > 0.6
    assert found.difference.high < 0.0


def test_a_rise_and_fall_is_learnt_where_no_direction_ranks_it() -> None:
    tenure = make_table().rows["tenure_days"].to_numpy()
    found = judge(judged(*split(labelled(np.where(abs(tenure - 700) < 200, 0.6, 0.1)))), QUICK)
    assert found.baselines["tenure"].order == AS_LEARNT
    assert found.baselines["tenure"].auc.low > 0.6


def test_a_bar_is_also_learnt_without_what_is_overdue() -> None:
    train, test = split(labelled(np.full(len(make_table()), 0.3)))
    overdue = np.arange(len(train)) % 3 == 0
    misled = with_rows(train, headline=~overdue, label=np.where(overdue, 1.0, train.label))
    for name in ("tenure", "days_to_renewal", "days_to_renewal_with_trend"):
        found = score_baselines(misled, test, settings=QUICK.training)[name]
        kept = score_baselines(train.part(~overdue), test, settings=QUICK.training)[name]
        np.testing.assert_array_equal(found[:, 1], kept[:, 0])
        assert not np.array_equal(found[:, 0], kept[:, 0])


def test_columns_are_ranked_both_ways_with_the_unknown_last() -> None:
    train, test = split(make_table())
    tenure = test.rows["tenure_days"].where(np.arange(len(test)) > 0)
    scores = score_baselines(train, with_rows(test, tenure_days=tenure), settings=QUICK.training)
    assert scores["tenure"].shape == (len(test), len(ORDERS))
    _, _, highest, lowest = scores["tenure"].T
    assert highest.argmin() == lowest.argmin() == 0
    assert highest.argmax() == int(np.nanargmax(tenure.to_numpy()))
    assert lowest.argmax() == int(np.nanargmin(tenure.to_numpy()))


def test_with_nothing_to_learn_only_the_directions_are_left() -> None:
    train, test = split(make_table())
    alone = replace(train, rows=train.rows.assign(headline=False))
    scores = score_baselines(alone, test, settings=QUICK.training)
    assert len(np.unique(scores["tenure"][:, 1])) == 1
    assert len(np.unique(scores["tenure"][:, 2])) > 100


def test_a_column_that_nobody_knows_is_no_baseline() -> None:
    train, test = split(make_table())
    unknown = with_rows(train, tenure_days=pd.Series(np.nan, index=train.rows.index))
    assert "tenure" not in score_baselines(unknown, test, settings=QUICK.training)


def test_the_health_score_ranks_the_worst_first_and_the_unknown_last() -> None:
    train, test = split(make_table())
    assert HEALTH_SCORE not in score_baselines(train, test, settings=QUICK.training)
    health = np.where(np.arange(len(test)) == 3, np.nan, np.arange(len(test)) % 100.0)
    found = score_baselines(train, replace(test, health=health), settings=QUICK.training)
    assert found[HEALTH_SCORE].argmin() == 3
    assert found[HEALTH_SCORE].argmax() == 0
    unknown = replace(test, health=np.full(len(test), np.nan))
    assert HEALTH_SCORE not in score_baselines(train, unknown, settings=QUICK.training)


def test_the_strongest_order_stands_beside_the_name_for_people() -> None:
    assert title_of("tenure", "lowest first") == "tenure alone, lowest first"
    assert title_of("logistic_regression") == "logistic regression"
