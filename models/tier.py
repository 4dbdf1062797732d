"""Risk tiers: thresholds that fit what a team can do, and tiers that do not flap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Tier: TypeAlias = Literal["high", "medium", "low"]

LEAVE_BELOW = 0.8
LEAVE_AFTER_RUNS = 2
MEDIUM_SHARE = 3
_ORDER: tuple[Tier, ...] = ("low", "medium", "high")


@dataclass(frozen=True)
class Thresholds:
    """Loss probabilities, 0-1, from which an account is in a tier; ``medium`` <= ``high``."""

    high: float
    medium: float


def choose_thresholds(loss_probability: Sequence[float], capacity: int) -> Thresholds:
    """Thresholds so that the high tier fits the capacity and the medium tier three times it.

    Accounts with one probability fall into one tier; where they do not all fit, none of them is
    in it, so a tier holds at most what it was meant for.

    Parameters
    ----------
    loss_probability : sequence of float
        Of every account that is scored, 0-1, without NaN.
    capacity : int
        Accounts that can be worked on per run.
    """
    ranked = sorted(loss_probability, reverse=True)
    return Thresholds(
        high=_least_within(ranked, capacity),
        medium=_least_within(ranked, capacity * (1 + MEDIUM_SHARE)),
    )


def _least_within(ranked: Sequence[float], places: int) -> float:
    """Least value so that at most ``places`` values are not below it."""
    if not ranked:
        return 1.0
    if len(ranked) <= places:
        return ranked[-1]
    inside = [value for value in ranked[:places] if value > ranked[places]]
    return inside[-1] if inside else math.nextafter(ranked[0], 2.0)


def assign_tier(
    loss_probability: float,
    thresholds: Thresholds,
    *,
    previous: Tier | None = None,
    runs_below: int = 0,
) -> tuple[Tier, int]:
    """The tier of an account, and for how many runs it has been below that tier's threshold.

    A tier is left upwards at once, downwards only below 0.8 times its threshold or on the second
    run in a row below it.

    Parameters
    ----------
    loss_probability : float
        0-1.
    thresholds : Thresholds
        Of the model in use.
    previous : str, optional
        Tier after the previous run; None: there was none.
    runs_below : int
        Second result of the previous run.
    """
    plain = _tier_of(loss_probability, thresholds)
    if previous is None or _ORDER.index(plain) >= _ORDER.index(previous):
        return plain, 0
    far_below = loss_probability < LEAVE_BELOW * _threshold(previous, thresholds)
    if far_below or runs_below + 1 >= LEAVE_AFTER_RUNS:
        return plain, 0
    return previous, runs_below + 1


def _tier_of(loss_probability: float, thresholds: Thresholds) -> Tier:
    if loss_probability >= thresholds.high:
        return "high"
    return "medium" if loss_probability >= thresholds.medium else "low"


def _threshold(tier: Tier, thresholds: Thresholds) -> float:
    return {"high": thresholds.high, "medium": thresholds.medium, "low": 0.0}[tier]
