"""Past terms and today's contracts as arrays: kinds of terms, bands of ARR, months as numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.table import BoolArray, FloatArray

IntArray = npt.NDArray[np.intp]
LEAST_OF_A_KIND = 10
MOST_BANDS = 5
# Young customers change and leave more. Months at a term's end, where both sides have terms.
AGES = (1.5, 3.5, 6.5, 12.5, 24.5, 48.5)
LEAST_PER_BAND = 60
MONTH_DAYS = 365.25 / 12
OTHER = "other"


def month_number(day: pd.Series[pd.Timestamp]) -> FloatArray:
    """Months since year 0 with the days as a fraction, (n,); NaN for no date.

    Only the whole part tells the quarter, so that a chain of terms stays on its day of the month.
    """
    months = day.dt.year * 12 + day.dt.month - 1
    found = months + (day.dt.day - 1) / 31
    return np.asarray(found, dtype=np.float64)


def month_length(start: pd.Series[pd.Timestamp], end: pd.Series[pd.Timestamp]) -> FloatArray:
    """Length of terms in months, (n,): whole where it is within three days of that."""
    days = (end - start).dt.days.to_numpy(dtype=np.float64, na_value=np.nan)
    whole = np.round(days / MONTH_DAYS)
    near = (np.abs(days - whole * MONTH_DAYS) <= 3) & (whole >= 1)
    return np.where(near, whole, days / MONTH_DAYS)


def age_in_months(since: pd.Series[pd.Timestamp], end: pd.Series[pd.Timestamp]) -> FloatArray:
    """Months from the begin of an account's first contract to a term's end, (n,)."""
    return month_number(end) - month_number(since)


def name_kinds(length: FloatArray, billing: FloatArray) -> npt.NDArray[np.str_]:
    """The kind of each term, (n,): its length and billing period, such as ``12 months, billed 1``.

    Parameters
    ----------
    length, billing : float, (n,)
        Months; a billing period that is not known is NaN.
    """
    names = [
        f"{months:.3g} {'month' if months == 1 else 'months'}"
        + ("" if np.isnan(every) or every == months else f", billed every {every:.3g}")
        for months, every in zip(np.round(length, 1), billing, strict=True)
    ]
    return np.array(names, dtype=np.str_)


@dataclass(frozen=True, eq=False)
class Kinds:
    """Kinds of terms, bands of ARR and ages, as the mature past terms give them.

    Parameters
    ----------
    names : tuple of str
        Kinds with ten or more past terms; the last one, ``other``, stands for all further ones.
    edges : float, (bands - 1,)
        ARR from which the next band begins.
    ages : float, (n_ages - 1,)
        Months since the account's first contract, at a term's end, from which the next age begins.
    """

    names: tuple[str, ...]
    edges: FloatArray
    ages: FloatArray

    @property
    def bands(self) -> int:
        """How many bands of ARR there are."""
        return len(self.edges) + 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """How many kinds, bands and ages there are; a cell is one of each, in this order."""
        return len(self.names), self.bands, len(self.ages) + 1

    def kind(self, length: FloatArray, billing: FloatArray) -> IntArray:
        """Place of each term's kind in ``names``, (n,)."""
        places = {name: place for place, name in enumerate(self.names)}
        last = len(self.names) - 1
        found = [places.get(str(name), last) for name in name_kinds(length, billing)]
        return np.array(found, dtype=np.intp)

    def cell(self, kind: IntArray, arr: FloatArray, age: FloatArray) -> IntArray:
        """Number of each term's cell, of any shape; an ARR that is not known is of the middle."""
        band = np.searchsorted(self.edges, arr, side="right")
        band = np.where(np.isnan(arr), self.bands // 2, band)
        place = (kind, band, np.searchsorted(self.ages, age, side="right"))
        return np.asarray(np.ravel_multi_index(place, self.shape))


def find_kinds(length: FloatArray, billing: FloatArray, arr: FloatArray, age: FloatArray) -> Kinds:
    """The kinds, bands and ages of past terms; (n,) each, NaN where not known."""
    names, counts = np.unique(name_kinds(length, billing), return_counts=True)
    kept = sorted(str(name) for name in names[counts >= LEAST_OF_A_KIND])
    known = arr[~np.isnan(arr)]
    bands = int(np.clip(len(known) // LEAST_PER_BAND, 1, MOST_BANDS))
    edges = np.unique(np.quantile(known, np.arange(1, bands) / bands)) if bands > 1 else known[:0]
    ages: list[float] = []
    for edge in AGES:
        since = age >= (ages[-1] if ages else 0.0)
        sides = (since & (age < edge)).sum(), (age >= edge).sum()
        ages += [edge] if min(sides) >= LEAST_PER_BAND else []
    return Kinds((*kept, OTHER), edges, np.array(ages, dtype=np.float64))


@dataclass(frozen=True, eq=False)
class PastTerms:
    """Terms whose outcome is known, (n,) each.

    Parameters
    ----------
    kinds : Kinds
    group : object
        Parent, or else account.
    cell, next_kind : int
        Cell of the term; kind of the term that followed (its own where lost).
    arr : float
        Reporting currency, NaN where not known.
    lost : bool
    change : float
        ARR that followed over its own; NaN where lost or not known.
    next_length : float
        Months; infinite where an evergreen contract followed.
    end : float
        Month number of the agreed end.
    decided_after : float
        Days from the agreed end until it was known how it went on, negative before; infinite where
        that was known only when the grace was over.
    """

    kinds: Kinds
    group: npt.NDArray[np.object_]
    cell: IntArray
    next_kind: IntArray
    arr: FloatArray
    lost: BoolArray
    change: FloatArray
    next_length: FloatArray
    end: FloatArray
    decided_after: FloatArray

    def __len__(self) -> int:
        return len(self.lost)


def read_past(frame: pd.DataFrame) -> PastTerms:
    """Past terms from the frame of ``features.due.read_past_terms``, mature ones only."""
    length = month_length(frame["start_date"], frame["end_date"])
    billing = numbers(frame["billing_period_months"])
    arr = numbers(frame["arr"])
    age = age_in_months(frame["customer_since"], frame["end_date"])
    kinds = find_kinds(length, billing, arr, age)
    kind = kinds.kind(length, billing)
    lost = frame["successor_id"].isna().to_numpy(dtype=np.bool_)
    after = month_length(frame["next_start"], frame["next_end"])
    following = kinds.kind(np.nan_to_num(after), numbers(frame["next_billing_period_months"]))
    days = (frame["decided_day"] - frame["end_date"]).dt.days
    return PastTerms(
        kinds=kinds,
        group=frame["group_id"].to_numpy(dtype=np.object_),
        cell=kinds.cell(kind, arr, age),
        next_kind=np.where(lost | np.isnan(after), kind, following),
        arr=arr,
        lost=lost,
        change=np.where(lost, np.nan, numbers(frame["change"])),
        next_length=np.where(lost, length, np.where(np.isnan(after), np.inf, after)),
        end=month_number(frame["end_date"]),
        decided_after=np.where(days.isna(), np.inf, numbers(days)),
    )


def numbers(column: pd.Series[float] | pd.Series[int]) -> FloatArray:
    """The numbers of a column, (n,); NaN where there is none."""
    return np.asarray(column, dtype=np.float64)
