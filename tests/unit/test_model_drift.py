"""Mean contributions by as-of date, for the picture of how drivers move."""

from __future__ import annotations

import numpy as np

from models.drift import mean_contributions
from models.driver import explain
from models.training import FittedModel, fit_model
from tests.model_rows import QUICK, make_table, with_rows


def fit() -> FittedModel:
    table = make_table(accounts=80)
    return fit_model(table.part(table.mature), settings=QUICK.training)


def test_contributions_are_averaged_by_date_over_headline_rows() -> None:
    table, predictor = make_table(accounts=80), fit().predictor
    headline = (np.arange(len(table)) % 5 != 0).astype(np.bool_)
    found = mean_contributions(predictor, with_rows(table, headline=headline))
    rows = explain(predictor, table.features).contributions
    for date, means in found.iterrows():
        chosen = headline & (table.rows["as_of"] == date).to_numpy()
        np.testing.assert_allclose(means, rows[chosen].mean(axis=0), atol=1e-12)
    assert len(found) == table.rows["as_of"].nunique()


def test_a_date_of_which_few_rows_are_known_is_left_out() -> None:
    table, predictor = make_table(accounts=80), fit().predictor
    last = table.rows["as_of"].max()
    few = (table.rows["as_of"] != last).to_numpy() | (np.arange(len(table)) < 24 * 5)
    found = mean_contributions(predictor, table.part(few))
    assert last not in found.index
    assert len(found) == table.rows["as_of"].nunique() - 1
