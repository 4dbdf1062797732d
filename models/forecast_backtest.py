"""The forecast replayed at past dates: how often its intervals held what came, and how wide to be.

What a forecast cannot know from rates, such as a bad year, shows only in how it missed at past
dates. Intervals are therefore widened by the misses of earlier forecasts that were known on its
date; so are those of the replays, each by the ones before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.book import Book
from models.forecast import Flows
from models.past_term import month_number
from models.retention import CAPPED, LEVELS, MEASURES, Outlook, look_ahead, measure
from models.table import FloatArray

JUDGED = ("renewed_arr", "grr", "nrr", "grr_of_opening", "nrr_of_opening")
# Before any miss is seen a forecast is as good as it says; that counts as much as one quarter.
TRUST_QUARTERS = 1.0
# Origins are a month apart and their quarters overlap.
ORIGINS_PER_QUARTER = 3.0


@dataclass(frozen=True)
class Miss:
    """One measure so many quarters ahead of one origin: what was said, and what came.

    Parameters
    ----------
    origin, known_at : date
        When it was said, and when what came was known.
    measure : str
    ahead : int
        Quarters ahead, from 1.
    said : Outlook
        As drawn.
    spread : float
        Standard deviation of the draws.
    actual : float
    """

    origin: date
    known_at: date
    measure: str
    ahead: int
    said: Outlook
    spread: float
    actual: float


@dataclass(frozen=True)
class Coverage:
    """How a measure fared, so many quarters ahead, over ``n`` origins.

    ``share`` is, by level in per cent, the share of the origins whose interval held what came, and
    ``as_drawn`` the same before widening; ``bias`` is the mean of expected less actual, ``error``
    the mean size of it, in the measure's unit.
    """

    measure: str
    ahead: int
    n: int
    share: tuple[float, ...]
    as_drawn: tuple[float, ...]
    bias: float
    error: float

    def to_json(self) -> dict[str, object]:
        """For ``keepwell forecast --json``."""
        found: dict[str, object] = {
            "measure": self.measure,
            "quarters_ahead": self.ahead,
            "n": self.n,
        }
        for level, share, as_drawn in zip(LEVELS, self.share, self.as_drawn, strict=True):
            found |= {f"coverage_{level}": share, f"coverage_{level}_as_drawn": as_drawn}
        return {**found, "bias": self.bias, "mean_absolute_error": self.error}


def replay(book: Book, past: pd.DataFrame, ends: FloatArray) -> Flows:
    """What became of the book, as one draw.

    Parameters
    ----------
    book : Book
    past : DataFrame
        Of ``features.due.read_past_terms``, whatever was known when.
    ends : float, (quarters,)
        Month numbers; every term that ends before the last one must be mature.
    """
    quarters = len(ends)
    sums = {
        name: np.zeros((1, quarters))
        for name in ("opening", "up", "kept", "contraction", "expansion", "contracts")
    }
    following = _following(past)
    held, closing = 0.0, 0.0
    for contract, begin, first_end in zip(book.contract_id, book.arr, book.end, strict=True):
        name, arr, end = str(contract), float(begin), float(first_end)
        for quarter, limit in enumerate(ends):
            before, touched = arr, False
            sums["opening"][0, quarter] += before
            while arr > 0 and end < limit:
                touched = True
                name, change, after = following.get(name, ("", 0.0, np.inf))
                arr, end = arr * change, max(after, end + 1e-9)
            if touched:
                sums["contracts"][0, quarter] += 1
                sums["up"][0, quarter] += before
                sums["kept"][0, quarter] += min(before, arr)
                sums["contraction"][0, quarter] += max(0.0, before - arr) if arr > 0 else 0.0
                sums["expansion"][0, quarter] += max(0.0, arr - before)
        held, closing = held + min(arr, float(begin)), closing + arr
    return Flows(**sums, held=np.array([held]), closing=np.array([closing]))


def _following(past: pd.DataFrame) -> dict[str, tuple[str, float, float]]:
    """By contract: its successor, the change of ARR (1 where not known), the successor's end."""
    kept = past[past["successor_id"].notna()]
    end = month_number(kept["next_end"])
    columns = (
        kept["successor_id"],
        kept["change"].fillna(1.0),
        np.where(np.isnan(end), np.inf, end),
    )
    return dict(zip(kept["contract_id"], zip(*columns, strict=True), strict=True))


def compare(origin: date, known_at: Sequence[date], said: Flows, came: Flows) -> list[Miss]:
    """Each measure of each quarter against what came.

    Parameters
    ----------
    origin : date
    known_at : sequence of date, (quarters,)
        When what came of each quarter was known.
    said, came : Flows
        Of the same quarters: many draws, and the one that happened.
    """
    draws, actual = measure(said), measure(came)
    found = []
    for name in MEASURES:
        for quarter, known in enumerate(known_at):
            drawn, value = draws[name][:, quarter], float(actual[name][0, quarter])
            outlook = look_ahead(drawn)
            if np.isfinite(value) and np.isfinite(outlook.expected):
                spread = float(np.nanstd(drawn))
                found.append(Miss(origin, known, name, quarter + 1, outlook, spread, value))
    return found


def widen(outlook: Outlook, name: str, ahead: int, *, day: date, misses: Sequence[Miss]) -> Outlook:
    """An outlook with intervals widened by the misses that were known on its day.

    The factor is the root of the mean squared miss in units of its own spread, drawn towards 1, and
    never below 1. Without a miss so far ahead those of fewer quarters ahead tell.
    """
    for far in range(ahead, 0, -1):
        known = [
            miss
            for miss in misses
            if miss.measure == name and miss.ahead == far and miss.known_at <= day and miss.spread
        ]
        if known:
            break
    size = [((miss.actual - miss.said.expected) / miss.spread) ** 2 for miss in known]
    weight = len(size) / ORIGINS_PER_QUARTER
    squared = float(np.mean(size)) if size else 1.0
    factor = np.sqrt((TRUST_QUARTERS + weight * squared) / (TRUST_QUARTERS + weight))
    return outlook.widened(max(1.0, float(factor)), most=1.0 if name in CAPPED else np.inf)


def summarise(misses: Sequence[Miss], *, months: frozenset[int]) -> list[Coverage]:
    """Coverage by measure and quarters ahead, over origins in some months of the year (1-12)."""
    found = []
    for name in JUDGED:
        for ahead in sorted({miss.ahead for miss in misses}):
            here = [
                miss
                for miss in misses
                if miss.measure == name and miss.ahead == ahead and miss.origin.month in months
            ]
            if here:
                found.append(_coverage(name, ahead, here, misses))
    return found


def _coverage(name: str, ahead: int, here: Sequence[Miss], misses: Sequence[Miss]) -> Coverage:
    error = np.array([miss.said.expected - miss.actual for miss in here])
    wide = [widen(miss.said, name, ahead, day=miss.origin, misses=misses) for miss in here]
    return Coverage(
        measure=name,
        ahead=ahead,
        n=len(here),
        share=_shares([_inside(said, m.actual) for said, m in zip(wide, here, strict=True)]),
        as_drawn=_shares([_inside(miss.said, miss.actual) for miss in here]),
        bias=float(error.mean()),
        error=float(np.abs(error).mean()),
    )


def _inside(said: Outlook, actual: float) -> tuple[bool, ...]:
    slack = 1e-9 * max(1.0, abs(actual))
    return tuple(low - slack <= actual <= high + slack for low, high in said.intervals.values())


def _shares(inside: Sequence[tuple[bool, ...]]) -> tuple[float, ...]:
    return tuple(float(share) for share in np.mean(np.array(inside, dtype=np.float64), axis=0))
