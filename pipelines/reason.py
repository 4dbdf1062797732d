"""The reasons behind a model's probabilities, each beside the account's past and its peers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from features.wording import describe
from models.account_score import Driver
from models.driver import NOWHERE, Explanation, strongest, sum_groups
from models.peer import PeerRange, peer_range
from models.ranking import IntArray
from models.table import FloatArray
from pipelines.population import Population, Prediction

Known = float | str | None
Cells = list[Known]
_SAID = ("feature", "group", "text", "value", "unit", "previous")


@dataclass(frozen=True)
class Reasons:
    """The reasons of some rows of a prediction.

    Parameters
    ----------
    prediction : Prediction
        Of n rows, all of which are peers.
    segment : Series of str, (n,)
        Of each row's account; None where it is not known.
    rows : list of int, (m,)
        The rows to tell of.
    explanation : Explanation
        Of those rows.
    places : int, (m, most)
        The columns to tell of, per row, as `strongest` finds them.
    currency : str
        Reporting currency, for the wording.
    """

    prediction: Prediction
    segment: pd.Series
    rows: Sequence[int]
    explanation: Explanation
    places: IntArray
    currency: str

    def drivers(self, row: int) -> tuple[Driver, ...]:
        """The row's drivers, the strongest first, in plain words."""
        return self._drivers[self._at[row]]

    def groups(self, row: int) -> dict[str, float]:
        """The row's contributions by group of the catalogue, log-odds."""
        names, sums = self._sums
        return dict(zip(names, sums[self._at[row]], strict=True))

    @cached_property
    def peers(self) -> PeerRange:
        """The range among each row's peers, of the columns that are told of."""
        dataset = self.prediction.dataset
        features = dataset.features[[self.prediction.columns[place] for place in self._told]]
        return peer_range(features, dataset.rows["account_id"], self.segment)

    @cached_property
    def _at(self) -> dict[int, int]:
        """Where each row stands among those that are told of."""
        return {row: place for place, row in enumerate(self.rows)}

    @cached_property
    def _told(self) -> list[int]:
        """The columns that any row tells of."""
        return [place for place in np.unique(self.places).tolist() if place != NOWHERE]

    @cached_property
    def _sums(self) -> tuple[list[str], list[list[float]]]:
        groups = self.prediction.dataset.catalogue.groups
        names, sums = sum_groups(
            self.explanation.contributions,
            [groups[name] for name in self.prediction.columns],
        )
        return names, sums.tolist()

    @cached_property
    def _drivers(self) -> list[tuple[Driver, ...]]:
        """Each row's drivers. All are made at once from columns, which is much faster."""
        at, rank = np.nonzero(self.places != NOWHERE)
        columns = self._columns(at, self.places[at, rank])
        told = (name for name in Driver._fields if name != "playbook")  # comes with the warnings
        drivers = list(map(Driver, *(columns[name] for name in told)))
        begins = np.searchsorted(at, np.arange(len(self.places) + 1)).tolist()
        return [tuple(drivers[begin:end]) for begin, end in pairwise(begins)]

    def _columns(self, at: IntArray, place: IntArray) -> dict[str, list[Any]]:  # Any: of any kind
        """The fields of `Driver`, an item for each of many drivers.

        Parameters
        ----------
        at, place : int, (d,)
            Which of the rows that are told of, and which column of the contributions.
        """
        row = np.asarray(self.rows, dtype=np.intp)[at]
        contribution = self.explanation.contributions[at, place]
        told = np.searchsorted(self._told, place)
        return {
            "contribution": contribution.tolist(),
            "points": (contribution * self.explanation.rates[at]).tolist(),
            "peer_low": known_numbers(self.peers.low[row, told]),
            "peer_high": known_numbers(self.peers.high[row, told]),
            **self._words(row, place),
        }

    def _words(self, row: IntArray, place: IntArray) -> dict[str, list[Any]]:  # Any: as above
        """What the fields say that depend on the feature and its value, a feature at a time."""
        dataset = self.prediction.dataset
        entries = {feature.name: feature for feature in dataset.catalogue.features}
        said = {name: np.full(len(row), None, dtype=np.object_) for name in _SAID}
        for one in self._told:
            here = np.flatnonzero(place == one)
            feature = entries[self.prediction.columns[one]]
            value = known_values(dataset.features[feature.name], row[here])
            texts = {v: describe(feature, v, currency=self.currency) for v in set(value)}
            said["feature"][here] = feature.name
            said["group"][here] = feature.group
            said["unit"][here] = feature.unit
            said["value"][here] = value
            said["text"][here] = [texts[v] for v in value]  # many rows have the same value
            if dataset.past is not None:
                said["previous"][here] = known_values(dataset.past[feature.name], row[here])
        return {name: cells.tolist() for name, cells in said.items()}


def find_reasons(
    population: Population,
    prediction: Prediction,
    rows: Sequence[int],
    *,
    currency: str,
    count: int,
) -> Reasons:
    """The reasons of some rows of a prediction, up to ``count`` for each.

    Parameters
    ----------
    population : Population
        Today's customers, whose segments tell who is whose peer.
    prediction : Prediction
    rows : sequence of int
    currency : str
    count : int
    """
    found = prediction.explain(rows)
    places = strongest(found.contributions, count=count)
    segments = _segments(population, prediction)
    return Reasons(prediction, segments, rows, found, places, currency)


def reasons_of_row(
    population: Population, prediction: Prediction, row: int, *, currency: str
) -> Reasons:
    """All reasons of one row."""
    every = len(prediction.columns)
    return find_reasons(population, prediction, [row], currency=currency, count=every)


def _segments(population: Population, prediction: Prediction) -> pd.Series:
    """The segment of each row's account, (n,); None where it is not known."""
    states = population.states
    segments: Mapping[str, str | None] = dict(
        zip(states["account_id"], states["segment"], strict=True)
    )
    accounts = prediction.dataset.rows["account_id"]
    return pd.Series([segments.get(account) for account in accounts], dtype=object)


def known_values(column: pd.Series, rows: IntArray) -> Cells:
    """Plain values of some rows of a column, None where missing."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return list(known_numbers(column.to_numpy(dtype=np.float64, na_value=np.nan)[rows]))
    return [known_value(value) for value in column.to_numpy(dtype=np.object_)[rows]]


def known_numbers(values: FloatArray) -> list[float | None]:
    """Plain numbers, None where there is none."""
    plain = values.astype(np.object_)
    plain[~np.isfinite(values)] = None
    return list(plain.tolist())


def known_value(value: float | str | None) -> Known:
    """A plain value, None where it is missing."""
    return value if isinstance(value, str) else _number(value)


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
