"""Why the models say what they say of many rows at once: strongest drivers, and sums by group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from features.catalogue import Feature
from features.wording import describe
from models.driver import strongest
from models.snapshot import Driver
from models.table import FloatArray
from pipelines.population import Prediction

DRIVERS = 5
Value = float | str | None


class Reason(NamedTuple):
    """One row's drivers, the strongest first, its contributions by group, and the base."""

    drivers: tuple[Driver, ...]
    contributions: dict[str, float]
    base: float


def find_reasons(
    prediction: Prediction, rows: Sequence[int], *, currency: str
) -> dict[int, Reason]:
    """The reasons behind some rows of a model's dataset, by row.

    Contributions cost more than all else of a score run: they are computed for these rows only,
    and for all of them at once.

    Parameters
    ----------
    prediction : Prediction
    rows : sequence of int
        Places in its dataset.
    currency : str
        Reporting currency, for money in the wording.
    """
    if not rows:
        return {}
    features = {feature.name: feature for feature in prediction.dataset.catalogue.features}
    found = prediction.explain(np.asarray(rows, dtype=np.intp))
    wording = _Wording([features[name] for name in prediction.columns], prediction, currency)
    sums = sum_by_group(found.contributions, [feature.group for feature in wording.features])
    drivers = [
        tuple(wording.driver(place, row, amounts[place]) for place in places)
        for row, places, amounts in zip(
            rows, strongest(found.contributions, count=DRIVERS), found.contributions, strict=True
        )
    ]
    return {
        row: Reason(told, of_groups, found.base)
        for row, told, of_groups in zip(rows, drivers, sums, strict=True)
    }


def sum_by_group(contributions: FloatArray, groups: Sequence[str]) -> list[dict[str, float]]:
    """Each row's contributions, (n, k), added up by the group of their feature."""
    names = list(dict.fromkeys(groups))
    places = [np.flatnonzero([group == name for group in groups]) for name in names]
    sums = np.empty((len(contributions), len(names)))
    for column, members in enumerate(places):
        sums[:, column] = contributions[:, members].sum(axis=1)
    return [dict(zip(names, row, strict=True)) for row in sums.tolist()]


class _Wording:
    """Drivers in words; a value of a feature is put into words once, however many rows have it."""

    def __init__(self, features: list[Feature], prediction: Prediction, currency: str) -> None:
        self.features = features
        self._frame = prediction.dataset.features
        self._columns: dict[int, list[object]] = {}
        self._currency = currency
        self._texts: dict[tuple[int, Value], str] = {}

    def driver(self, place: int, row: int, contribution: float) -> Driver:
        """The driver of one feature in one row of the dataset."""
        feature = self.features[place]
        column = self._columns.get(place)
        if column is None:
            column = self._columns[place] = self._frame[feature.name].tolist()
        value = as_known(column[row])
        text = self._texts.get((place, value))
        if text is None:
            text = describe(feature, value, currency=self._currency)
            self._texts[place, value] = text
        return Driver(feature.name, feature.group, text, value, feature.unit, float(contribution))


def as_known(value: object) -> Value:
    """A cell as a plain value: a text, a finite number, or None for whatever is not known."""
    if value is None or isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]  # a cell of a frame: a number by now
    return number if math.isfinite(number) else None
