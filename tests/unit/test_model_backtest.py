"""A recipe judged at rolling origins."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from models.age import MONTH_DAYS
from models.backtest import Backtest, backtest
from models.fold import judged_rows, plan_folds
from models.settings import BacktestSettings
from models.split import judged_dates
from models.stability import measure_stability
from models.tier import Thresholds
from models.trained import Skipped
from tests.model_rows import QUICK, make_table, shuffle_labels, with_rows

SETTINGS = QUICK.model_copy(update={"backtest": BacktestSettings(folds=6)})


@pytest.fixture(scope="module")
def found() -> Backtest:
    outcome = backtest(make_table(), SETTINGS)
    assert isinstance(outcome, Backtest)
    return outcome


def test_every_training_label_was_known_by_the_first_date_tested_on() -> None:
    table = make_table()
    folds = plan_folds(table, SETTINGS)
    assert len(folds) == 6
    for fold in folds:
        known = table.rows["label_known_at"][fold.train]
        assert (known <= fold.dates[0]).all()
        assert (table.rows["as_of"][fold.train] < fold.dates[0]).all()
        assert fold.cutoff == fold.dates[0]


def test_every_judged_date_after_the_first_cut_off_is_tested_on_once() -> None:
    table = make_table()
    folds = plan_folds(table, SETTINGS)
    dates = np.concatenate([fold.dates for fold in folds])
    judged = judged_dates(table)
    np.testing.assert_array_equal(dates, judged[judged >= folds[0].cutoff])
    assert sum(judged_rows(table, fold.dates).sum() for fold in folds) == len(dates) * 200


def test_a_fold_for_every_date_where_there_are_no_more_dates_than_folds() -> None:
    many = SETTINGS.model_copy(update={"backtest": BacktestSettings(folds=99)})
    assert all(len(fold.dates) == 1 for fold in plan_folds(make_table(), many))


def test_the_pooled_figures_are_of_all_judged_rows(found: Backtest) -> None:
    assert found.pooled.skill.rows == sum(fold.test.rows for fold in found.folds)
    assert found.pooled.skill.auc.low > 0.6


def test_a_backtest_has_the_names_that_other_programs_read(found: Backtest) -> None:
    written = found.to_json()
    assert written["promoted"] is False
    names = {"auc", "auc_interval", "average_precision", "brier", "brier_skill", "log_loss"}
    names |= {"calibration", "top", "baselines", "slices", "folds", "ages", "verdict", "reasons"}
    assert names <= set(written)
    folds = written["folds"]
    assert isinstance(folds, list)
    assert {"train", "test", "auc_interval", "baselines", "top"} <= set(folds[0])
    json.dumps(written, allow_nan=False)


def test_a_health_score_stands_beside_the_other_baselines_pooled_and_by_fold() -> None:
    table = make_table(accounts=120, months=20)
    usage = table.features["usage"].to_numpy()
    few = SETTINGS.model_copy(update={"backtest": BacktestSettings(folds=2)})
    found = backtest(replace(table, health=50 + 10 * usage), few)
    assert isinstance(found, Backtest)
    assert found.pooled.baselines["health_score"].auc.value > 0.6
    assert all("health_score" in fold.judgement.baselines for fold in found.folds)


def test_a_model_of_an_age_is_compared_with_the_newest_on_the_same_rows(found: Backtest) -> None:
    assert set(found.ages) <= {1, 3, 6, 12}
    assert 3 in found.ages
    for age in found.ages.values():
        assert age.rows <= found.pooled.skill.rows
        assert age.difference.low <= age.difference.value <= age.difference.high


def test_no_model_is_older_than_the_history_allows(found: Backtest) -> None:
    span = found.folds[-1].test.last - found.folds[0].test.first
    assert all(months - 0.5 <= span.days / MONTH_DAYS for months in found.ages)


def test_shuffled_labels_are_no_better_than_chance() -> None:
    outcome = backtest(shuffle_labels(make_table(), seed=4), SETTINGS)
    assert isinstance(outcome, Backtest)
    assert outcome.decision.verdict == "no better than chance"


def test_what_cannot_be_trained_by_any_cut_off_is_skipped_with_the_reason() -> None:
    table = make_table()
    rare = with_rows(table, label=np.where(table.mature, 0.0, np.nan))
    outcome = backtest(rare, SETTINGS)
    assert isinstance(outcome, Skipped)
    assert outcome.reason.endswith("there is one class only")
    few = table.rows["account_id"].isin(["A30", "A31"]).astype(np.float64)
    outcome = backtest(with_rows(table, label=np.where(table.mature, few, np.nan)), SETTINGS)
    assert isinstance(outcome, Skipped)
    assert "even by the last date that can be tested on" in outcome.reason


def test_a_ranking_that_does_not_move_is_stable_and_one_that_turns_over_is_not() -> None:
    table = make_table(accounts=40, months=3)
    still = np.asarray(table.rows["account_id"].factorize()[0] / 40.0, dtype=np.float64)
    last = (table.rows["as_of"] == table.rows["as_of"].max()).to_numpy()
    turned = np.where(last, 1.0 - still, still)
    limits = Thresholds(high=0.7, medium=0.3)
    calm = measure_stability(table, still, limits, SETTINGS)
    wild = measure_stability(table, turned, limits, SETTINGS)
    assert calm.steps == 2
    assert calm.rank_correlation.value == pytest.approx(1.0)
    assert calm.tier_changes.value == 0.0
    assert wild.rank_correlation.value == pytest.approx(0.0, abs=1e-9)
    assert wild.tier_changes.minus(calm.tier_changes).low > 0.0


def test_a_column_that_holds_the_answer_is_named() -> None:
    table = make_table()
    table.features["loyalty"] = 1.0 - np.nan_to_num(table.label)
    outcome = backtest(table, SETTINGS)
    assert isinstance(outcome, Backtest)
    assert outcome.decision.verdict == "a feature holds the answer: loyalty"


def test_the_rank_correlation_is_spearmans_with_ties_and_gaps_and_has_an_interval() -> None:
    table = make_table(accounts=120, months=4)
    account = table.rows["account_id"].factorize()[0]
    noise = np.random.default_rng(3).normal(size=len(account))
    probability = np.round(1 / (1 + np.exp(-(account / 40.0 - 1.5 + noise))), 1)  # ties
    seen = np.random.default_rng(4).random(len(account)) < 0.8
    table, probability = table.part(seen), probability[seen]
    found = measure_stability(table, probability, Thresholds(high=0.7, medium=0.3), SETTINGS)
    wide = table.rows.assign(p=probability).pivot(index="account_id", columns="as_of", values="p")
    expected = [
        wide[before].corr(wide[after], method="spearman")
        for before, after in pairwise(wide.columns)
    ]
    assert found.rank_correlation.value == pytest.approx(np.mean(expected))
    interval = found.rank_correlation.estimate
    assert 0.0 < interval.low < interval.value < interval.high < 1.0
    assert found.to_json()["rank_correlation_interval"] == [interval.low, interval.high]


def test_one_date_has_no_rank_correlation() -> None:
    table = make_table(accounts=20, months=1)
    found = measure_stability(
        table, np.full(len(table), 0.5), Thresholds(high=0.7, medium=0.3), SETTINGS
    )
    assert found.steps == 0
    written = found.to_json()
    assert written["rank_correlation"] is None
    assert written["rank_correlation_interval"] is None


def test_nobody_seen_on_both_dates_has_no_rank_correlation() -> None:
    table = make_table(accounts=20, months=2)
    first = (table.rows["as_of"] == table.rows["as_of"].min()).to_numpy()
    half = (table.rows["account_id"].factorize()[0] < 10) == first
    found = measure_stability(
        table.part(half), np.full(20, 0.5), Thresholds(high=0.7, medium=0.3), SETTINGS
    )
    assert found.steps == 1
    assert found.to_json()["rank_correlation"] is None
