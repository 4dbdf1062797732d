"""Rows without dates are judged by models that did not see their group."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.errors import InvariantError
from models.gate import BARS
from models.holdout import PARTS, score_left_out
from models.judgement import judge
from models.recipe import silent, train_model
from models.scored import ScoredRows
from models.settings import ModelSettings, TrainingSettings
from models.table import ModelTable
from models.trained import Skipped, Trained
from tests.model_rows import make_table, shuffle_labels, with_rows

QUICK = ModelSettings(training=TrainingSettings(max_trees=60, replicates=200, folds=3))


def make_undated(*, accounts: int = 600, signal: float = 1.2, seed: int = 0) -> ModelTable:
    """One row per account, all of one day, of whose tenure and renewal nothing is known."""
    table = make_table(accounts=accounts, months=1, signal=signal, seed=seed)
    unknown = dict.fromkeys(("tenure_days", "days_to_renewal", "events_change_28d"), np.nan)
    return replace(with_rows(table, **unknown), dated=False)


@pytest.fixture(scope="module")
def trained() -> Trained:
    found = train_model(make_undated(), QUICK)
    assert isinstance(found, Trained)
    return found


@pytest.fixture(scope="module")
def scored() -> ScoredRows:
    return score_left_out(make_undated(), settings=QUICK.training, progress=silent)


def test_a_table_with_signal_is_promoted_and_says_that_its_split_is_not_temporal(
    trained: Trained,
) -> None:
    report = trained.report
    assert report.decision.promoted
    assert report.skill.auc.low > 0.6
    assert report.to_json()["split"] == "accounts left out, not later in time"
    assert not report.temporal


def test_rows_of_which_nobody_knows_the_day_are_told_no_date() -> None:
    found = train_model(replace(make_undated(), data_end=None, horizon_days=None), QUICK)
    assert isinstance(found, Trained)
    told = found.report.to_json()
    for part in ("train", "test"):
        window = told[part]
        assert isinstance(window, dict)
        assert (window["first_as_of"], window["last_as_of"]) == (None, None)
    assert not found.report.leaks.dated


def test_rows_with_dates_must_say_until_when_they_tell() -> None:
    with pytest.raises(InvariantError, match="until when they tell"):
        replace(make_table(accounts=60, months=2), data_end=None)


def test_every_row_is_judged_once(scored: ScoredRows) -> None:
    assert sorted(scored.rows["account_id"]) == sorted(make_undated().rows["account_id"])


def test_accounts_of_one_parent_are_left_out_together(scored: ScoredRows) -> None:
    assert scored.fold is not None
    parts = pd.Series(scored.fold).groupby(scored.group).nunique()
    assert (parts == 1).all()
    assert len(np.unique(scored.fold)) == PARTS


def test_only_rows_of_one_fit_are_compared(scored: ScoredRows) -> None:
    assert len(np.unique(scored.stratum)) == PARTS
    first = scored.part(np.asarray(scored.fold == 0))
    assert len(np.unique(first.stratum)) == 1


def test_intervals_are_wider_than_those_of_rows_that_one_fit_judged(scored: ScoredRows) -> None:
    assert scored.independent_share == pytest.approx(1 / 2.25)
    wide = judge(scored, QUICK).skill.auc
    as_if_independent = replace(scored, fold=None)
    narrow = judge(as_if_independent, QUICK).skill.auc
    assert 1.2 < (wide.high - wide.low) / (narrow.high - narrow.low) < 1.9


def test_a_baseline_of_what_nobody_knows_is_left_out(trained: Trained) -> None:
    assert set(trained.report.judgement.baselines) == {"base_rate", "logistic_regression"}
    assert not any(word in " ".join(trained.report.decision.reasons) for word in BARS.values())


@pytest.mark.parametrize("seed", [0, 1])
def test_shuffled_labels_are_no_better_than_chance(seed: int) -> None:
    found = train_model(shuffle_labels(make_undated(seed=seed), seed=seed), QUICK)
    assert isinstance(found, Trained)
    assert not found.report.decision.promoted


def test_the_left_out_figure_is_below_the_one_on_rows_that_were_learnt() -> None:
    table = make_undated(signal=0.0)
    found = train_model(table, QUICK)
    assert isinstance(found, Trained)
    learnt = found.shipped.predictor.probability(table.features)
    own = learnt[table.label == 1].mean() - learnt[table.label == 0].mean()
    left_out = found.report.scored
    honest = (
        left_out.probability[left_out.label == 1].mean()
        - left_out.probability[left_out.label == 0].mean()
    )
    assert honest < own


def test_unlabelled_rows_neither_train_nor_judge() -> None:
    table = make_undated()
    label = table.label.copy()
    label[:100] = np.nan
    found = train_model(with_rows(table, label=label), QUICK)
    assert isinstance(found, Trained)
    assert found.report.skill.rows == found.shipped.rows == 500


def test_too_few_accounts_of_a_class_are_a_readable_refusal() -> None:
    found = train_model(make_undated(accounts=60), QUICK)
    assert isinstance(found, Skipped)
    assert "too few positives" in found.reason
