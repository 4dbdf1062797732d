"""Primitives of usage: what an account did before the as-of date.

Most take the length of a window in days and, if wanted, how many days before the as-of date it
ends: ``events(28)`` is the last four weeks, ``events(28, 28)`` the four before. An event on the
as-of date is in no window. A row that was known late counts from the day after it was known.
DuckDB reads the rollup, NumPy computes the windows; ``usage_sql.py`` is the same for Spark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    OF_SPAN,
    OF_USERS,
    OF_VALUE,
    OF_WEEKS,
    SUMS,
    compute,
    reach_of,
)
from features.rollup import Facts, words
from features.rollup_reader import Rollup
from features.roster import Share, cut_accounts, read_roster
from features.settings import CompanySettings

__all__ = ["COUNTS_DAYS", "FUNCTIONS", "NEEDS_USER", "build_usage", "facts_of"]
NEEDS_USER = OF_USERS
COUNTS_DAYS = frozenset({"active_days", "user_days", "longest_silence"})
# A slice's rows, and a quarter of its accounts' days, fit a processor's cache.
_SLICE_ROWS, _DAYS_A_ROW = 1 << 18, 4


def facts_of(primitives: Iterable[Primitive], settings: CompanySettings) -> Facts:
    """What a rollup must hold for these primitives and for the labels."""
    names = {primitive.name for primitive in primitives}
    churn = settings.labels.churn
    watched = churn is not None and churn.inactivity is not None and churn.inactivity.events
    reports = any(kind.report for kind in settings.catalogue.values())
    modules = sorted({k.module for k in settings.catalogue.values() if k.module is not None})
    sums = ["value_actions"] if names & {"value_actions", *OF_VALUE} else []
    sums += ["views"] if "views" in names else []
    told = modules if names & OF_MODULES else []
    sums += [f"module:{module}" for module in told]
    viewed = {kind.module for kind in settings.catalogue.values() if kind.view}
    # Read by boards alone, so that it is no reason to hold the modules.
    sums += [f"views:{module}" for module in told if module in viewed and "views" in names]
    kinds = bool(names & OF_KINDS or watched or reports)
    times = [f"time:{module}" for module in told] if "seconds" in names else []
    return Facts("seconds" in names, "sessions" in names, kinds, tuple(sums), tuple(times))


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
    for row_no, figures in _shares(connection, rollup, wanted, memory):
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


def _shares(
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
    roster = read_roster(connection, rollup, earliest=earliest)
    begin = earliest if rollup.first_day is None else min(rollup.first_day, earliest)
    of_past = OF_HISTORY if roster.span is None else OF_HISTORY - OF_SPAN
    groups = _groups(wanted, of_past, begin, earliest, latest)
    rows = np.diff(roster.first) * rollup.rows_a_user(connection)
    part = {origin: (latest - origin + 1) / (latest - begin + 1) for origin, _ in groups}
    widest = max(part[origin] * (4 + len(_columns_of(rollup, group))) for origin, group in groups)
    weight = 8 * widest * rows + 16 * len(wanted) * asked_for / roster.accounts
    for first, end in cut_accounts(weight, memory):
        row_no, asked = _read_requests(connection, first, end)
        figures: dict[Primitive, Floats] = {}
        for origin, group in groups:
            small = part[origin] * (rows[first:end] + (latest - begin + 1) / _DAYS_A_ROW)
            slices = [(first + a, first + b) for a, b in cut_accounts(small, _SLICE_ROWS)]
            columns = _columns_of(rollup, group)
            share = Share(connection, rollup, roster, slices, (origin, latest), columns)
            figures |= _figures(share, asked, rollup, group)
        yield row_no, figures


def _figures(
    share: Share, asked: Requests, rollup: Rollup, group: list[Primitive]
) -> dict[Primitive, Floats]:
    """The figures of a share, one slice after the other; ``asked`` counts days since 1970-01-01."""
    figures = {primitive: np.empty(len(asked)) for primitive in group}
    for number, (first, end) in enumerate(share.slices):
        chosen = slice(*np.searchsorted(asked.account, (first, end)))
        requests = Requests(
            asked.account[chosen] - first,
            asked.as_of[chosen] - share.origin,
            asked.start[chosen] - share.origin,
        )
        rows, lag = share.rows(number)
        for primitive, figure in _as_known(rows, lag, requests, rollup, group).items():
            figures[primitive][chosen] = figure
    return figures


def _groups(
    wanted: list[Primitive], of_past: frozenset[str], begin: int, earliest: int, latest: int
) -> list[tuple[int, list[Primitive]]]:
    """The primitives that read all days, and those that read the last ones, each with its first."""
    past = [primitive for primitive in wanted if primitive.name in of_past]
    recent = [primitive for primitive in wanted if primitive.name not in of_past]
    reach = max((reach_of(primitive) for primitive in recent), default=0)
    later = max(begin, earliest - reach)
    if later - begin <= (latest - begin) // 4:  # reading the rows twice would cost more
        return [(begin, wanted)]
    return [(origin, group) for origin, group in ((begin, past), (later, recent)) if group]


def _numbers(found: dict[str, Any], name: str) -> Ints:  # Any: what DuckDB's fetchnumpy gives
    return np.asarray(found[name], dtype=np.int64)


def _read_requests(
    connection: duckdb.DuckDBPyConnection, first: int, end: int
) -> tuple[Ints, Requests]:
    found = connection.execute(
        f"""SELECT row_no, account,
                   date_diff('day', DATE '1970-01-01', as_of) AS as_of,
                   CAST(date_diff('day', DATE '1970-01-01', started) AS DOUBLE) AS start
            FROM row_account JOIN usage_account USING (account_id)
            WHERE account >= {first} AND account < {end} ORDER BY account, as_of"""
    ).fetchnumpy()
    start = np.ma.filled(np.ma.asarray(found["start"], dtype=np.float64), np.nan)
    requests = Requests(_numbers(found, "account"), _numbers(found, "as_of"), start)
    return _numbers(found, "row_no"), requests


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
