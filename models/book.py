"""The contracts that a forecast speaks of, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.past_term import IntArray, Kinds, PastTerms, month_length, month_number, numbers
from models.table import BoolArray, FloatArray

# What is known of a contract's end: nothing, or how it goes on.
OPEN, RENEWED, AUTO_RENEWED, LOST = range(4)
FATES = {"open": OPEN, "renewed": RENEWED, "auto_renewed": AUTO_RENEWED, "lost": LOST}
_SHRINK = 10.0


@dataclass(frozen=True, eq=False)
class Book:
    """Contracts with an agreed end and a known ARR on one date, (n,) each.

    Parameters
    ----------
    contract_id, group : object
        Group: parent, or else account.
    arr : float
        Reporting currency.
    begin, end : float
        Month numbers of the account's first contract's begin and of the agreed end.
    kind : int
        Of the running term.
    length : float
        Of the running term, months.
    fate : int
        ``OPEN``, ``RENEWED``, ``AUTO_RENEWED`` or ``LOST``.
    next_arr, next_end, next_length : float
        Of a signed successor; infinite end where it has none agreed; else NaN.
    next_kind : int
        Of a signed successor, else the term's own.
    loss : float
        Probability of loss by the renewal model; NaN where the rates speak.
    silence : float
        What it adds to the rates' log-odds that nothing is known of its end by now.
    """

    contract_id: npt.NDArray[np.object_]
    group: npt.NDArray[np.object_]
    arr: FloatArray
    begin: FloatArray
    end: FloatArray
    kind: IntArray
    length: FloatArray
    fate: IntArray
    next_arr: FloatArray
    next_end: FloatArray
    next_length: FloatArray
    next_kind: IntArray
    loss: FloatArray
    silence: FloatArray

    def __len__(self) -> int:
        return len(self.arr)


def in_forecast(frame: pd.DataFrame) -> BoolArray:
    """Which contracts of the frame of ``features.due.read_book`` a forecast speaks of, (n,)."""
    known = frame["fate"].isin(list(FATES)) & frame["arr"].notna()
    return known.to_numpy(dtype=np.bool_)


def make_book(
    frame: pd.DataFrame, past: PastTerms, *, loss: Mapping[str, float] | None = None
) -> Book:
    """The book of one date.

    Parameters
    ----------
    frame : DataFrame
        Of ``features.due.read_book``, one date.
    past : PastTerms
        What was mature on that date.
    loss : mapping of contract id to probability, optional
        Of the renewal model, for the open contracts that it speaks of.
    """
    frame = frame[in_forecast(frame)].reset_index(drop=True)
    kinds = past.kinds
    length = month_length(frame["start_date"], frame["end_date"])
    kind = kinds.kind(length, numbers(frame["billing_period_months"]))
    fate = np.array([FATES[name] for name in frame["fate"]], dtype=np.intp)
    arr, next_arr = numbers(frame["arr"]), numbers(frame["next_arr"])
    after = month_length(frame["next_start"], frame["next_end"])
    next_end = month_number(frame["next_end"])
    following = kinds.kind(np.nan_to_num(after), numbers(frame["next_billing_period_months"]))
    model = frame["contract_id"].map(dict(loss or {})).to_numpy(dtype=np.float64, na_value=np.nan)
    days = numbers(frame["days_past_end"])
    return Book(
        contract_id=frame["contract_id"].to_numpy(dtype=np.object_),
        group=frame["group_id"].to_numpy(dtype=np.object_),
        arr=arr,
        begin=month_number(frame["customer_since"]),
        end=month_number(frame["end_date"]),
        kind=kind,
        length=length,
        fate=fate,
        # A renewal at an unknown price counts as one at the same price.
        next_arr=np.where(np.isnan(next_arr), arr, next_arr),
        next_end=np.where(np.isnan(next_end), np.inf, next_end),
        next_length=after,
        next_kind=np.where(np.isnan(after), kind, following),
        loss=np.where(fate == OPEN, model, np.nan),
        silence=_silence(past, kinds, kind, days),
    )


def _silence(past: PastTerms, kinds: Kinds, kind: IntArray, days: FloatArray) -> FloatArray:
    """Log of how much likelier silence by now is for a lost term than for a kept one, (n,).

    Of each kind drawn towards all, as many days before or after the agreed end as today.
    """
    of = np.unravel_index(past.cell, kinds.shape)[0]
    found = np.zeros(len(days))
    for sign, chosen in ((1.0, past.lost), (-1.0, ~past.lost)):
        every = _still_silent(past.decided_after[chosen], days, prior=None)
        for number in np.unique(kind):
            here = kind == number
            own = past.decided_after[chosen & (of == number)]
            found[here] += sign * np.log(_still_silent(own, days[here], prior=every[here]))
    return found


def _still_silent(after: FloatArray, days: FloatArray, *, prior: FloatArray | None) -> FloatArray:
    """Share of terms of which nothing was known so many days after their end, (n,)."""
    silent = len(after) - np.searchsorted(np.sort(after), days, side="left")
    if prior is None:
        return np.asarray((silent + 0.5) / (len(after) + 0.5))
    return np.asarray((silent + _SHRINK * prior) / (len(after) + _SHRINK))
