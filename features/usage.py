"""Primitives of usage: what an account did before the as-of date.

Most take the length of a window in days and, if wanted, how many days before the as-of date it
ends: ``events(28)`` is the last four weeks, ``events(28, 28)`` the four before. An event on the
as-of date is in no window. A row that was known late counts from the day after it was known.
DuckDB reads the rollup, NumPy computes the windows; ``usage_sql.py`` is the same for Spark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from features.cube import Floats, Ints, Requests, Rows
from features.expression import Primitive
from features.figure import (
    FUNCTIONS,
    OF_HISTORY,
    OF_KINDS,
    OF_MODULES,
    OF_USERS,
    OF_VALUE,
    OF_WEEKS,
    SUMS,
    compute,
)
from features.rollup import Facts, words
from features.rollup_reader import Rollup
from features.settings import CompanySettings

__all__ = ["COUNTS_DAYS", "FUNCTIONS", "NEEDS_USER", "build_usage", "facts_of"]
NEEDS_USER = OF_USERS
COUNTS_DAYS = frozenset({"active_days", "user_days", "longest_silence"})
_DOUBLE_WINDOW = frozenset({"users_gained", "users_lost", "modules_dropped"})


def facts_of(primitives: Iterable[Primitive], settings: CompanySettings) -> Facts:
    """What a rollup must hold for these primitives and for the labels."""
    names = {primitive.name for primitive in primitives}
    churn = settings.labels.churn
    watched = churn is not None and churn.inactivity is not None and churn.inactivity.events
    reports = any(kind.report for kind in settings.catalogue.values())
    modules = sorted({k.module for k in settings.catalogue.values() if k.module is not None})
    sums = ["value_actions"] if names & {"value_actions", *OF_VALUE} else []
    sums += ["views"] if "views" in names else []
    sums += [f"module:{module}" for module in modules] if names & OF_MODULES else []
    kinds = bool(names & OF_KINDS or watched or reports)
    return Facts("seconds" in names, "sessions" in names, kinds, tuple(sums))


def build_usage(
    connection: duckdb.DuckDBPyConnection,
    rollup: Rollup,
    primitives: Iterable[Primitive],
    *,
    memory: int,
) -> str:
    """Create ``usage_primitive``, one row per (account, as-of date), and return its name.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds ``usage_user``, and ``row_account``: ``row_no``, ``account_id``, ``as_of`` and
        ``started`` of every row wanted.
    rollup : Rollup
    primitives : iterable of Primitive
    memory : int
        Bytes that the arrays of the accounts at hand may take, about.
    """
    wanted = sorted(primitives)
    connection.execute(
        """CREATE OR REPLACE TABLE usage_account AS
        SELECT account_id, CAST(row_number() OVER (ORDER BY account_id) - 1 AS INTEGER) AS account
        FROM (SELECT DISTINCT account_id FROM row_account)"""
    )
    listed = "".join(f", {primitive.column} DOUBLE" for primitive in wanted)
    connection.execute(f"CREATE OR REPLACE TABLE usage_figure (row_no INTEGER{listed})")
    for row_no, figures in _chunks(connection, rollup, wanted, memory):
        columns = {"row_no": pa.array(row_no.astype(np.int32))}
        for primitive in wanted:
            figure = figures[primitive]
            columns[primitive.column] = pa.array(figure, mask=np.isnan(figure))
        connection.register("usage_chunk", pa.table(columns))
        connection.execute("INSERT INTO usage_figure SELECT * FROM usage_chunk")
        connection.unregister("usage_chunk")
    connection.execute(
        """CREATE OR REPLACE VIEW usage_primitive AS
        SELECT account_id, as_of, usage_figure.* EXCLUDE (row_no)
        FROM row_account JOIN usage_figure USING (row_no)"""
    )
    return "usage_primitive"


def _chunks(
    connection: duckdb.DuckDBPyConnection, rollup: Rollup, wanted: list[Primitive], memory: int
) -> Iterator[tuple[Ints, dict[Primitive, Floats]]]:
    """The figures of some accounts after the others, so that memory does not grow with them."""
    bounds = connection.execute(
        "SELECT count(*), date_diff('day', DATE '1970-01-01', min(as_of)), "
        "date_diff('day', DATE '1970-01-01', max(as_of)) FROM row_account JOIN usage_account "
        "USING (account_id)"
    ).fetchone()
    if bounds is None or not bounds[0]:
        return
    asked_for, earliest, latest = bounds
    reach = max((reach_of(primitive) for primitive in wanted), default=0)
    past = [primitive for primitive in wanted if primitive.name in OF_HISTORY]
    recent = [primitive for primitive in wanted if primitive.name not in OF_HISTORY]
    begin = earliest if rollup.first_day is None else min(rollup.first_day, earliest)
    later = max(begin, earliest - reach)
    groups = [(begin, past), (later, recent)]
    if later - begin <= (latest - begin) // 4:  # reading the rows twice would cost more
        groups = [(begin, wanted)]
    # Of each account: its cells in a few cubes, its requests, and its rows by users.
    by_account = 10 * (latest - begin + 1) + 16 * len(wanted) * asked_for / _count(connection)
    widths = [
        (4 + len(_columns_of(rollup, group))) * (latest - origin + 1) / (latest - begin + 1)
        for origin, group in groups
        if group
    ]
    by_user = 8 * max(widths) * rollup.rows_a_user(connection)
    for first, end in _shares(connection, by_account, by_user, memory):
        row_no, asked = _read_requests(connection, first, end)
        figures: dict[Primitive, Floats] = {}
        for origin, group in groups:
            if group:
                rows, lag = _read_rows(connection, rollup, first, end, origin, latest, group)
                requests = Requests(asked.account, asked.as_of - origin, asked.start - origin)
                figures |= _as_known(rows, lag, requests, rollup, group)
        yield row_no, figures


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute("SELECT count(*) FROM usage_account").fetchone()
    return int(row[0]) if row else 0


def _shares(
    connection: duckdb.DuckDBPyConnection, by_account: float, by_user: float, memory: int
) -> list[tuple[int, int]]:
    """Ranges of accounts, each as many as the memory takes, at least one."""
    users = connection.execute(
        "SELECT count(user_no) AS users FROM usage_account LEFT JOIN usage_user "
        "USING (account_id) GROUP BY account ORDER BY account"
    ).fetchnumpy()["users"]
    share = np.cumsum(by_account + by_user * np.asarray(users, dtype=np.float64)) // memory
    bounds = [0, *(np.flatnonzero(np.diff(share)) + 1).tolist(), len(share)]
    return list(pairwise(bounds))


def reach_of(primitive: Primitive) -> int:
    """How many days before the as-of date a primitive looks at."""
    numbers = [argument for argument in primitive.arguments if isinstance(argument, int)]
    if primitive.name in OF_HISTORY or not numbers:
        return 0
    if primitive.name in OF_WEEKS:
        return 7 * numbers[0]
    return sum(numbers) * (2 if primitive.name in _DOUBLE_WINDOW else 1)


def _numbers(found: dict[str, Any], name: str) -> Ints:  # Any: what DuckDB's fetchnumpy gives
    return np.asarray(found[name], dtype=np.int64)


def _read_requests(
    connection: duckdb.DuckDBPyConnection, first: int, end: int
) -> tuple[Ints, Requests]:
    found = connection.execute(
        f"""SELECT row_no, account - {first} AS account,
                   date_diff('day', DATE '1970-01-01', as_of) AS as_of,
                   CAST(date_diff('day', DATE '1970-01-01', started) AS DOUBLE) AS start
            FROM row_account JOIN usage_account USING (account_id)
            WHERE account >= {first} AND account < {end} ORDER BY account, as_of"""
    ).fetchnumpy()
    start = np.ma.filled(np.ma.asarray(found["start"], dtype=np.float64), np.nan)
    requests = Requests(_numbers(found, "account"), _numbers(found, "as_of"), start)
    return _numbers(found, "row_no"), requests


def _read_rows(
    connection: duckdb.DuckDBPyConnection,
    rollup: Rollup,
    first: int,
    end: int,
    origin: int,
    latest: int,
    group: list[Primitive],
) -> tuple[Rows, Ints | None]:
    """The rollup's rows of some accounts from a day on, and by how many days they came late."""
    columns = _columns_of(rollup, group)
    late = rollup.late
    listed = "".join(f", coalesce({name}, 0) AS {name}" for name in columns)
    found = connection.execute(
        f"""SELECT account - {first} AS account, day - {origin} AS day,
                   CASE WHEN user_id IS NULL THEN -1 ELSE user_no END AS user
                   {", lag" if late else ""}{listed}
            FROM {rollup.relation(origin)} JOIN (
                SELECT user_no, user_id, account FROM usage_user JOIN usage_account
                USING (account_id) WHERE account >= {first} AND account < {end}
            ) USING (user_no) WHERE day >= {origin} AND day < {latest}"""
    ).fetchnumpy()
    rows = Rows(
        _numbers(found, "account"),
        _numbers(found, "user"),
        _numbers(found, "day"),
        {name: np.asarray(found[name]) for name in columns},
        end - first,
        max(latest - origin, 1),
    )
    return rows, _numbers(found, "lag") if late else None


