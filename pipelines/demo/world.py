"""Everything that the generator knows of the demo company before its tables are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.demo.account import draw_accounts
from pipelines.demo.cause import StateArray, draw_states
from pipelines.demo.history import draw_terms
from pipelines.demo.period import DATA_END, DATA_START, Days

Levels = npt.NDArray[np.float32]
GRACE = 30  # days
AFTER_DECISION = 0.6  # share of the use that is left once an account has decided to leave


@dataclass(frozen=True)
class World:
    """Accounts, their causes and their contracts; day numbers throughout.

    Parameters
    ----------
    accounts : pandas.DataFrame
        As `draw_accounts` returns it; the row number names an account in the other parts.
    states : uint8, (n_accounts, DATA_END + 1)
        As `draw_states` returns it.
    terms : pandas.DataFrame
        As `draw_terms` returns it.
    lasts : int, (n_accounts,)
        Last day of each account, at most DATA_END.
    share : float32, (n_accounts, WINDOW)
        0 while an account is no customer, 1 while it is, less once it has decided to leave.
    """

    accounts: pd.DataFrame
    states: StateArray
    terms: pd.DataFrame
    lasts: Days
    share: Levels

    @property
    def births(self) -> Days:
        """Day of each account's first contract."""
        return self.accounts["birth"].to_numpy(dtype=np.int64)

    @property
    def window(self) -> StateArray:
        """States on the days with usage, (n_accounts, WINDOW)."""
        return self.states[:, DATA_START:DATA_END]

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """Whether each account is a customer on each day with usage, (n_accounts, WINDOW)."""
        return self.share > 0

    def account_ids(self, rows: Days) -> npt.NDArray[np.object_]:
        """Ids of accounts by row number."""
        return self.accounts["account_id"].to_numpy(dtype=object)[rows]


def draw_world(seed: int, count: int) -> World:
    """A world of `count` accounts; the same seed gives the same one."""
    accounts = draw_accounts(np.random.default_rng([seed, 0]), count)
    births = accounts["birth"].to_numpy(dtype=np.int64)
    states = draw_states(np.random.default_rng([seed, 1]), births)
    terms = draw_terms(seed, accounts, states)
    lasts = terms[terms["main"]].groupby("account")["actual_end"].max().to_numpy(dtype=np.int64)
    share = _share(terms, count)[:, DATA_START:]
    return World(accounts, states, terms, np.minimum(lasts, DATA_END), share)


def _share(terms: pd.DataFrame, count: int) -> Levels:
    """How much of a customer each account is on each day, (n_accounts, DATA_END).

    Gaps inside the grace period count as being one.
    """
    share = np.zeros((count, DATA_END), dtype=np.float32)
    main = terms[terms["main"]].sort_values(["account", "start_date"])
    following = main.groupby("account")["start_date"].shift(-1)
    fields = (main["account"], main["start_date"], main["actual_end"], following)
    for account, start, end, later in zip(*fields, strict=True):
        bridged = int(later) if end <= later <= end + GRACE else int(end)
        share[account, start:bridged] = 1
    leaving = main[main["lost_on"].notna() & main["decided_at"].notna()]
    days = leaving[["account", "decided_at", "actual_end"]].to_numpy(dtype=np.int64)
    for account, decided, end in days:
        share[account, decided:end] *= AFTER_DECISION
    return share
