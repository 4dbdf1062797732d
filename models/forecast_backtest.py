"""The forecast replayed at past dates, and how often its intervals held what then happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.book import Book
from models.forecast import Flows
from models.past_term import month_number
from models.retention import LEVELS, MEASURES, look_ahead, measure
from models.table import FloatArray

JUDGED = ("renewed_arr", "grr", "nrr", "grr_of_opening", "nrr_of_opening")


@dataclass(frozen=True)
class Held:
    """One measure, one quarter ahead, one origin: what was said and what came."""

    origin: date
    ahead: int
    measure: str
    expected: float
    actual: float
    inside: tuple[bool, ...]


@dataclass(frozen=True)
class Coverage:
    """How a measure fared, so many quarters ahead, over ``n`` origins.

    ``share`` is, by level in per cent, the share of the origins whose interval held what came;
    ``bias`` the mean of expected less actual, ``error`` the mean size of it, in the measure's unit.
    """

    measure: str
    ahead: int
    n: int
    share: tuple[float, ...]
    bias: float
    error: float

    def to_json(self) -> dict[str, object]:
        """For ``keepwell forecast --json``."""
        return {
            "measure": self.measure,
            "quarters_ahead": self.ahead,
            "n": self.n,
            **{f"coverage_{level}": share for level, share in zip(LEVELS, self.share, strict=True)},
            "bias": self.bias,
            "mean_absolute_error": self.error,
        }


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
    for contract, begin, end in zip(book.contract_id, book.arr, book.end, strict=True):
        name, arr = str(contract), float(begin)
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


def judge(origin: date, said: Flows, came: Flows) -> list[Held]:
    """Each measure of each quarter against what came; ``came`` may have fewer quarters."""
    draws, actual = measure(said), measure(came)
    found = []
    for name in JUDGED:
        for quarter, value in enumerate(actual[name][0]):
            outlook = look_ahead(draws[name][:, quarter])
            if not (np.isfinite(value) and np.isfinite(outlook.expected)):
                continue
            slack = 1e-9 * max(1.0, abs(value))
            inside = tuple(
                low - slack <= value <= high + slack for low, high in outlook.intervals.values()
            )
            found.append(
                Held(origin, quarter + 1, name, outlook.expected, float(value), inside)
            )
    return found


def summarise(held: Sequence[Held]) -> list[Coverage]:
    """Coverage by measure and quarter ahead."""
    found = []
    for name in (name for name in MEASURES if name in JUDGED):
        for ahead in sorted({one.ahead for one in held}):
            here = [one for one in held if one.measure == name and one.ahead == ahead]
            if not here:
                continue
            error = np.array([one.expected - one.actual for one in here])
            inside = np.array([one.inside for one in here], dtype=np.float64)
            found.append(
                Coverage(
                    measure=name,
                    ahead=ahead,
                    n=len(here),
                    share=tuple(float(share) for share in inside.mean(axis=0)),
                    bias=float(error.mean()),
                    error=float(np.abs(error).mean()),
                )
            )
    return found
