"""What accounts did in the product, as their boards show it: company, modules, features, users.

Read from the rollup in a few queries over all accounts. A rollup knows of each user and day how
many events there were in all, in each module and of value, how many of them were views, how long
the user was there and in each module, and which events were done: so a feature is counted in user
days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from features.rollup import EVENTS_PER_WORD, words
from features.rollup_reader import Rollup
from features.settings import EventSettings
from features.source import Source

DAYS, WINDOW, WEEKS = 182, 28, 26
_EPOCH = date(1970, 1, 1)
_MODULE, _VIEWS, _TIME = "module:", "views:", "time:"
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Use:
    """Use of n accounts in the `DAYS` days before an as-of date.

    Parameters
    ----------
    daily : mapping of str to ndarray of int, (n, DAYS)
        ``users`` (known users who did anything) and, where the rollup holds them,
        ``value_actions``; the oldest day first.
    weekly : mapping of str to ndarray of int, (n, WEEKS)
        ``events`` and, where the rollup holds them, ``value_actions``, ``views``, ``sessions`` and
        ``milliseconds``; spans of seven days, the oldest first.
    modules, module_views, module_time : mapping of str to ndarray of int, (n, WEEKS)
        Events, views and seconds of each module by week. No module is there where the rollup does
        not tell them apart, none in the second where the configuration calls none of its events a
        view, and none in the third where usage does not tell how long events took.
    active : ndarray of int, (n, 2)
        Known users who did anything in the last `WINDOW` days, and in those before.
    features : mapping of str to EventSettings
        Every kind of event that the rollup tells apart.
    feature_weeks : ndarray of int, (n, n_features, WEEKS)
        User days on which it was done by span of seven days, the oldest first.
    feature_age : ndarray of int, (n, n_features)
        Days since it was done last; 0: not in `DAYS`.
    feature_ever : ndarray of bool, (n, n_features)
        Whether it was ever done before the date.
    tells_users : bool
        Whether usage says who it was.
    """

    daily: Mapping[str, Ints]
    weekly: Mapping[str, Ints]
    modules: Mapping[str, Ints]
    module_views: Mapping[str, Ints]
    module_time: Mapping[str, Ints]
    active: Ints
    features: Mapping[str, EventSettings]
    feature_weeks: npt.NDArray[np.int32]
    feature_age: Ints
    feature_ever: npt.NDArray[np.bool_]
    tells_users: bool


def read_use(source: Source, as_of: date) -> Use | None:
    """Use of the accounts of ``board_account``; None where there is no rollup of it.

    Creates ``board_seen`` (account_id, user_id, last_day, events, days): every known user who was
    ever seen, with what they did in the last `WINDOW` days.

    Parameters
    ----------
    source : Source
        Its connection holds ``board_account``: ``account`` from 0 and ``account_id``.
    as_of : date
        Exclusive: what was known on or after it is not read.
    """
    connection, rollup = source.connection, source.usage
    if rollup is None:
        return None
    reader = _Reader(connection, rollup, (as_of - _EPOCH).days, _count(connection))
    kinds = words(rollup.columns)
    names = rollup.events if kinds else ()
    reader.number_users()
    reader.read_seen(kinds)
    found = reader.read_days(kinds)
    weekly = partial(_by_week, found, reader)
    facts = rollup.facts
    weeks, ever = reader.read_kinds(kinds, len(names))
    return Use(
        daily={
            name: _by_day(found, reader, name)
            for name in ("value_actions", "users")
            if name in found
        },
        weekly={
            name: weekly(name)
            for name in _sums(rollup)
            if not name.startswith((_MODULE, _VIEWS, _TIME))
        },
        modules=_by_module(facts.sums, _MODULE, weekly),
        module_views=_by_module(facts.sums, _VIEWS, weekly),
        module_time=_by_module(facts.times, _TIME, weekly),
        active=reader.read_active(),
        features={name: rollup.kinds.get(name, EventSettings()) for name in names},
        feature_weeks=weeks,
        feature_age=_ages(found, reader, kinds, len(names)),
        feature_ever=ever[:, : len(names)],
        tells_users=source.has("usage", "user_id"),
    )


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute("SELECT count(*) FROM board_account").fetchone()
    return int(row[0]) if row else 0


def _sums(rollup: Rollup) -> dict[str, str]:
    """The SQL of what is added up by account and day, by name; whole numbers, in any order."""
    facts = rollup.facts
    found = {"events": "events"}
    found |= {"milliseconds": "milliseconds"} if facts.seconds else {}
    found |= {"sessions": "sessions"} if facts.sessions else {}
    return found | facts.columns_of_sums


@dataclass(frozen=True)
class _Reader:
    """Queries over a rollup; ``end`` is the as-of date in days since 1970-01-01."""

    connection: duckdb.DuckDBPyConnection
    rollup: Rollup
    end: int
    accounts: int

    def number_users(self) -> None:
        """Create ``board_user``: the users of the accounts, each with its account's number."""
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE board_user AS SELECT user_no, account, "
            "usage_user.account_id, user_id "
            "FROM usage_user JOIN board_account USING (account_id)"
        )

    def _rows(self, first: int | None = None) -> str:
        """The SQL of what was known, from a day on."""
        begun = "" if first is None else f"day >= {first} AND "
        return f"""FROM {self.rollup.relation(first)} AS rolled JOIN board_user USING (user_no)
            WHERE {begun}day < {self.end} AND day + lag < {self.end}"""

    def read_seen(self, kinds: Iterable[str]) -> None:
        """Create ``board_seen``, and ``board_kind`` with the bits of all that a user ever did."""
        recent = f"FILTER (WHERE day >= {self.end - WINDOW})"
        before = f"day < {self.end - WINDOW} AND day >= {self.end - 2 * WINDOW}"
        bits = "".join(f", bit_or(coalesce({name}, 0)) AS {name}" for name in kinds)
        self.connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE board_ever AS
            SELECT user_no, any_value(account) AS account, max(day) AS last_day,
                   coalesce(sum(events) {recent}, 0) AS events,
                   count(DISTINCT day) {recent} AS days,
                   bool_or({before}) AS active_before{bits}
            {self._rows()} GROUP BY user_no"""
        )
        self.connection.execute(
            """CREATE OR REPLACE TEMP VIEW board_seen AS
            SELECT account_id, user_id, DATE '1970-01-01' + CAST(last_day AS INTEGER) AS last_day,
                   CAST(events AS BIGINT) AS events, days
            FROM board_ever JOIN board_user USING (user_no) WHERE user_id IS NOT NULL"""
        )

    def read_active(self) -> Ints:
        """Known users who did anything lately, and before."""
        found = self._fetch(
            """SELECT board_user.account, count(*) FILTER (WHERE days > 0) AS now,
                      count(*) FILTER (WHERE active_before) AS before
            FROM board_ever JOIN board_user USING (user_no)
            WHERE user_id IS NOT NULL GROUP BY ALL"""
        )
        active = np.zeros((self.accounts, 2), dtype=np.int64)
        active[found["account"]] = np.stack([found["now"], found["before"]], axis=1)
        return active

    def read_days(self, kinds: Iterable[str]) -> dict[str, Any]:
        """Sums by account and day; ``age`` is 1 on the last day."""
        sums = "".join(
            f', CAST(coalesce(sum({sql}), 0) AS BIGINT) AS "{name}"'
            for name, sql in _sums(self.rollup).items()
        )
        bits = "".join(f", bit_or(coalesce({name}, 0)) AS {name}" for name in kinds)
        return self._fetch(
            f"""SELECT account, {self.end} - day AS age,
                   count(DISTINCT user_no) FILTER (WHERE user_id IS NOT NULL) AS users{sums}{bits}
            {self._rows(self.end - DAYS)} GROUP BY account, day"""
        )

    def read_kinds(
        self, kinds: list[str], events: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """User days of each event by week, and whether it was ever done."""
        if not kinds:
            return (
                np.zeros((self.accounts, 0, WEEKS), dtype=np.int32),
                np.zeros((self.accounts, 0), dtype=np.bool_),
            )
        bits = "".join(f", bit_or(coalesce({name}, 0)) AS {name}" for name in kinds)
        self.connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE board_recent AS
            SELECT account, (day - {self.end - DAYS}) // {DAYS // WEEKS} AS week{bits}
            {self._rows(self.end - DAYS)} GROUP BY account, user_no, day"""
        )
        weeks = np.zeros((self.accounts, events, WEEKS), dtype=np.int32)
        for number, name in enumerate(kinds):
            begin = number * EVENTS_PER_WORD
            self._count_bits(name, weeks[:, begin : begin + EVENTS_PER_WORD])
        ever = [self._ever(name) for name in kinds]
        self.connection.execute("DROP TABLE board_recent")
        return weeks, np.concatenate(ever, axis=1)

    def _count_bits(self, word: str, weeks: npt.NDArray[np.int32]) -> None:
        """Fill (accounts, events of a word, WEEKS): how many rows of ``board_recent`` have each."""
        listed = ", ".join(
            f"count(*) FILTER (WHERE {word} & {1 << bit} <> 0) AS bit_{bit}"
            for bit in range(weeks.shape[1])
        )
        found = self._fetch(
            f"SELECT account, week, {listed} FROM board_recent GROUP BY account, week"
        )
        for bit in range(weeks.shape[1]):
            weeks[found["account"], bit, found["week"]] = found[f"bit_{bit}"]

    def _ever(self, word: str) -> npt.NDArray[np.bool_]:
        found = self._fetch(f"SELECT account, bit_or({word}) AS did FROM board_ever GROUP BY ALL")
        did = np.zeros(self.accounts, dtype=np.int64)
        did[found["account"]] = found["did"]
        ever: npt.NDArray[np.bool_] = (did[:, None] >> np.arange(EVENTS_PER_WORD)) & 1 == 1
        return ever

    def _fetch(self, query: str) -> dict[str, Any]:  # Any: what DuckDB's fetchnumpy gives
        return self.connection.execute(query).fetchnumpy()


