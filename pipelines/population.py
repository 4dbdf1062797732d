"""The accounts to score on one as-of date, and their probabilities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from features.dataset import Dataset, ModelName, build_datasets
from features.errors import InputError, InvariantError, Problem
from features.progress import Progress, silent
from features.settings import AbstentionSettings
from features.source import Source
from features.state import read_states
from models.abstention import Reasons, find_abstentions
from models.account_score import STATES_AT_RISK, Abstention
from models.driver import Explanation, explain_encoded
from models.predictor import Predictor
from models.refit import Interval, Refits, find_interval
from models.table import FloatArray


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
        columns = {str(name): _cells(self.states[name]) for name in self.states}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _cells(column: pd.Series) -> list[Any]:  # Any: the cells of a frame
    """A column's cells as plain values: a day as a date, what is missing as None or NaN."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        days = column.to_numpy().astype("datetime64[D]")
        return days.astype(object).tolist()
    return column.tolist()


@dataclass(frozen=True)
class Prediction:
    """One model's probabilities for the rows of one dataset, by the row's key.

    ``matrix`` holds the encoded features, ``probability`` is float, (n,), share 0-1; ``place`` maps
    the key (account for churn, contract for renewal) to a row. ``reasons`` holds, per row, the rule
    that withholds its probability, or None.
    """

    predictor: Predictor
    matrix: pd.DataFrame
    probability: FloatArray
    place: Mapping[str, int]
    dataset: Dataset
    interval: Interval
    reasons: Reasons

    @property
    def columns(self) -> tuple[str, ...]:
        """The features of the contributions, in their order."""
        return self.predictor.encoding.columns

    def explain(self, rows: Sequence[int]) -> Explanation:
        """What each feature contributed to the probability of some rows, in their order.

        Raises
        ------
        InvariantError
            When the contributions do not add up to what is published.
        """
        chosen = np.asarray(rows, dtype=np.intp)
        found = explain_encoded(self.predictor, self.matrix.iloc[chosen])
        if not np.allclose(found.probability, self.probability[chosen], rtol=0, atol=1e-6):
            raise InvariantError("contributions do not add up to the published probabilities")
        return found

    def outlook(self, key: str | None) -> Outlook | None:
        """What the model says; None when it has no row for the key."""
        row = self.place.get(key) if key is not None else None
        return None if row is None else self.outlooks[row]

    @cached_property
    def outlooks(self) -> list[Outlook]:
        """What the model says of each row."""
        ends = zip(self.interval.low.tolist(), self.interval.high.tolist(), strict=True)
        intervals = (None if math.isnan(low) else (low, high) for low, high in ends)
        said = zip(self.probability.tolist(), intervals, self.reasons, strict=True)
        return [Outlook(row, *found) for row, found in enumerate(said)]


class Outlook(NamedTuple):
    """What a model says of one row.

    Parameters
    ----------
    row : int
        Place in the model's dataset.
    probability : float
        Share 0-1; not to be published where `abstained` says why.
    interval : tuple of float, or None
        Ends of the probability's interval; None without refits.
    abstained : str or None
        The rule that withholds the probability.
    """

    row: int
    probability: float
    interval: tuple[float, float] | None
    abstained: Abstention | None


class Model(NamedTuple):
    """What scores: a model and the refits behind its intervals, if there are any."""

    predictor: Predictor
    refits: Refits | None


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
    population: Population, models: Mapping[ModelName, Model], *, rules: AbstentionSettings
) -> dict[ModelName, Prediction]:
    """Probabilities of every model that there is, with their intervals.

    Parameters
    ----------
    population : Population
    models : mapping of model name to Model
    rules : AbstentionSettings
        When a probability is withheld.

    Raises
    ------
    InputError
        When a model was trained on features that the configuration no longer gives.
    """
    predictions: dict[ModelName, Prediction] = {}
    for name, (predictor, refits) in models.items():
        dataset = population.datasets.get(name)
        if dataset is None or not len(dataset.rows):
            continue
        check_features(name, predictor, dataset)
        key = "contract_id" if name == "renewal" else "account_id"
        place = {str(value): row for row, value in enumerate(dataset.rows[key])}
        matrix = predictor.encoding.encode(dataset.features)
        probability = predictor.calibration.probability(predictor.raw(matrix))
        interval = find_interval(refits, dataset.features, probability)
        tenure = dataset.rows["tenure_days"].to_numpy(dtype=np.float64, na_value=np.nan)
        predictions[name] = Prediction(
            predictor,
            matrix,
            probability,
            place,
            dataset,
            interval,
            find_abstentions(tenure, interval, settings=rules),
        )
    return predictions


def check_features(name: ModelName, predictor: Predictor, dataset: Dataset) -> None:
    """Refuse a model that was trained on features which the configuration no longer gives."""
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
    """Loss probability 0-1 of every account that gets one, in no particular order."""
    leads = (
        lead_prediction(state, predictions)
        for state in population.accounts
        if state["state"] in STATES_AT_RISK
    )
    return np.array(
        [lead[1].probability for lead in leads if lead is not None and lead[1].abstained is None],
        dtype=np.float64,
    )


def lead_prediction(
    state: Mapping[str, object], predictions: Mapping[ModelName, Prediction]
) -> tuple[ModelName, Outlook] | None:
    """The model that speaks of this account's loss, and what it says, be it that it abstains.

    The renewal model where a contract's decision is due, else the churn model; None where neither
    has a row for it.
    """
    if state["due"] and "renewal" in predictions:
        contract = state["contract_id"]
        found = predictions["renewal"].outlook(str(contract) if contract else None)
        if found is not None:
            return "renewal", found
    if "churn" in predictions:
        found = predictions["churn"].outlook(str(state["account_id"]))
        if found is not None:
            return "churn", found
    return None
