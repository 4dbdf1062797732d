"""Why the demo's accounts leave: causes that begin, act and may end again.

Each cause is a chain of its own with two states: on every day it begins with one fixed chance
and ends with another. It moves the log-odds of a loss when a decision falls while it is active,
and it shows in the tables from its first day. Since the chains do not touch each other, the
chance of being active on any later day is known exactly, which is what the true risk is made of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.demo.period import DATA_END, Days

Floats = npt.NDArray[np.float64]
StateArray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Cause:
    """A reason to leave, or with a negative weight to stay, that begins and ends by chance.

    Parameters
    ----------
    name : str
        Name in the truth tables.
    per_month : float
        Chance per 30 days that it begins.
    days : float
        Days that it lasts on average.
    at_start : float
        Share of accounts that begin with it.
    weight : float
        What it adds to the log-odds of a loss while it is active.
    """

    name: str
    per_month: float
    days: float
    at_start: float
    weight: float

    @property
    def begins(self) -> float:
        """Chance per day that it begins."""
        return self.per_month / 30

    @property
    def ends(self) -> float:
        """Chance per day that it ends."""
        return 1 / self.days


# The place in this tuple is the bit in a state.
CAUSES = (
    Cause("key_user_left", 0.0150, 420, 0.00, 2.3),
    Cause("shallow_use", 0.0070, 600, 0.13, 2.2),
    Cause("login_decay", 0.0150, 420, 0.00, 2.3),
    Cause("slow_onboarding", 0.0000, 450, 0.17, 2.0),
    Cause("unused_seats", 0.0055, 600, 0.13, 2.1),
    Cause("open_escalation", 0.0160, 160, 0.00, 2.0),
    Cause("vendor_silence", 0.0150, 350, 0.00, 1.9),
    Cause("intervention", 0.020, 150, 0.00, -0.7),
)
KEY_USER, SHALLOW, DECAY, ONBOARDING, SEATS, ESCALATION, SILENCE, INTERVENTION = range(len(CAUSES))
STATE_COUNT = 1 << len(CAUSES)
LOW_FIT_WEIGHT = 2.0  # product fit under LOW_FIT, from the first day to the last
LOW_FIT = 0.3
PRICE_RISE_WEIGHT = 2.0  # announced ahead of one decision and gone after it
BASE = {"monthly": -5.5, "annual": -4.9, "multi": -4.9, "evergreen": -6.2}

WEIGHT_OF_STATE: Floats = np.array(
    [
        sum(c.weight for bit, c in enumerate(CAUSES) if state >> bit & 1)
        for state in range(STATE_COUNT)
    ]
)


def is_active(states: npt.NDArray[np.integer], bit: int) -> npt.NDArray[np.bool_]:
    """Whether the cause at `bit` is active in each of the states."""
    return (states >> bit & 1).astype(bool)


def draw_states(rng: np.random.Generator, births: Days) -> StateArray:
    """State of every account on every day.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    births : int, (n_accounts,)
        Day of each account's first contract.

    Returns
    -------
    uint8, (n_accounts, DATA_END + 1)
        Bit k is set while ``CAUSES[k]`` is active; 0 before the account's first day.
    """
    begins = np.array([c.begins for c in CAUSES], dtype=np.float32)
    ends = np.array([c.ends for c in CAUSES], dtype=np.float32)
    at_start = rng.random((len(births), len(CAUSES))) < [c.at_start for c in CAUSES]
    active = np.zeros_like(at_start)
    states = np.zeros((len(births), DATA_END + 1), dtype=np.uint8)
    for day in range(int(births.min()), DATA_END + 1):
        chance = rng.random(active.shape, dtype=np.float32)
        active ^= chance < np.where(active, ends, begins)
        active[births >= day] = False
        active[births == day] = at_start[births == day]
        states[:, day] = np.packbits(active, axis=1, bitorder="little")[:, 0]
    return states


def spells(states: StateArray, births: Days, lasts: Days, bit: int) -> pd.DataFrame:
    """Each stretch of days on which the cause at `bit` was active while the account was a customer.

    Returns
    -------
    pandas.DataFrame
        Columns account (row number), onset and ended (day numbers; NaN while still active).
    """
    days = np.arange(states.shape[1])
    present = (days >= births[:, None]) & (days < lasts[:, None])
    active = is_active(states, bit) & present
    edge = np.diff(active.astype(np.int8), axis=1, prepend=0, append=0)
    account, onset = np.nonzero(edge == 1)
    ended = np.nonzero(edge == -1)[1].astype(float)
    ended[ended >= lasts[account]] = np.nan
    return pd.DataFrame({"account": account, "onset": onset, "ended": ended})
