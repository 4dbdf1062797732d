"""Figures of windows, from cubes of accounts by days.

The rows of a rollup are summed once into a cube (account x day) and added up along the days; every
window of every as-of date is then the difference of two cells. Different users in a window come
from a cube too: a user's day ``d`` stands for the user in the window of ``w`` days before ``t``
when it is the last before ``t``, that is for every ``t`` in ``[d + 1, min(next day, d + w)]``.

Days are numbers from the cube's first day on; everything given was known on the as-of dates asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
NEVER = np.iinfo(np.int32).min // 2


@dataclass(frozen=True)
class Rows:
    """Rows of a rollup: what one user did on one day; several rows may share user and day.

    Parameters
    ----------
    account, user, day : ndarray of int, (n,)
        Numbers; ``user`` is below 0 where no user is known.
    facts : dict of str to ndarray, (n,)
        The rollup's columns.
    accounts, days : int
        How many there are of each in the cube.
    """

    account: Ints
    user: Ints
    day: Ints
    facts: dict[str, npt.NDArray[np.int64]]
    accounts: int
    days: int

    @cached_property
    def cell(self) -> Ints:
        """The cell of each row in a cube (account x day)."""
        return self.account * self.days + self.day

    def only(self, chosen: npt.NDArray[np.bool_]) -> Rows:
        """Some of the rows, in the same cube."""
        facts = {name: column[chosen] for name, column in self.facts.items()}
        return Rows(
            self.account[chosen], self.user[chosen], self.day[chosen], facts,
            self.accounts, self.days,
        )  # fmt: skip


@dataclass(frozen=True)
class Requests:
    """The (account, as-of date) pairs for which figures are wanted.

    Parameters
    ----------
    account, as_of : ndarray of int, (n,)
        As-of dates as days of the cube; the day itself is in no window.
    start : ndarray of float, (n,)
        Day on which the account's first contract started; NaN when none is known.
    """

    account: Ints
    as_of: Ints
    start: Floats

    def only(self, chosen: npt.NDArray[np.bool_]) -> Requests:
        """Some of the requests."""
        return Requests(self.account[chosen], self.as_of[chosen], self.start[chosen])

    def __len__(self) -> int:
        return len(self.account)


class Cuts:
    """The days at which windows begin or end: between two of them days need not be told apart.

    Parameters
    ----------
    days : ndarray of int
        In any order; days outside of the cube count as its first or its end.
    span : int
        Days of the cube.
    """

    def __init__(self, days: Ints, span: int) -> None:
        self.days = np.unique(np.clip(days, 0, span))
        self.span = span
        numbers = np.arange(span + 2)
        # first_from[d]: the number of the first cut on or after d.
        self.first_from = np.searchsorted(self.days, numbers, side="left")
        self._of: tuple[Rows, Ints] | None = None  # many figures are of the same rows

    def number(self, day: Ints) -> Ints:
        """The numbers of these days among the cuts; they must be among them."""
        return np.asarray(self.first_from[np.clip(day, 0, self.span)])

    def cell(self, rows: Rows) -> Ints:
        """The cell (account x cut) of each row: it counts from the first cut after its day."""
        if self._of is None or self._of[0] is not rows:
            self._of = rows, rows.account * (len(self) + 1) + self.first_from[rows.day + 1]
        return self._of[1]

    def __len__(self) -> int:
        return len(self.days)


class Total:
    """Sums over windows of a figure of rows.

    Parameters
    ----------
    rows : Rows
    weight : ndarray, (n,)
        What is added up, whole numbers.
    cuts : Cuts
        The days at which the windows that will be asked for begin or end.
    """

    def __init__(self, rows: Rows, weight: npt.NDArray[np.int64], cuts: Cuts) -> None:
        self.width, self.cuts = len(cuts) + 1, cuts
        size = rows.accounts * self.width
        summed = np.bincount(cuts.cell(rows), weights=weight, minlength=size)
        self.until = np.cumsum(summed.reshape(rows.accounts, self.width), axis=1).ravel()

    def between(self, account: Ints, first: Ints, end: Ints) -> Floats:
        """The sum over the days from ``first`` to before ``end``."""
        row = account * self.width
        begun, ended = self.cuts.number(first), self.cuts.number(end)
        difference = self.until[row + ended] - self.until[row + begun]
        return np.asarray(np.where(ended > begun, difference, 0.0))

    def window(self, requests: Requests, length: int, back: int = 0) -> Floats:
        """The sum over the ``length`` days that end ``back`` days before each as-of date."""
        end = requests.as_of - back
        return self.between(requests.account, end - length, end)

    def weekly(self, requests: Requests, weeks: int) -> Floats:
        """(weeks, n_requests): the sums of the last 7-day windows, the newest first."""
        row = requests.account * self.width
        ends = (requests.as_of - 7 * week for week in range(weeks + 1))
        until = np.stack([self.until[row + self.cuts.number(end)] for end in ends])
        return np.asarray(until[:-1] - until[1:])


class Uses:
    """Whether there was any row of a kind in windows, for one kind after the other.

    Parameters
    ----------
    rows : Rows
    requests : Requests
    cuts : Cuts
        The days at which the windows that will be asked for begin or end.
    """

    def __init__(self, rows: Rows, requests: Requests, cuts: Cuts) -> None:
        self.requests, self.cuts = requests, cuts
        self.shape = rows.accounts, len(cuts) + 1
        self.cell = cuts.cell(rows)
        self.until = np.zeros(0, dtype=np.int32)
        self._bounds: dict[tuple[int, int], tuple[Ints, Ints]] = {}

    def take(self, chosen: npt.NDArray[np.bool_]) -> None:
        """Turn to the rows of another kind."""
        found = np.bincount(self.cell[chosen], minlength=self.shape[0] * self.shape[1])
        self.until = np.cumsum(found.reshape(self.shape), axis=1, dtype=np.int32).ravel()

    def within(self, length: int, back: int = 0) -> npt.NDArray[np.bool_]:
        """Whether there was a row of this kind in the window of each request."""
        if (length, back) not in self._bounds:
            end = self.requests.as_of - back
            row = self.requests.account * self.shape[1]
            bounds = row + self.cuts.number(end - length), row + self.cuts.number(end)
            self._bounds[length, back] = bounds
        first, last = self._bounds[length, back]
        return np.asarray(self.until[last] > self.until[first])


class Presence:
    """On which days something happened in an account.

    Parameters
    ----------
    rows : Rows
        Those that tell of it.
    """

    def __init__(self, rows: Rows) -> None:
        self.days = rows.days
        happened = np.zeros(rows.accounts * rows.days, dtype=bool)
        happened[rows.cell] = True
        self.happened = happened.reshape(rows.accounts, rows.days)

    @cached_property
    def last(self) -> npt.NDArray[np.int32]:
        """(accounts, days + 1): the last such day before each day."""
        last = np.full((len(self.happened), self.days + 1), NEVER, dtype=np.int32)
        numbers = np.arange(self.days, dtype=np.int32)
        np.maximum.accumulate(
            np.where(self.happened, numbers, np.int32(NEVER)), axis=1, out=last[:, 1:]
        )
        return last

    @cached_property
    def _next(self) -> npt.NDArray[np.int32]:
        """(accounts, days + 1): the first such day on or after each day; ``-NEVER`` when none."""
        following = np.full((len(self.happened), self.days + 1), -NEVER, dtype=np.int32)
        numbers = np.arange(self.days, dtype=np.int32)
        marked = np.where(self.happened, numbers, np.int32(-NEVER))
        following[:, :-1] = np.minimum.accumulate(marked[:, ::-1], axis=1)[:, ::-1]
        return following

    @cached_property
    def _count(self) -> npt.NDArray[np.int32]:
        count = np.zeros((len(self.happened), self.days + 1), dtype=np.int32)
        np.cumsum(self.happened, axis=1, out=count[:, 1:])
        return count

    def _at(self, cube: npt.NDArray[np.int32], account: Ints, day: Ints) -> Ints:
        cell = account * (self.days + 1) + np.clip(day, 0, self.days)
        return np.asarray(cube.ravel()[cell], dtype=np.int64)

    def last_before(self, account: Ints, day: Ints) -> Ints:
        """The last such day before a day; ``NEVER`` when there is none."""
        return self._at(self.last, account, day)

    @cached_property
    def first(self) -> Ints:
        """(accounts,): the first such day of all; ``-NEVER`` when there is none."""
        first = np.where(self.happened.any(axis=1), self.happened.argmax(axis=1), -NEVER)
        return np.asarray(first, dtype=np.int64)

    def first_from(self, account: Ints, day: Ints) -> Ints:
        """The first such day on or after a day; ``-NEVER`` when there is none."""
        return self._at(self._next, account, day)

    def count(self, account: Ints, first: Ints, end: Ints) -> Ints:
        """How many such days there are from ``first`` to before ``end``."""
        found = self._at(self._count, account, end) - self._at(self._count, account, first)
        return np.asarray(np.maximum(found, 0))


class UserDays:
    """The days on which each user did anything, and how many users that makes in a window.

    Parameters
    ----------
    rows : Rows
        Those of known users only.
    cuts : Cuts
        The days at which the windows that will be asked for end.
    """

    def __init__(self, rows: Rows, cuts: Cuts) -> None:
        bits = int(rows.days).bit_length()
        self.accounts, self.cuts = rows.accounts, cuts
        key = np.sort(rows.user << bits | rows.day)  # np.unique hashes, which takes far longer
        key = key[np.append(True, key[1:] != key[:-1])[: len(key)]]
        self.user, self.day = key >> bits, key & ((1 << bits) - 1)
        account = np.zeros(int(rows.user.max(initial=-1)) + 1, dtype=np.int64)
        account[rows.user] = rows.account
        self.account = account[self.user]
        self.next = np.full(len(key), -NEVER, dtype=np.int64)
        np.copyto(self.next[:-1], self.day[1:], where=self.user[1:] == self.user[:-1])

    @cached_property
    def previous(self) -> Ints:
        """(n,): the user's day before each day; ``NEVER`` when there is none."""
        previous = np.full(len(self.day), NEVER, dtype=np.int64)
        np.copyto(previous[1:], self.day[:-1], where=self.user[1:] == self.user[:-1])
        return previous

    def _users(self, first: Ints, last: Ints) -> Callable[[Requests, int], Floats]:
        """One user for every window that ends from ``first`` to ``last``, both inclusive."""
        span, width = self.cuts.span, len(self.cuts) + 1
        begun = self.cuts.first_from[np.minimum(first, span + 1)]
        ended = self.cuts.first_from[np.minimum(np.maximum(last + 1, first), span + 1)]
        chosen = begun < ended
        row = self.account[chosen] * width
        size = self.accounts * width
        change = np.bincount(row + begun[chosen], minlength=size)
        change -= np.bincount(row + ended[chosen], minlength=size)
        count = np.cumsum(change.reshape(self.accounts, width), axis=1).ravel()

        def read(requests: Requests, back: int) -> Floats:
            at = requests.as_of - back
            found = count[requests.account * width + self.cuts.number(at)]
            return np.asarray(np.where(at > 0, found, 0), dtype=np.float64)

        return read

    def active(self, length: int) -> Callable[[Requests, int], Floats]:
        """Users with a day in the window."""
        return self._users(self.day + 1, np.minimum(self.next, self.day + length))

    def lost(self, length: int) -> Callable[[Requests, int], Floats]:
        """Users active in the window before, and not in this one."""
        return self._users(self.day + length + 1, np.minimum(self.next, self.day + 2 * length))

    def gained(self, length: int) -> Callable[[Requests, int], Floats]:
        """Users active in the window, and not in the one before."""
        begun = np.maximum(self.day, self.previous + 2 * length) + 1
        return self._users(begun, self.day + length)


