"""How much each account uses the product on each day, before the events are drawn.

Low use by itself is no reason to leave: some accounts use little and stay. Weekdays, holidays,
quiet weeks and a drifting level hide the causes, as they do in real usage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.demo.cause import DECAY, KEY_USER, ONBOARDING, is_active
from pipelines.demo.period import DATA_END, DATA_START, ORIGIN, WINDOW, Days
from pipelines.demo.world import Levels, World

DECAY_A_DAY = 0.9885  # half of the logins are gone after 60 days
DECAY_FLOOR = 0.06
RECOVERY_A_DAY = 0.04
DRIFT = (0.98, 0.045)  # what a drifting level keeps from the day before, and its daily shock
QUIET = (
    1 / 220,
    1 / 18,
)  # chances a day that a quiet spell (holidays, a busy quarter) begins, ends


@dataclass(frozen=True)
class Activity:
    """What the days with usage look like, each array (n_accounts, WINDOW).

    Parameters
    ----------
    level : float32
        Expected use relative to the account's usual day; 0 while it is no customer.
    quiet : bool
        Whether the account is in a quiet spell, in which its key user is away too.
    """

    level: Levels
    quiet: npt.NDArray[np.bool_]


def draw_activity(rng: np.random.Generator, world: World) -> Activity:
    """Expected use of every account on every day from DATA_START to DATA_END."""
    count, window = len(world.states), world.window
    decaying = is_active(window, DECAY)
    levels = np.empty((count, WINDOW), dtype=np.float32)
    quiet = np.zeros((count, WINDOW), dtype=bool)
    kept = np.ones(count)
    drift = rng.normal(0, 0.22, count)
    away = rng.random(count) < 0.08
    for day in range(WINDOW):
        down, up = np.maximum(kept * DECAY_A_DAY, DECAY_FLOOR), kept + RECOVERY_A_DAY * (1 - kept)
        kept = np.where(decaying[:, day], down, up)
        drift = DRIFT[0] * drift + rng.normal(0, DRIFT[1], count)
        away ^= rng.random(count) < np.where(away, QUIET[1], QUIET[0])
        quiet[:, day] = away
        levels[:, day] = kept * np.exp(drift) * np.where(away, 0.55, 1)
    levels *= np.where(is_active(window, ONBOARDING), 0.55, 1).astype(np.float32)
    levels *= np.where(is_active(window, KEY_USER), 0.92, 1).astype(np.float32)
    levels *= _calendar(rng, count) * world.share * _ramp(world.births)
    return Activity(levels, quiet)


def _ramp(births: Days) -> Levels:
    """Growing use in the first weeks after an account's first contract began."""
    age = np.arange(DATA_START, DATA_END) - births[:, None]
    ramp: Levels = (1 - 0.85 * np.exp(-np.maximum(age, 0) / 18)).astype(np.float32)
    return ramp


def _calendar(rng: np.random.Generator, count: int) -> Levels:
    """Weekends, August and the turn of the year, (n_accounts, WINDOW)."""
    days = np.datetime64(ORIGIN) + np.arange(DATA_START, DATA_END)
    weekday = (days.astype("datetime64[D]").astype(int) + 3) % 7
    stamps = pd.DatetimeIndex(days)
    season = np.where(stamps.month == 8, 0.82, 1.0)
    season[(stamps.month == 12) & (stamps.day >= 20)] = 0.45
    at_weekend = rng.beta(2, 9, count)
    share = np.where(weekday >= 5, at_weekend[:, None], 1.0)
    return (share * season).astype(np.float32)
