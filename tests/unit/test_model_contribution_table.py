"""Contributions that are looked up equal LightGBM's own."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from models.contribution_table import make_table
from models.settings import TrainingSettings
from models.table import FloatArray
from models.training import fit_model
from tests.model_rows import make_table as make_rows


def own(booster: lgb.Booster, matrix: FloatArray) -> FloatArray:
    return np.asarray(booster.predict(matrix, pred_contrib=True, num_threads=1))


@pytest.mark.parametrize("leaves", [2, 4, 8])
@pytest.mark.parametrize("missing", [True, False])
def test_they_equal_those_of_lightgbm(leaves: int, missing: bool) -> None:
    rows = make_rows()
    mature = rows.part(rows.mature)
    usage = mature.features["usage"]
    mature.features["usage"] = usage if missing else usage.fillna(0.0)
    settings = TrainingSettings(max_trees=40, leaves=leaves, folds=4)
    predictor = fit_model(mature, settings=settings).predictor
    table = make_table(predictor.booster)
    assert table is not None
    # Missing values and categories that training did not see are among the rows.
    strange = rows.features.assign(segment=rows.features["segment"].replace("small", "huge"))
    for features in (rows.features, strange):
        matrix = predictor.encoding.encode(features).to_numpy()
        found = table.look_up(matrix)
        assert found is not None
        np.testing.assert_allclose(found, own(predictor.booster, matrix), rtol=0, atol=1e-12)


@pytest.mark.parametrize("leaves", [4, 8])
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_zeros_whole_numbers_and_huge_values_go_the_way_that_they_go_in_lightgbm(
    leaves: int, share: float
) -> None:
    generator = np.random.default_rng(leaves)
    matrix = generator.integers(-2, 3, (3000, 12)).astype(np.float64)
    matrix[generator.random(matrix.shape) < share] = np.nan
    label = (np.nansum(matrix[:, :6], axis=1) + generator.normal(0, 2, 3000) > 0).astype(np.float64)
    options = {"objective": "binary", "num_leaves": leaves, "verbose": -1, "num_threads": 1}
    booster = lgb.train(options, lgb.Dataset(matrix, label), num_boost_round=60)
    table = make_table(booster)
    assert table is not None
    rows = matrix[:200].copy()
    rows[::3] *= 1e300
    rows[1::3] *= 1e-300
    rows[2::7] = np.nan
    found = table.look_up(rows)
    assert found is not None
    np.testing.assert_allclose(found, own(booster, rows), rtol=0, atol=1e-12)


def test_deep_trees_and_a_booster_without_splits_are_left_to_lightgbm() -> None:
    rows = make_rows()
    mature = rows.part(rows.mature)
    deep = fit_model(mature, settings=TrainingSettings(max_trees=10, leaves=16, folds=4)).predictor
    assert make_table(deep.booster) is None
    flat = lgb.train(
        {"objective": "binary", "verbose": -1, "min_data_in_leaf": 10_000},
        lgb.Dataset(np.ones((50, 2)), np.arange(50) % 2),
        num_boost_round=2,
    )
    assert make_table(flat) is None