def _by_module(names: Iterable[str], prefix: str, weekly: Callable[[str], Ints]) -> dict[str, Ints]:
    """The sums of one kind, by module."""
    return {name.removeprefix(prefix): weekly(name) for name in names if name.startswith(prefix)}


def _by_day(found: Mapping[str, Any], reader: _Reader, name: str) -> Ints:
    """(accounts, DAYS) of a sum, the oldest day first."""
    table = np.zeros((reader.accounts, DAYS), dtype=np.int64)
    table[found["account"], DAYS - found["age"]] = found[name]
    return table


def _by_week(found: Mapping[str, Any], reader: _Reader, name: str) -> Ints:
    """(accounts, WEEKS) of a sum, the oldest week first."""
    place = found["account"] * WEEKS + (DAYS - found["age"]) // (DAYS // WEEKS)
    summed = np.bincount(place, weights=found[name], minlength=reader.accounts * WEEKS)
    return summed.astype(np.int64).reshape(reader.accounts, WEEKS)


def _ages(found: Mapping[str, Any], reader: _Reader, kinds: list[str], count: int) -> Ints:
    """(accounts, features): days since each event was done last, 0 where not in `DAYS`."""
    ages = np.zeros((reader.accounts, count), dtype=np.int64)
    order = np.argsort(-found["age"], kind="stable")  # the youngest is written last
    account, age = found["account"][order], found["age"][order]
    for number in range(count):
        word, bit = divmod(number, EVENTS_PER_WORD)
        did = found[kinds[word]][order] >> bit & 1 == 1
        ages[account[did], number] = age[did]
    return ages
