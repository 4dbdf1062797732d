"""Rows of a rollup as NumPy reads them: by users in the order of their accounts, cut by accounts.

A share is as many accounts as memory takes at once; a slice of it is as many as the processor's
cache takes, so that figures are summed up without waiting for memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from features.cube import NEVER, Ints, Rows
from features.rollup_reader import Rollup

Small = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Roster:
    """Every user of the accounts asked for.

    Parameters
    ----------
    place : ndarray of int, (n_numbers,)
        Where the user of each number in the rollup stands here; -1 when not asked for.
    account : ndarray of int, (n_users,)
        Ascending.
    known : ndarray of bool, (n_users,)
        False where usage does not say who it was.
    accounts : int
        How many are asked for, those without any user included.
    span : (ndarray, ndarray), each (accounts,), optional
        First and last day of use of each account since 1970-01-01, ``-NEVER`` and ``NEVER`` without
        any; only where all use was known on every date asked.
    """

    place: Small
    account: Small
    known: npt.NDArray[np.bool_]
    accounts: int
    span: tuple[Ints, Ints] | None = None

    @cached_property
    def first(self) -> Ints:
        """(accounts + 1,): where the users of each account begin, and the end of them all."""
        return np.searchsorted(self.account, np.arange(self.accounts + 1))

    @property
    def whole(self) -> bool:
        """Whether every user of the rollup is asked for."""
        return bool((self.place >= 0).all())


def read_roster(connection: duckdb.DuckDBPyConnection, rollup: Rollup, *, earliest: int) -> Roster:
    """The users of ``usage_account``, which numbers the accounts asked for.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    rollup : Rollup
    earliest : int
        The first of the dates asked, in days since 1970-01-01.
    """
    found: dict[str, Any] = connection.execute(  # Any: what DuckDB's fetchnumpy gives
        "SELECT user_no, account, user_id IS NOT NULL AS known "
        "FROM usage_user JOIN usage_account USING (account_id)"
    ).fetchnumpy()
    order = np.argsort(found["account"], kind="stable")
    row = connection.execute(
        "SELECT (SELECT coalesce(max(user_no), -1) + 1 FROM usage_user), "
        "(SELECT count(*) FROM usage_account)"
    ).fetchone()
    numbers, accounts = row or (0, 0)
    place = np.full(numbers, -1, dtype=np.int32)
    place[found["user_no"][order]] = np.arange(len(order), dtype=np.int32)
    account, known = found["account"][order], found["known"][order].astype(bool)
    over = not rollup.late and rollup.last_day is not None and rollup.last_day < earliest
    span = _read_span(connection, rollup, place, account, accounts) if over else None
    return Roster(place, account, known, accounts, span)


def _read_span(
    connection: duckdb.DuckDBPyConnection,
    rollup: Rollup,
    place: Small,
    account: Small,
    accounts: int,
) -> tuple[Ints, Ints]:
    """First and last day of use of each account."""
    found: dict[str, Any] = connection.execute(  # Any: what DuckDB's fetchnumpy gives
        f"SELECT user_no, first_day, last_day FROM {rollup.spans}"
    ).fetchnumpy()
    asked = place[found["user_no"]] >= 0
    of = account[place[found["user_no"][asked]]]
    first = np.full(accounts, -NEVER, dtype=np.int64)
    last = np.full(accounts, NEVER, dtype=np.int64)
    np.minimum.at(first, of, found["first_day"][asked].astype(np.int64))
    np.maximum.at(last, of, found["last_day"][asked].astype(np.int64))
    return first, last


def cut_accounts(weight: npt.NDArray[np.float64], most: float) -> list[tuple[int, int]]:
    """Ranges of accounts, each as heavy as ``most`` at most, or of a single account."""
    share = np.cumsum(weight) // most
    bounds = [0, *(np.flatnonzero(np.diff(share)) + 1).tolist(), len(share)]
    return list(pairwise(bounds))


class Share:
    """The rows of a range of accounts.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    rollup : Rollup
    roster : Roster
    slices : sequence of (int, int)
        Ranges of accounts, one after the other; their rows are read.
    days : (int, int)
        First day and, exclusive, last day since 1970-01-01; the first is day 0 of the rows.
    columns : sequence of str
        Those of the rollup to read beside user and day.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        rollup: Rollup,
        roster: Roster,
        slices: Sequence[tuple[int, int]],
        days: tuple[int, int],
        columns: Sequence[str],
    ) -> None:
        self.roster, self.slices, self.columns = roster, slices, columns
        self.origin, self.days = days[0], max(days[1] - days[0], 1)
        accounts = slices[0][0], slices[-1][1]
        everybody = accounts == (0, roster.accounts) and roster.whole
        found = _read(connection, rollup, None if everybody else accounts, days, columns)
        self.user = roster.place[found["user_no"]]
        self.day, self.facts = found["day"], {name: found[name] for name in columns}
        self.lag: Small | None = found["lag"] if rollup.late else None
        self._order, self._bounds = self._sorted()

    def _sorted(self) -> tuple[Ints | None, Ints]:
        """The rows in the order of the slices (None: as they are), and where each begins."""
        if len(self.slices) == 1:
            return None, np.array([0, len(self.user)])
        # Numbers of eight or sixteen bits are sorted in one pass over the rows.
        number = np.zeros(self.roster.accounts, dtype=np.min_scalar_type(len(self.slices)))
        for position, (first, end) in enumerate(self.slices):
            number[first:end] = position
        by_row = number[self.roster.account][self.user]
        sizes = np.bincount(by_row, minlength=len(self.slices))
        return np.argsort(by_row, kind="stable"), np.append(0, np.cumsum(sizes))

    def rows(self, number: int) -> tuple[Rows, Ints | None]:
        """The rows of one slice, accounts and users counted from 0, and how late they came."""
        first, end = self.slices[number]
        chosen: Any = slice(*self._bounds[number : number + 2])  # Any: a slice or an array
        if self._order is not None:
            chosen = self._order[chosen]
        user = self.user[chosen]
        person = np.where(self.roster.known[user], user - self.roster.first[first], -1)
        rows = Rows(
            np.asarray(self.roster.account[user], dtype=np.int64) - first,
            np.asarray(person, dtype=np.int64),
            np.asarray(self.day[chosen], dtype=np.int64),
            {name: self.facts[name][chosen] for name in self.columns},
            end - first,
            self.days,
            self._span(first, end),
        )
        lag = None if self.lag is None else np.asarray(self.lag[chosen], dtype=np.int64)
        return rows, lag

    def _span(self, first: int, end: int) -> tuple[Ints, Ints] | None:
        if self.roster.span is None:
            return None
        begun, ended = self.roster.span
        return begun[first:end] - self.origin, ended[first:end] - self.origin


def _read(
    connection: duckdb.DuckDBPyConnection,
    rollup: Rollup,
    accounts: tuple[int, int] | None,
    days: tuple[int, int],
    columns: Sequence[str],
) -> dict[str, Any]:
    """The rollup's rows of some days, of a range of accounts or of everybody."""
    origin, latest = days
    listed = "".join(f", coalesce({name}, 0) AS {name}" for name in columns)
    chosen = "" if accounts is None else (
        "AND user_no IN (SELECT user_no FROM usage_user JOIN usage_account USING (account_id) "
        f"WHERE account >= {accounts[0]} AND account < {accounts[1]})"
    )  # fmt: skip
    return connection.execute(
        f"""SELECT user_no, day - {origin} AS day {", lag" if rollup.late else ""}{listed}
            FROM {rollup.relation(origin)} WHERE day >= {origin} AND day < {latest} {chosen}"""
    ).fetchnumpy()
