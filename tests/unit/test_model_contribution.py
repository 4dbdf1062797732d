"""Contributions worked out by kinds of rows equal LightGBM's own."""

from __future__ import annotations

import numpy as np
import pytest

import models.contribution
from models.contribution import shallow_contributions
from models.settings import TrainingSettings
from models.training import fit_model
from tests.model_rows import make_table


@pytest.mark.parametrize("leaves", [2, 4, 8])
@pytest.mark.parametrize("missing", [True, False])
def test_they_equal_those_of_lightgbm(leaves: int, missing: bool) -> None:
    table = make_table()
    mature = table.part(table.mature)
    usage = mature.features["usage"]
    mature.features["usage"] = usage if missing else usage.fillna(0.0)
    settings = TrainingSettings(max_trees=40, leaves=leaves, folds=4)
    predictor = fit_model(mature, settings=settings).predictor
    # Missing values and categories that training did not see are among the rows.
    features = table.features.assign(segment=table.features["segment"].replace("small", "huge"))
    for rows in (table.features, features):
        matrix = predictor.encoding.encode(rows)
        found = shallow_contributions(predictor.booster, matrix.to_numpy())
        assert found is not None
        expected = predictor.booster.predict(matrix, pred_contrib=True)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_deep_trees_and_few_rows_are_left_to_lightgbm(monkeypatch: pytest.MonkeyPatch) -> None:
    table = make_table()
    mature = table.part(table.mature)
    settings = TrainingSettings(max_trees=10, leaves=16, folds=4)
    predictor = fit_model(mature, settings=settings).predictor
    matrix = predictor.encoding.encode(table.features).to_numpy()
    assert shallow_contributions(predictor.booster, matrix) is None
    monkeypatch.setattr(models.contribution, "MOST_SPLITS", 15)
    assert shallow_contributions(predictor.booster, matrix[:100]) is None
