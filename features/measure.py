"""Primitives of measures: figures that are not events, such as storage, revenue or debt.

``measure_last('gb')`` is the latest known value, ``measure_age('gb')`` the days since then and
``measure_first('gb')`` those since the first; ``measure_sum('gb', 28)``, ``measure_mean('gb', 28,
28)`` and ``measure_max('gb', 182)`` take windows as usage does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from features.dialect import SqlEngine, quoted
from features.expression import Primitive
from features.total import exact_mean, exact_sum

_IN_WINDOW: Mapping[str, Callable[[str, str], str]] = {
    "measure_sum": exact_sum,
    "measure_mean": exact_mean,
    "measure_max": lambda value, chosen: f"max({value}) {chosen}",
}
_SINCE = {"measure_age": "max", "measure_first": "min"}
FUNCTIONS = frozenset({"measure_last", *_IN_WINDOW, *_SINCE})


def build_measure(connection: SqlEngine, primitives: Iterable[Primitive]) -> str:
    """Create ``measure_primitive``, one row per (account, as-of date), and return its name.

    An account without a row of the measure in a window has null: a measure is not an event, and
    no row does not mean zero.
    """
    wanted = sorted(primitives)
    last = [p for p in wanted if p.name == "measure_last"]
    columns = "".join(f", {_figure(p)} AS {p.column}" for p in wanted if p not in last)
    columns += "".join(f", max({p.column}.value) AS {p.column}" for p in last)
    joins = "".join(f" LEFT JOIN ({_latest(p)}) AS {p.column} USING (row_no)" for p in last)
    connection.execute(
        f"""CREATE OR REPLACE TABLE measure_primitive AS
        SELECT row_account.account_id, row_account.as_of{columns}
        FROM row_account LEFT JOIN measures
          ON measures.account_id = row_account.account_id
         AND measures.day < row_account.as_of AND measures.known_day < row_account.as_of
        {joins}
        GROUP BY row_account.account_id, row_account.as_of"""
    )
    return "measure_primitive"


def _named(primitive: Primitive) -> str:
    return f"name = {quoted(str(primitive.arguments[0]))}"


def _latest(primitive: Primitive) -> str:
    """The SQL of each row's latest known value; of several on a day the one known last."""
    return f"""SELECT row_no, value FROM row_account JOIN measures
          ON measures.account_id = row_account.account_id
         AND measures.day < row_account.as_of AND measures.known_day < row_account.as_of
        WHERE {_named(primitive)}
        QUALIFY row_number() OVER (
            PARTITION BY row_no ORDER BY day DESC, known_day DESC, value DESC) = 1"""


def _figure(primitive: Primitive) -> str:
    if primitive.name in _SINCE:
        day = f"{_SINCE[primitive.name]}(day) FILTER (WHERE {_named(primitive)})"
        return f"date_diff('day', {day}, row_account.as_of)"
    length, back = int(primitive.arguments[1]), int((*primitive.arguments, 0)[2])
    chosen = (
        f"FILTER (WHERE {_named(primitive)} "
        f"AND day < row_account.as_of - {back} AND day >= row_account.as_of - {back + length})"
    )
    return _IN_WINDOW[primitive.name]("measures.value", chosen)
