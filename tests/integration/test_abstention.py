"""Today's customers are held to the rules of abstention, and nothing slips out beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from features.catalogue import Catalogue
from features.dataset import Dataset, ModelName
from features.settings import AbstentionSettings
from pipelines.population import (
    Model,
    Population,
    Prediction,
    lead_prediction,
    loss_probabilities,
    predict,
)
from tests.integration.trained import trained_model
from tests.model_rows import make_table

TODAY = date(2025, 12, 1)


def population() -> Population:
    """Customers of one day; each has a churn row and a contract that is due."""
    table = make_table(accounts=40)
    today = table.part((table.rows["as_of"] == pd.Timestamp(TODAY)).to_numpy())
    rows = today.rows.assign(contract_id="C-" + today.rows["account_id"], tenure_days=400.0)
    states = rows[["account_id", "contract_id"]].assign(state="to_decide", due=True)
    models: tuple[ModelName, ...] = ("churn", "renewal")
    datasets = {
        name: Dataset(name, rows, today.features, Catalogue((), {}), TODAY) for name in models
    }
    return Population(TODAY, states, datasets)


def predicted(found: Population, **rules: float) -> dict[ModelName, Prediction]:
    trained = trained_model()
    model = Model(trained.shipped.predictor, trained.refits)
    settings = AbstentionSettings.model_validate(rules)
    return predict(found, {"churn": model, "renewal": model}, rules=settings)


def test_a_probability_comes_with_an_interval_that_holds_it() -> None:
    customers = population()
    predictions = predicted(customers, max_width=1.0)
    for state in customers.accounts:
        lead = lead_prediction(state, predictions)
        assert lead is not None
        model, outlook = lead
        assert (model, outlook.abstained) == ("renewal", None)
        assert outlook.interval is not None
        assert outlook.interval[0] < outlook.probability < outlook.interval[1]
    assert len(loss_probabilities(customers, predictions)) == 40


def test_where_the_renewal_model_abstains_the_churn_model_does_not_step_in() -> None:
    customers = population()
    predictions = predicted(customers, max_width=1e-9)
    for state in customers.accounts:
        lead = lead_prediction(state, predictions)
        assert lead is not None
        assert (lead[0], lead[1].abstained) == ("renewal", "interval_too_wide")
    assert len(loss_probabilities(customers, predictions)) == 0


def test_a_young_customer_gets_no_probability_from_either_model() -> None:
    customers = population()
    churn = customers.datasets["churn"]
    young = np.where(np.arange(40) < 3, 5.0, 400.0)
    datasets = {**customers.datasets}
    for name in ("churn", "renewal"):
        datasets[name] = replace(churn, model=name, rows=churn.rows.assign(tenure_days=young))
    young_ones = replace(customers, datasets=datasets)
    predictions = predicted(young_ones, max_width=1.0)
    for prediction in predictions.values():
        assert list(prediction.reasons[:4]) == ["too_little_history"] * 3 + [None]
    assert len(loss_probabilities(young_ones, predictions)) == 37


def test_without_refits_no_interval_is_told_and_none_can_be_too_wide() -> None:
    customers = population()
    model = Model(trained_model().shipped.predictor, None)
    settings = AbstentionSettings(max_width=1e-9)
    predictions = predict(customers, {"churn": model}, rules=settings)
    outlook = predictions["churn"].outlook(customers.accounts[0]["account_id"])
    assert outlook is not None
    assert (outlook.interval, outlook.abstained) == (None, None)