def busiest(rows: Rows, requests: Requests, length: int, back: int = 0) -> Floats:
    """Events of the busiest known user in each window; 0 without any.

    Parameters
    ----------
    rows : Rows
        Those of known users only.
    """
    order = np.argsort(rows.day, kind="stable")
    day = rows.day[order]
    users = int(rows.user.max(initial=-1)) + 1
    account = np.zeros(users, dtype=np.int64)
    account[rows.user] = rows.account
    found = np.zeros(len(requests))
    for as_of in np.unique(requests.as_of):
        first, end = np.searchsorted(day, (as_of - back - length, as_of - back))
        chosen = order[first:end]
        by_user = np.bincount(rows.user[chosen], rows.facts["events"][chosen], minlength=users)
        seen = np.flatnonzero(by_user)
        most = np.zeros(rows.accounts)
        np.maximum.at(most, account[seen], by_user[seen])
        asked = requests.as_of == as_of
        found[asked] = most[requests.account[asked]]
    return found


def longest_silence(presence: Presence, requests: Requests, length: int) -> Floats:
    """The longest run of days without use in the window, after the first use; NaN without any."""
    first = presence.first[requests.account]
    bound = np.maximum(first, requests.as_of - length - 1).astype(np.int32)
    longest = np.zeros(len(requests), dtype=np.int32)
    last, row = presence.last.ravel(), requests.account * (presence.days + 1)
    for age in range(length, 0, -1):
        day = np.maximum(requests.as_of - age, -1)
        run = day.astype(np.int32) - np.maximum(last[row + day + 1], bound)
        np.maximum(longest, run, out=longest)
    return np.where(first < requests.as_of, longest.astype(np.float64), np.nan)
