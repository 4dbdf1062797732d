"""Fitting a model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lightgbm.basic import LightGBMError

from models.calibration import logit
from models.driver import NOWHERE, explain, strongest
from models.predictor import Predictor
from models.settings import TrainingSettings
from models.training import FittedModel, assign_folds, fit_model
from tests.model_rows import make_table

SETTINGS = TrainingSettings(max_trees=60, replicates=100)


@pytest.fixture(scope="module")
def fitted() -> FittedModel:
    table = make_table()
    return fit_model(table.part(table.mature), settings=SETTINGS)


def test_accounts_of_one_group_are_never_in_two_folds() -> None:
    table = make_table()
    fold = assign_folds(table.group, np.nan_to_num(table.label), folds=4, seed=0)
    assert pd.Series(fold).groupby(table.group).nunique().max() == 1


def test_positives_are_spread_evenly_over_folds() -> None:
    group = np.array([f"A{number}" for number in range(40)], dtype=object)
    label = (np.arange(40) < 8).astype(np.float64)
    fold = assign_folds(group, label, folds=4, seed=0)
    assert np.bincount(fold, weights=label).tolist() == [2, 2, 2, 2]


def test_the_same_rows_and_seed_give_the_same_model_to_the_byte(fitted: FittedModel) -> None:
    table = make_table()
    again = fit_model(table.part(table.mature), settings=SETTINGS)
    first, second = fitted.predictor, again.predictor
    assert first.booster.model_to_string() == second.booster.model_to_string()
    assert first.calibration == second.calibration


def test_the_number_of_threads_changes_no_probability() -> None:
    table = make_table(accounts=60)
    settings = SETTINGS.model_copy(update={"threads": 2, "max_trees": 5})
    one = settings.model_copy(update={"threads": 1})
    mature = table.part(table.mature)
    np.testing.assert_array_equal(
        fit_model(mature, settings=settings).predictor.probability(table.features),
        fit_model(mature, settings=one).predictor.probability(table.features),
    )


def test_contributions_add_up_to_the_log_odds_of_the_published_probability(
    fitted: FittedModel,
) -> None:
    features = make_table().features
    found = explain(fitted.predictor, features)
    published = fitted.predictor.probability(features)
    log_odds = found.base + found.contributions.sum(axis=1)
    assert np.abs(found.probability - published).max() < 1e-6
    assert np.abs(log_odds - logit(published)).max() < 1e-6


def test_an_unseen_category_is_scored_as_a_missing_one(fitted: FittedModel) -> None:
    features = make_table().features.head(50)
    np.testing.assert_array_equal(
        fitted.predictor.probability(features.assign(segment="huge")),
        fitted.predictor.probability(features.assign(segment=None)),
    )


def test_no_rows_give_no_probabilities_and_no_contributions(fitted: FittedModel) -> None:
    found = explain(fitted.predictor, make_table().features.head(0))
    assert found.probability.shape == (0,)
    assert found.contributions.shape == (0, 3)


def test_the_strongest_contributions_come_first_and_zeros_are_left_out() -> None:
    contributions = np.array([[0.1, -0.5, 0.0, 0.2], [0.0, 0.0, 0.0, 1.0]])
    assert strongest(contributions, count=3).tolist() == [[1, 3, 0], [3, NOWHERE, NOWHERE]]


def test_constant_features_are_left_out_with_a_notice(fitted: FittedModel) -> None:
    assert "nothing" not in fitted.predictor.encoding.columns
    assert fitted.notices[0].startswith("feature nothing is left out")


def test_progress_is_told_while_boosting() -> None:
    told: list[tuple[str, float]] = []
    table = make_table(accounts=60)
    fit_model(
        table.part(table.mature),
        settings=SETTINGS,
        progress=lambda step, share: told.append((step, share)),
    )
    assert told[0] == ("boosting", 0.0)
    assert all(0.0 <= share <= 1.0 for _, share in told)


def test_rows_of_another_matrix_are_not_scored(fitted: FittedModel) -> None:
    matrix = fitted.predictor.encoding.encode(make_table().features.head(5))
    shuffled = matrix[matrix.columns[::-1]]
    with pytest.raises(LightGBMError, match="Expected 'usage'"):
        Predictor(
            fitted.predictor.booster, fitted.predictor.encoding, fitted.predictor.calibration
        ).raw(shuffled)
