"""Primitives of usage: what an account did in a window of days before the as-of date.

Every function takes the window's length in days and, if wanted, how many days before the as-of
date the window ends: ``events(28)`` is the last four weeks, ``events(28, 28)`` the four before.
An event on the as-of date is in no window. A late row counts from the day it was known.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from features.expression import Primitive

# name: the aggregate over the account's rolled-up days that lie in the window
_SUMS = {
    "events": "coalesce(sum(events) FILTER ({window}), 0)",
    "value_actions": "coalesce(sum(value_actions) FILTER ({window}), 0)",
    "seconds": "coalesce(sum(seconds) FILTER ({window}), 0)",
    "active_days": "coalesce(sum(first) FILTER ({window}), 0)",
}
# name: (the figure per user in the window, how users are put together)
_PER_USER = {
    "active_users": ("CAST(count(*) FILTER ({window}) > 0 AS INTEGER)", "sum"),
    "user_days": ("coalesce(sum(first) FILTER ({window}), 0)", "sum"),
    "top_user_events": ("coalesce(sum(events) FILTER ({window}), 0)", "max"),
}
# name: the condition on the event for it to be counted once
_PER_EVENT = {
    "active_features": "TRUE",
    "core_features": "core",
}
_PER_MODULE = frozenset({"active_modules"})
_SINCE = frozenset({"days_since_use", "days_since_first_use"})

FUNCTIONS = frozenset({*_SUMS, *_PER_USER, *_PER_EVENT, *_PER_MODULE, *_SINCE})
NEEDS_USER = frozenset(_PER_USER)
COUNTS_DAYS = frozenset({"active_days", "user_days"})


def build_usage(connection: duckdb.DuckDBPyConnection, primitives: Iterable[Primitive]) -> str:
    """Create ``usage_primitive``, one row per (account, as-of date), and return its name.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds the rollups of ``features.rollup``, and ``row_account``: ``row_no`` and the account
        and as-of date of every row wanted.
    primitives : iterable of Primitive
    """
    wanted = sorted(primitives)
    _build_ages(connection, wanted)
    parts = [
        _sums([p for p in wanted if p.name in _SUMS]),
        _per_key("user_no", "usage_of_user", [p for p in wanted if p.name in _PER_USER]),
        _per_key("event_no", "usage_of_event", [p for p in wanted if p.name in _PER_EVENT]),
        _per_key("module", "usage_of_module", [p for p in wanted if p.name in _PER_MODULE]),
        _since([p for p in wanted if p.name in _SINCE]),
    ]
    joined = " ".join(f"LEFT JOIN ({part}) USING (row_no)" for part in parts if part)
    columns = "".join(f", {_filled(primitive)}" for primitive in wanted)
    connection.execute(
        f"CREATE OR REPLACE TABLE usage_primitive AS "
        f"SELECT account_id, as_of{columns} FROM row_account {joined}"
    )
    return "usage_primitive"


def _filled(primitive: Primitive) -> str:
    """No row in a window means nothing was done; no row at all means never used."""
    if primitive.name in _SINCE:
        return primitive.column
    return f"coalesce({primitive.column}, 0) AS {primitive.column}"


def _window(primitive: Primitive) -> str:
    length, back = _days(primitive)
    return f"WHERE age > {back} AND age <= {back + length}"


def _days(primitive: Primitive) -> tuple[int, int]:
    numbers = [int(argument) for argument in primitive.arguments]
    return numbers[0], numbers[1] if len(numbers) > 1 else 0


def _build_ages(connection: duckdb.DuckDBPyConnection, wanted: list[Primitive]) -> None:
    """Create ``day_age``: for each as-of date the days that any window reaches, with their age."""
    reach = max((sum(_days(p)) for p in wanted if p.name not in _SINCE), default=0)
    connection.execute(
        f"""CREATE OR REPLACE TABLE day_age AS
        SELECT as_of, age, as_of - CAST(age AS INTEGER) AS day
        FROM (SELECT DISTINCT as_of FROM row_account), range(1, {reach + 1}) AS ages(age)"""
    )


def _aged(rollup: str) -> str:
    """A rollup on every as-of date that a window connects it to."""
    kinds = " JOIN event_kind USING (event)" if rollup == "usage_of_event" else ""
    return f"""{rollup}{kinds} JOIN day_age USING (day) JOIN row_account USING (account_id, as_of)
        WHERE known_day < as_of"""


def _sums(wanted: list[Primitive]) -> str:
    if not wanted:
        return ""
    columns = "".join(f", {_SUMS[p.name].format(window=_window(p))} AS {p.column}" for p in wanted)
    return f"SELECT row_no{columns} FROM {_aged('usage_of_account')} GROUP BY row_no"


def _per_key(key: str, rollup: str, wanted: list[Primitive]) -> str:
    """Figures per user, event or module in each window, put together per account."""
    if not wanted:
        return ""
    inner, outer = [], []
    for p in wanted:
        figure, combine = _PER_USER.get(
            p.name, ("CAST(count(*) FILTER ({window}) > 0 AS INTEGER)", "sum")
        )
        window = _window(p) + (" AND core" if p.name == "core_features" else "")
        inner.append(f"{figure.format(window=window)} AS {p.column}")
        outer.append(f"{combine}({p.column}) AS {p.column}")
    return (
        f"SELECT row_no, {', '.join(outer)} FROM ("
        f"SELECT row_no, {key}, {', '.join(inner)} "
        f"FROM {_aged(rollup)} GROUP BY row_no, {key}) GROUP BY row_no"
    )


def _since(wanted: list[Primitive]) -> str:
    """Days since the last and the first known use, however long ago."""
    if not wanted:
        return ""
    return """SELECT row_account.row_no,
            row_account.as_of - last_day AS days_since_use,
            row_account.as_of - first_day AS days_since_first_use
        FROM row_account ASOF JOIN (
            SELECT account_id, known_day,
                   max(max(day)) OVER known AS last_day, min(min(day)) OVER known AS first_day
            FROM usage_of_account GROUP BY account_id, known_day
            WINDOW known AS (PARTITION BY account_id ORDER BY known_day)
        ) AS seen
          ON row_account.account_id = seen.account_id AND row_account.as_of > seen.known_day"""