def _columns_of(rollup: Rollup, group: list[Primitive]) -> list[str]:
    """The columns that a group of primitives reads."""
    names = {primitive.name for primitive in group}
    wanted = {SUMS[name] for name in names & SUMS.keys()}
    wanted |= {"value_actions"} if names & OF_VALUE else set()
    wanted |= {"events"} if names & (OF_WEEKS | {"top_user_events"}) else set()
    modules = {name for name in rollup.facts.sums if name.startswith("module:")}
    wanted |= modules if names & OF_MODULES else set()
    bits = words(rollup.columns) if names & OF_KINDS else []
    return sorted(rollup.column_of(name) for name in wanted) + bits


def _as_known(
    rows: Rows,
    lag: Ints | None,
    requests: Requests,
    rollup: Rollup,
    group: list[Primitive],
) -> dict[Primitive, Floats]:
    """Figures that use only what was known.

    Requests between a late row's day and its knowledge are computed without it, the others at once.
    """
    if lag is None or not lag.any():
        return compute(rows, requests, rollup, group)
    known = rows.day + lag
    dates = np.unique(requests.as_of)
    figures = {primitive: np.empty(len(requests)) for primitive in group}
    ahead = np.ones(len(requests), dtype=bool)
    for as_of in dates:
        missing = (rows.day < as_of) & (known >= as_of)
        if not missing.any():
            continue
        touched = np.zeros(rows.accounts, dtype=bool)
        touched[rows.account[missing]] = True
        asked = (requests.as_of == as_of) & touched[requests.account]
        ahead &= ~asked
        there = touched[rows.account] & (known < as_of)
        for primitive, figure in compute(
            rows.only(there), requests.only(asked), rollup, group
        ).items():
            figures[primitive][asked] = figure
    for primitive, figure in compute(rows, requests.only(ahead), rollup, group).items():
        figures[primitive][ahead] = figure
    return figures
