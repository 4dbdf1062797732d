"""Past terms and books of made-up companies, for tests of the forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from models.book import Book, make_book
from models.past_term import PastTerms, month_number, read_past

FIRST = pd.Timestamp("2024-01-01")
TODAY = pd.Timestamp("2026-01-01")
_DAYS = ("customer_since", "start_date", "end_date", "next_start", "next_end", "known_day",
         "decided_day", "known_at")  # fmt: skip


def past_frame(
    *,
    groups: int = 200,
    per_group: int = 2,
    months: int = 24,
    loss: float = 0.05,
    spread: float = 0.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Monthly contracts, each renewed month by month at the same price until it is lost.

    Every group (parent) holds so many accounts; ``spread`` is how much the groups differ in the
    log-odds of a month's loss.
    """
    generator = np.random.default_rng(seed)
    middle = np.log(loss / (1 - loss))
    rows: list[dict[str, Any]] = []
    for group in range(groups):
        chance = 1 / (1 + np.exp(-(middle + spread * generator.standard_normal())))
        for member in range(per_group):
            for month in range(months):
                lost = bool(generator.random() < chance)
                rows.append(_term(f"P{group}", f"P{group}/{member}", month, lost=lost))
                if lost:
                    break
    return with_dates(rows)


def _term(group: str, account: str, month: int, *, lost: bool) -> dict[str, Any]:
    start, end, after = (FIRST + pd.DateOffset(months=month + step) for step in range(3))
    return {
        "account_id": account,
        "contract_id": f"{account}/{month}",
        "group_id": group,
        "customer_since": FIRST,
        "start_date": start,
        "end_date": end,
        "arr": 1000.0,
        "billing_period_months": 1.0,
        "successor_id": None if lost else f"{account}/{month + 1}",
        "change": np.nan if lost else 1.0,
        "next_start": pd.NaT if lost else end,
        "next_end": pd.NaT if lost else after,
        "next_billing_period_months": np.nan if lost else 1.0,
        "known_day": start,
        "decided_day": pd.NaT if lost else end,
        "known_at": end + pd.Timedelta(days=31),
    }


def with_dates(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The rows as the features layer hands them over."""
    frame = pd.DataFrame(list(rows))
    for name in frame.columns.intersection(list(_DAYS)):
        frame[name] = frame[name].astype("datetime64[s]")
    return frame


def book_row(contract: str, **cells: Any) -> dict[str, Any]:
    """One monthly contract that runs on 2026-01-01 with an ARR of 1,000, but for these cells."""
    return {
        "as_of": TODAY,
        "account_id": contract,
        "contract_id": contract,
        "group_id": contract,
        "customer_since": TODAY - pd.DateOffset(months=18),
        "start_date": TODAY - pd.Timedelta(days=17),
        "end_date": TODAY + pd.Timedelta(days=14),
        "arr": 1000.0,
        "billing_period_months": 1.0,
        "fate": "open",
        "next_start": pd.NaT,
        "next_end": pd.NaT,
        "next_arr": np.nan,
        "next_billing_period_months": np.nan,
        "days_past_end": -14.0,
        **cells,
    }


def signed(*, arr: float, months: int = 12) -> dict[str, Any]:
    """A signed successor of a contract of `book_row`."""
    start = TODAY + pd.Timedelta(days=14)
    return {
        "fate": "renewed",
        "next_start": start,
        "next_end": start + pd.DateOffset(months=months),
        "next_arr": arr,
        "next_billing_period_months": float(months),
    }


def book_of(past: PastTerms, *rows: dict[str, Any], loss: dict[str, float] | None = None) -> Book:
    """The book of these contracts."""
    return make_book(with_dates(rows), past, loss=loss)


def past_of(frame: pd.DataFrame) -> PastTerms:
    """The past terms of a frame."""
    return read_past(frame)


def quarter_ends(count: int = 4, first: pd.Timestamp = TODAY) -> np.ndarray[Any, Any]:
    """Month numbers of the ends of the quarters from a date."""
    days = [first + pd.DateOffset(months=3 * number) for number in range(1, count + 1)]
    return month_number(pd.Series(days))
