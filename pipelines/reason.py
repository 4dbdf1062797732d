"""The reasons behind a model's probabilities, each beside the account's past and its peers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from features.catalogue import Feature
from features.wording import describe
from models.driver import strongest, sum_groups
from models.peer import PeerRange, peer_range
from models.snapshot import Driver
from models.table import FloatArray
from pipelines.population import Population, Prediction

Known = float | str | None


@dataclass(frozen=True)
class Reasons:
    """The reasons of every row of a prediction.

    Parameters
    ----------
    prediction : Prediction
    segment : Series of str, (n,)
        Of each row's account; None where it is not known.
    places : list of list of int, (n,)
        The columns to tell of, per row, the strongest contribution first.
    currency : str
        Reporting currency, for the wording.
    """

    prediction: Prediction
    segment: pd.Series
    places: Sequence[Sequence[int]]
    currency: str

    def drivers(self, row: int) -> tuple[Driver, ...]:
        """The row's drivers, the strongest first, in plain words."""
        return tuple(self._driver(row, place) for place in self.places[row])

    def groups(self, row: int) -> dict[str, float]:
        """The row's contributions by group of the catalogue, log-odds."""
        names, sums = self._sums
        return dict(zip(names, sums[row].tolist(), strict=True))

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
    def _values(self) -> dict[int, tuple[list[Known], list[Known]]]:
        """Values today and one longest window earlier, by column."""
        dataset = self.prediction.dataset
        nothing: list[Known] = [None] * len(dataset.rows)
        return {
            place: (
                _known(dataset.features[feature.name]),
                nothing if dataset.past is None else _known(dataset.past[feature.name]),
            )
            for place, feature in self._features.items()
        }

    @cached_property
    def _sums(self) -> tuple[list[str], FloatArray]:
        groups = self.prediction.dataset.catalogue.groups
        return sum_groups(
            self.prediction.explanation.contributions,
            [groups[name] for name in self.prediction.columns],
        )

    @cached_property
    def _points(self) -> FloatArray:
        return self.prediction.explanation.points

    @cached_property
    def _ranges(self) -> tuple[list[list[float | None]], list[list[float | None]]]:
        return _plain(self.peers.low), _plain(self.peers.high)

    def _driver(self, row: int, place: int) -> Driver:
        feature = self._features[place]
        today, before = self._values[place]
        low, high = self._ranges
        column = self._column_of[place]
        return Driver(
            feature=feature.name,
            group=feature.group,
            text=describe(feature, today[row], currency=self.currency),
            value=today[row],
            unit=feature.unit,
            contribution=float(self.prediction.explanation.contributions[row, place]),
            previous=before[row],
            peer_low=low[row][column],
            peer_high=high[row][column],
            points=float(self._points[row, place]),
        )


def find_reasons(
    population: Population, prediction: Prediction, *, currency: str, count: int
) -> Reasons:
    """The reasons of a prediction, up to ``count`` for each row.

    Parameters
    ----------
    population : Population
        Today's customers, whose segments tell who is whose peer.
    prediction : Prediction
    currency : str
    count : int
    """
    segments: Mapping[str, str | None] = dict(
        zip(population.states["account_id"], population.states["segment"], strict=True)
    )
    of_row = [segments.get(account) for account in prediction.dataset.rows["account_id"]]
    places = strongest(prediction.explanation.contributions, count=count)
    return Reasons(prediction, pd.Series(of_row, dtype=object), places, currency)


def _known(values: pd.Series) -> list[Known]:
    """Plain values, None where one is missing."""
    return [value if isinstance(value, str) else _number(value) for value in values.to_list()]


def _plain(edge: FloatArray) -> list[list[float | None]]:
    """The numbers row by row, None for NaN."""
    return [[None if value != value else value for value in row] for row in edge.tolist()]


def _number(value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return float(value)
