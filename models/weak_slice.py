"""Slices in which a model is weak, read from the figures that its card holds; needs no NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

CHANCE = 0.5
# The calibration slope's interval must reach into this range.
SLOPES = (0.8, 1.25)
Weakness = Literal["ranking", "chances", "money_low", "money_high"]


class Range(NamedTuple):
    """A figure with the ends of its interval."""

    value: float
    low: float
    high: float


class WeakSlice(NamedTuple):
    """One slice, and what is weak in it.

    Parameters
    ----------
    column, value : str
        Of the slice, as the report names them.
    kind : str
        ``ranking``: not shown to be better than chance; ``chances``: its probabilities are off
        beyond noise; ``money_low``, ``money_high``: more, or less, ARR was lost than expected.
    figure : Range
        AUC, calibration slope, or lost ARR over the loss expected of it.
    rows : int
        Judged rows of the slice.
    """

    column: str
    value: str
    kind: Weakness
    figure: Range
    rows: int


class WeakSlices(NamedTuple):
    """Those that are weak, and how many were looked at: some would be by chance."""

    found: tuple[WeakSlice, ...]
    judged: int


def read_range(figures: Mapping[str, Any], name: str) -> Range | None:  # Any: JSON
    """A figure of a report; None where it is not known."""
    value, interval = figures.get(name), figures.get(f"{name}_interval")
    if value is None or interval is None or None in interval:
        return None
    return Range(float(value), float(interval[0]), float(interval[1]))


def find_weak_slices(metrics: Mapping[str, Any]) -> WeakSlices:  # Any: JSON
    """The weak slices of a model that is better than chance overall; of no other one.

    Parameters
    ----------
    metrics : mapping
        As `models.card.Card` holds them.
    """
    overall = read_range(metrics, "auc")
    if overall is None or not overall.low > CHANCE:
        return WeakSlices((), 0)
    judged = [
        (column, value, figures)
        for column, values in metrics.get("slices", {}).items()
        for value, figures in values.items()
        if "note" not in figures
    ]
    found = [weak for column, value, figures in judged for weak in _judge(column, value, figures)]
    found.sort(key=lambda weak: (-weak.rows, weak.column, weak.value, weak.kind))
    return WeakSlices(tuple(found), len(judged))


def _judge(column: str, value: str, figures: Mapping[str, Any]) -> Iterator[WeakSlice]:
    rows, calibration = int(figures["rows"]), figures.get("calibration", {})
    auc = read_range(figures, "auc")
    slope, money = read_range(calibration, "slope"), read_range(calibration, "arr_ratio")
    if auc is not None and auc.low <= CHANCE:
        yield WeakSlice(column, value, "ranking", auc, rows)
    if slope is not None and (slope.high < SLOPES[0] or slope.low > SLOPES[1]):
        yield WeakSlice(column, value, "chances", slope, rows)
    if money is not None and (money.low > 1.0 or money.high < 1.0):
        kind: Weakness = "money_low" if money.low > 1.0 else "money_high"
        yield WeakSlice(column, value, kind, money, rows)
