"""Sums that are shown: parts rounded so that what a reader adds up is what stands below them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from serving.page_format import Formats

FINE_BELOW = 0.1  # share 0-1; where all is smaller, whole points would show hardly anything


@dataclass(frozen=True, slots=True)
class RoundedSum:
    """A way from one share to another in steps, all in units of a last digit.

    Parameters
    ----------
    digits : int
        After the point, of a percentage.
    start, end : int
        Units.
    parts : tuple of int
        Units; with `start` they add up to `end`.
    """

    digits: int
    start: int
    end: int
    parts: tuple[int, ...]

    def percent(self, units: int, formats: Formats) -> str:
        """A share as percent."""
        return formats.percent(units / 10**self.digits, self.digits)

    def points(self, units: int, formats: Formats) -> str:
        """A step in points of 100, with its sign."""
        return formats.step(units / 10**self.digits, self.digits)


def round_sum(
    start: float, parts: Sequence[float], end: float, *, digits: int | None = None
) -> RoundedSum:
    """Round a sum by largest remainders.

    Parameters
    ----------
    start, end : float
        Shares 0-1.
    parts : sequence of float
        Steps from one to the other, at least one.
    digits : int or None
        After the point, of a percentage; None: as many as show something.
    """
    if digits is None:
        digits = 0 if max(start, end) >= FINE_BELOW else 1
    unit = 0.01 / 10**digits
    first, last = round(start / unit), round(end / unit)
    exact = [part / unit for part in parts]
    whole = [math.floor(part) for part in exact]
    missing = last - first - sum(whole)
    order = sorted(range(len(exact)), key=lambda place: whole[place] - exact[place])
    for turn in range(abs(missing)):
        # What is one too much goes off the part that was rounded down most.
        place = order[turn % len(order)] if missing > 0 else order[-1 - turn % len(order)]
        whole[place] += 1 if missing > 0 else -1
    return RoundedSum(digits, first, last, tuple(whole))
