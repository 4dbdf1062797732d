"""Figures of windows, from cubes of accounts by days.

The rows of a rollup are summed once into a cube (account x day) and added up along the days; every
window of every as-of date is then the difference of two cells. Different users in a window come
from a cube too: a user's day ``d`` stands for the user in the window of ``w`` days before ``t``
when it is the last before ``t``, that is for every ``t`` in ``[d + 1, min(next day, d + w)]``.

Days are numbers from the cube's first day on; everything given was known on the as-of dates asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
NEVER = np.iinfo(np.int32).min // 2
# Cells of a cube of users that are made at once.
_MOST_CELLS = 1 << 20


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
    span : (ndarray, ndarray), each (accounts,), optional
        First and last day of use of each account, ``-NEVER`` and ``NEVER`` without any, where all
        of it was known on every date asked and rows of earlier days may be left out.
    """

    account: Ints
    user: Ints
    day: Ints
    facts: dict[str, npt.NDArray[np.int64]]
    accounts: int
    days: int
    span: tuple[Ints, Ints] | None = None

    @cached_property
    def cell(self) -> Ints:
        """The cell of each row in a cube (account x day)."""
        return self.account * self.days + self.day

    def only(self, chosen: npt.NDArray[np.bool_]) -> Rows:
        """Some of the rows, in the same cube."""
        facts = {name: column[chosen] for name, column in self.facts.items()}
        return replace(
            self, account=self.account[chosen], user=self.user[chosen], day=self.day[chosen],
            facts=facts,
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
    """Whether events of a kind were done in windows, for one kind after the other.

    Parameters
    ----------
    rows : Rows
    words : sequence of str
        The columns of ``rows`` that hold a bit for each event.
    requests : Requests
    cuts : Cuts
        The days at which the windows that will be asked for begin or end.
    """

    def __init__(self, rows: Rows, words: Sequence[str], requests: Requests, cuts: Cuts) -> None:
        self.requests, self.cuts = requests, cuts
        self.width = len(cuts) + 1
        cell = cuts.cell(rows)
        order = np.argsort(cell)
        cell = cell[order]
        first = np.flatnonzero(np.append(True, cell[1:] != cell[:-1])[: len(cell)])
        # The bits of all rows of a cell are put together once; a kind then looks at few cells.
        self.bits = {word: np.zeros(rows.accounts * self.width, np.int64) for word in words}
        for word, bits in self.bits.items():
            if len(first):
                done = np.bitwise_or.reduceat(rows.facts[word][order], first)
                bits[cell[first]] = done
        self.until = np.zeros(0, dtype=np.int32)
        self._bounds: dict[tuple[int, int], tuple[Ints, Ints]] = {}

    def take(self, masks: Mapping[str, int]) -> None:
        """Turn to the events of another kind: their bits, by the column that holds them."""
        done = np.zeros(len(next(iter(self.bits.values()))), dtype=bool)
        for word, mask in masks.items():
            done |= (self.bits[word] & np.int64(mask)) != 0
        self.until = np.cumsum(done.reshape(-1, self.width), axis=1, dtype=np.int32).ravel()

    def within(self, length: int, back: int = 0) -> npt.NDArray[np.bool_]:
        """Whether any of these events was done in the window of each request."""
        if (length, back) not in self._bounds:
            end = self.requests.as_of - back
            row = self.requests.account * self.width
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
        self._width = rows.days + 1
        happened = np.zeros(rows.accounts * self._width, dtype=bool)
        happened[rows.account * self._width + rows.day + 1] = True
        # Such days of all accounts, one account after the other, and how many come before a cell.
        self.used = np.append(np.flatnonzero(happened) % self._width - 1, -NEVER)
        self._before = np.cumsum(happened, dtype=np.int32)
        self.first = self.first_from(np.arange(rows.accounts), np.zeros(rows.accounts, np.int64))

    def number(self, account: Ints, day: Ints) -> Ints:
        """Where in ``used`` the account's first such day on or after a day stands, or would."""
        cell = account * self._width + np.clip(day, 0, self._width - 1)
        return np.asarray(self._before[cell], dtype=np.int64)

    def last_before(self, account: Ints, day: Ints) -> Ints:
        """The last such day before a day; ``NEVER`` when there is none."""
        number = self.number(account, day)
        some = number > self._before[account * self._width]
        return np.where(some, self.used[number - 1], NEVER)

    def first_from(self, account: Ints, day: Ints) -> Ints:
        """The first such day on or after a day; ``-NEVER`` when there is none."""
        number = self.number(account, day)
        some = number < self._before[(account + 1) * self._width - 1]
        return np.where(some, self.used[number], -NEVER)

    def count(self, account: Ints, first: Ints, end: Ints) -> Ints:
        """How many such days there are from ``first`` to before ``end``."""
        found = self.number(account, end) - self.number(account, first)
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
        # Rows come in runs that are sorted already: merging them is the quickest, np.unique hashes.
        key = np.sort(rows.user << bits | rows.day, kind="stable")
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

    @cached_property
    def _row(self) -> Ints:
        return np.asarray(self.account * (len(self.cuts) + 1))

    def _from(self, day: Ints) -> Ints:
        """How many of the users' days are to be told from each cut on, each from a day of its own.

        (accounts x (cuts + 1),), in one row.
        """
        cut = self.cuts.first_from[np.minimum(day, self.cuts.span + 1)]
        size = self.accounts * (len(self.cuts) + 1)
        return np.asarray(np.bincount(self._row + cut, minlength=size))

    @cached_property
    def _from_next_day(self) -> Ints:
        return self._from(self.day + 1)

    def _users(self, begun: Ints, end: Ints) -> Callable[[Requests, int], Floats]:
        """One user for every window that ends on a day before ``end``, from where it was told."""
        width = len(self.cuts) + 1
        change = (begun - self._from(end)).reshape(self.accounts, width)
        count = np.cumsum(change, axis=1).ravel()

        def read(requests: Requests, back: int) -> Floats:
            at = requests.as_of - back
            found = count[requests.account * width + self.cuts.number(at)]
            return np.asarray(np.where(at > 0, found, 0), dtype=np.float64)

        return read

    def active(self, length: int) -> Callable[[Requests, int], Floats]:
        """Users with a day in the window."""
        return self._users(self._from_next_day, np.minimum(self.next, self.day + length) + 1)

    def lost(self, length: int) -> Callable[[Requests, int], Floats]:
        """Users active in the window before, and not in this one."""
        first = self.day + length + 1
        end = np.maximum(np.minimum(self.next, self.day + 2 * length) + 1, first)
        return self._users(self._from(first), end)

    def gained(self, length: int) -> Callable[[Requests, int], Floats]:
        """Users active in the window, and not in the one before."""
        first = np.maximum(self.day, self.previous + 2 * length) + 1
        return self._users(self._from(first), np.maximum(self.day + length + 1, first))


def busiest(rows: Rows, requests: Requests, length: int, back: int = 0) -> Floats:
    """Events of the busiest known user in each window; 0 without any.

    Parameters
    ----------
    rows : Rows
        Those of known users only.
    """
    found = np.zeros(len(requests))
    if not len(rows.user) or not len(requests):
        return found
    account = np.full(int(rows.user.max()) + 1, rows.accounts, dtype=np.int64)
    account[rows.user] = rows.account
    seen = np.argsort(account, kind="stable")[: np.count_nonzero(account < rows.accounts)]
    place = np.empty(len(account), dtype=np.int64)
    place[seen] = np.arange(len(seen))
    by_user = replace(rows, account=place[rows.user], accounts=len(seen))
    first = np.flatnonzero(np.diff(account[seen], prepend=-1))
    dates = np.unique(requests.as_of)
    pieces = min(len(dates), 1 + 2 * len(seen) * len(dates) // _MOST_CELLS)
    for asked in np.array_split(dates, pieces):
        end = asked - back
        cuts = Cuts(np.concatenate([end - length, end]), rows.days)
        until = Total(by_user, rows.facts["events"], cuts).until.reshape(len(seen), -1)
        events = until[:, cuts.number(end)] - until[:, cuts.number(end - length)]
        most = np.zeros((rows.accounts, len(asked)))
        most[account[seen][first]] = np.maximum.reduceat(events, first)
        here = (requests.as_of >= asked[0]) & (requests.as_of <= asked[-1])
        date = np.searchsorted(asked, requests.as_of[here])
        found[here] = most[requests.account[here], date]
    return found


def longest_silence(presence: Presence, requests: Requests, length: int, first_use: Ints) -> Floats:
    """The longest run of days without use in the window, after the first use; NaN without any."""
    end = requests.as_of
    begin = np.minimum(np.maximum(end - length, first_use + 1), end)
    first, after = (presence.number(requests.account, day) for day in (begin, end))
    # Before the first day with use in the window, after the last, and between two of them.
    edge = np.maximum(presence.used[first] - begin, end - 1 - presence.used[after - 1])
    longest = np.where(first < after, edge, end - begin)
    several = first + 1 < after
    between = np.stack([first[several] + 1, after[several]], axis=1).ravel()
    if len(between):
        silent = np.diff(presence.used, prepend=0) - 1
        most = np.maximum.reduceat(silent, between)[::2]
        longest[several] = np.maximum(longest[several], most)
    return np.where(first_use < end, longest.astype(np.float64), np.nan)
