"""Primitives of measures: figures that are not events, such as storage, revenue or debt.

``measure_last('gb')`` is the latest known value, ``measure_sum('gb', 28)`` and
``measure_mean('gb', 28, 28)`` take windows as usage does.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from features.expression import Primitive

FUNCTIONS = frozenset({"measure_last", "measure_sum", "measure_mean"})


def build_measure(connection: duckdb.DuckDBPyConnection, primitives: Iterable[Primitive]) -> str:
    """Create ``measure_primitive``, one row per (account, as-of date), and return its name.

    An account without a row of the measure in a window has null: a measure is not an event, and
    no row does not mean zero.
    """
    columns = "".join(f", {_figure(p)} AS {p.column}" for p in sorted(primitives))
    connection.execute(
        f"""CREATE OR REPLACE TABLE measure_primitive AS
        SELECT row_account.account_id, row_account.as_of{columns}
        FROM row_account LEFT JOIN measures
          ON measures.account_id = row_account.account_id
         AND measures.day < row_account.as_of AND measures.known_day < row_account.as_of
        GROUP BY row_account.account_id, row_account.as_of"""
    )
    return "measure_primitive"


def _figure(primitive: Primitive) -> str:
    name = str(primitive.arguments[0]).replace("'", "''")
    if primitive.name == "measure_last":
        return f"max_by(value, (day, known_day, value)) FILTER (WHERE name = '{name}')"
    length, back = int(primitive.arguments[1]), int((*primitive.arguments, 0)[2])
    aggregate = "sum" if primitive.name == "measure_sum" else "avg"
    return (
        f"{aggregate}(value) FILTER (WHERE name = '{name}' "
        f"AND day < row_account.as_of - {back} AND day >= row_account.as_of - {back + length})"
    )
