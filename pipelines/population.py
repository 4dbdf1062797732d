"""The accounts to score on one as-of date, and their probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from features.dataset import Dataset, ModelName, build_datasets
from features.errors import InputError, Problem
from features.progress import Progress, silent
from features.source import Source
from features.state import read_states
from models.driver import Explanation, explain
from models.predictor import Predictor
from models.snapshot import STATES_AT_RISK


@dataclass(frozen=True)
class Population:
    """Every customer on one as-of date.

    Parameters
    ----------
    as_of : date
    states : DataFrame, (n_accounts, ...)
        As ``features.state.read_states`` gives them.
    datasets : dict of str to Dataset
        The rows of each model on this date, with what was known of them one longest window
        earlier; their labels are not known yet.
    """

    as_of: date
    states: pd.DataFrame
    datasets: Mapping[ModelName, Dataset]

    @property
    def accounts(self) -> list[dict[str, Any]]:  # Any: the cells of the states frame
        """The states, an account at a time."""
        return [
            {str(name): value for name, value in row.items()}
            for row in self.states.to_dict("records")
        ]


@dataclass(frozen=True)
class Prediction:
    """One model's probabilities for the rows of one dataset, by the row's key.

    ``columns`` names the features of the contributions; ``place`` maps the key (account for churn,
    contract for renewal) to a row.
    """

    explanation: Explanation
    columns: tuple[str, ...]
    place: Mapping[str, int]
    dataset: Dataset

    def probability(self, key: str | None) -> float | None:
        """Probability 0-1; None when the model has no row for the key."""
        row = self.place.get(key) if key is not None else None
        return None if row is None else float(self.explanation.probability[row])


def build_population(source: Source, as_of: date, *, progress: Progress = silent) -> Population:
    """The customers of the company on the as-of date, with states and features.

    Raises
    ------
    InputError
        When there is none: nothing is published then.
    """
    window = max(source.settings.time.windows_days)
    datasets = build_datasets(source, dates=[as_of], past_days=window, progress=progress)
    states = read_states(source, as_of)
    if states.empty:
        rule = f"hold no customer on {as_of}"
        remedy = "choose a date within the data, or look at the contracts' dates"
        raise InputError([Problem("the tables", "", rule, remedy=remedy)])
    return Population(as_of, states, datasets)


def predict(
    population: Population, predictors: Mapping[ModelName, Predictor]
) -> dict[ModelName, Prediction]:
    """Probabilities and contributions of every model that there is.

    Raises
    ------
    InputError
        When a model was trained on features that the configuration no longer gives.
    """
    predictions: dict[ModelName, Prediction] = {}
    for name, predictor in predictors.items():
        dataset = population.datasets.get(name)
        if dataset is None or not len(dataset.rows):
            continue
        _check_features(name, predictor, dataset)
        key = "contract_id" if name == "renewal" else "account_id"
        place = {str(value): row for row, value in enumerate(dataset.rows[key])}
        predictions[name] = Prediction(
            explain(predictor, dataset.features), predictor.encoding.columns, place, dataset
        )
    return predictions


def _check_features(name: ModelName, predictor: Predictor, dataset: Dataset) -> None:
    absent = [column for column in predictor.encoding.columns if column not in dataset.features]
    if absent:
        rule = (
            f"was trained under another configuration: {len(absent)} of its "
            f"{len(predictor.encoding.columns)} features are not computed now"
        )
        remedy = "run `keepwell train` again, or bring back the configuration it was trained with"
        examples = tuple(absent[:3])
        raise InputError([Problem(f"{name} model", "", rule, examples=examples, remedy=remedy)])


def loss_probabilities(
    population: Population, predictions: Mapping[ModelName, Prediction]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Loss probability 0-1 of every account that carries risk, in no particular order."""
    found = [
        lead_prediction(state, predictions)[1]
        for state in population.accounts
        if state["state"] in STATES_AT_RISK
    ]
    return np.array([value for value in found if value is not None], dtype=np.float64)


def lead_prediction(
    state: Mapping[str, object], predictions: Mapping[ModelName, Prediction]
) -> tuple[ModelName | None, float | None]:
    """The model that speaks of this account's loss, and its probability.

    The renewal model where a contract's decision is due, else the churn model; none where neither
    has a row for it.
    """
    if state["due"] and "renewal" in predictions:
        contract = state["contract_id"]
        value = predictions["renewal"].probability(str(contract) if contract else None)
        if value is not None:
            return "renewal", value
    if "churn" in predictions:
        value = predictions["churn"].probability(str(state["account_id"]))
        if value is not None:
            return "churn", value
    return None, None
