"""Figures as JSON holds them: what is not known is null, since NaN has no place there."""

from __future__ import annotations

import math

from models.bootstrap import Estimate

UNKNOWN = Estimate(math.nan, math.nan, math.nan)


def number(value: float) -> float | None:
    """The value, or None when it is not a finite number."""
    return float(value) if math.isfinite(value) else None


def interval(found: Estimate) -> list[float] | None:
    """Both ends, or None when either is unknown."""
    low, high = number(found.low), number(found.high)
    return None if low is None or high is None else [low, high]


def both(name: str, found: Estimate) -> dict[str, object]:
    """A figure and, under ``<name>_interval``, its ends."""
    return {name: number(found.value), f"{name}_interval": interval(found)}
