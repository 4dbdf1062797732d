"""The reasons behind a model's probabilities, each beside the account's past and its peers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from features.catalogue import Feature
from features.wording import describe
from models.driver import Explanation, strongest, sum_groups
from models.peer import PeerRange, peer_range
from models.ranking import IntArray
from models.snapshot import Driver
from models.table import FloatArray
from pipelines.population import Population, Prediction

Known = float | str | None
Cells = list[Known]


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
    places : list of list of int, (m,)
        The columns to tell of, per row, the strongest contribution first.
    currency : str
        Reporting currency, for the wording.
    """

    prediction: Prediction
    segment: pd.Series
    rows: Sequence[int]
    explanation: Explanation
    places: Sequence[Sequence[int]]
    currency: str

    def drivers(self, row: int) -> tuple[Driver, ...]:
        """The row's drivers, the strongest first, in plain words."""
        begins, drivers = self._drivers
        at = self._at[row]
        return tuple(drivers[begins[at] : begins[at + 1]])

    def groups(self, row: int) -> dict[str, float]:
        """The row's contributions by group of the catalogue, log-odds."""
        names, sums = self._sums
        return dict(zip(names, sums[self._at[row]].tolist(), strict=True))

    @cached_property
    def _at(self) -> dict[int, int]:
        """Where each row stands among those that are told of."""
        return {row: place for place, row in enumerate(self.rows)}

    @cached_property
    def peers(self) -> PeerRange:
        """The range among each row's peers, of the columns that are told of."""
        names = [self.prediction.columns[place] for place in self._column_of]
        dataset = self.prediction.dataset
        return peer_range(dataset.features[names], dataset.rows["account_id"], self.segment)

    @cached_property
    def _column_of(self) -> dict[int, int]:
        """Where the columns that are told of stand among themselves."""
        told = sorted({place for places in self.places for place in places})
        return {place: number for number, place in enumerate(told)}

    @cached_property
    def _features(self) -> dict[int, Feature]:
        named = {f.name: f for f in self.prediction.dataset.catalogue.features}
        return {place: named[self.prediction.columns[place]] for place in self._column_of}

    @cached_property
    def _sums(self) -> tuple[list[str], FloatArray]:
        groups = self.prediction.dataset.catalogue.groups
        return sum_groups(
            self.explanation.contributions,
            [groups[name] for name in self.prediction.columns],
        )

    @cached_property
    def _drivers(self) -> tuple[list[int], list[Driver]]:
        """Where each row's drivers begin, and all of them: made at once, which is much faster."""
        sizes = [len(places) for places in self.places]
        begins = np.concatenate([[0], np.cumsum(sizes, dtype=np.intp)]).tolist()
        at = np.repeat(np.arange(len(sizes)), sizes)
        row = np.asarray(self.rows, dtype=np.intp)[at]
        place = np.array([p for places in self.places for p in places], dtype=np.intp)
        column = np.array([self._column_of[p] for p in place.tolist()], dtype=np.intp)
        contribution = self.explanation.contributions[at, place]
        value, previous = self._cells(row, place)
        told = zip(
            place.tolist(),
            value,
            previous,
            contribution.tolist(),
            (contribution * self.explanation.rates[at]).tolist(),
            known_numbers(self.peers.low[row, column]),
            known_numbers(self.peers.high[row, column]),
            strict=True,
        )
        return begins, [self._driver(*found) for found in told]

    def _cells(self, row: IntArray, place: IntArray) -> tuple[Cells, Cells]:
        """The values of cells today and one longest window earlier, None where missing."""
        today, past = self.prediction.dataset.features, self.prediction.dataset.past
        value, previous = (np.full(len(row), None, dtype=np.object_) for _ in range(2))
        for one in np.unique(place).tolist():
            here = np.flatnonzero(place == one)
            name = self.prediction.columns[one]
            value[here] = known_values(today[name], row[here])
            if past is not None:
                previous[here] = known_values(past[name], row[here])
        return value.tolist(), previous.tolist()

    @cached_property
    def _texts(self) -> dict[tuple[int, Known], str]:
        """Wordings so far: many rows have the same value."""
        return {}

    def _text(self, place: int, value: Known) -> str:
        text = self._texts.get((place, value))
        if text is None:
            text = describe(self._features[place], value, currency=self.currency)
            self._texts[place, value] = text
        return text

    def _driver(
        self,
        place: int,
        value: Known,
        previous: Known,
        contribution: float,
        points: float,
        low: float | None,
        high: float | None,
    ) -> Driver:
        feature = self._features[place]
        return Driver(
            feature=feature.name,
            group=feature.group,
            text=self._text(place, value),
            value=value,
            unit=feature.unit,
            contribution=contribution,
            previous=previous,
            peer_low=low,
            peer_high=high,
            points=points,
        )


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
