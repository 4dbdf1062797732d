"""Columns whose values tell who ended: set at the end, filled after it, or emptied by it.

Compared are the customers that ended with those that still run, each by what the tables say today.
A column that parts the two was written once the outcome was known, whatever it is called, and on an
earlier as-of date no feature may know it. What separates old contracts from young ones does not
count: the earlier contracts of a customer that still runs stand on its side.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import duckdb

from features.attribute import BUILT_IN
from features.errors import Problem
from features.family import is_constant
from features.schema import TABLES
from features.settings import CompanySettings
from features.term import FOREVER

LEAST = 20  # customers of either side
LEAST_OF_VALUE = 10
PURE = 0.98
NEARLY_ALL = 0.95
RARELY = 0.02
# Of those that ended; an exit survey is not answered by everyone.
LEAST_FILLED = 0.2
MOST_AUC = 0.99
_SHOWN = 3


class Sides(NamedTuple):
    """How a column stands with those that ended and those that run.

    Rows of each side, and of these the filled ones, those with a value that (nearly) only its own
    side has, and the AUC of a number among the filled, NaN or None for what is none.
    """

    ended: int
    kept: int
    ended_filled: int
    kept_filled: int
    ended_pure: int
    kept_pure: int
    auc: float | None


def check_outcomes(
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    columns: dict[str, frozenset[str]],
    end: date,
) -> list[Problem]:
    """The columns of accounts and contracts that tell who ended.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds the tables as known at the data's end and, with usage, ``usage_day``.
    settings : CompanySettings
    columns : dict of str to frozenset of str
        The columns that each table really has.
    end : date
        Exclusive end of the data.
    """
    wanted = list(_candidates(settings, columns))
    if not wanted or not _build_sides(connection, settings, columns, end):
        return []
    problems = []
    for table, name in wanted:
        values = _values(table, name, settings)
        sides = _sides(connection, values, number=_is_number(table, name, settings))
        rule = _rule(sides, agreed=name == "end_date")
        if rule is None:
            continue
        remedy = f"leave it out of tables.{table}, or give each value the known_at of its day"
        if name == "end_date":
            remedy = "return it AS terminated_at: end_date is what was agreed beforehand"
        shown = _examples(connection, values)
        problems.append(
            Problem(table, name, rule, sides.ended, shown, remedy, settings.checks.outcome)
        )
    return problems


def _candidates(
    settings: CompanySettings, columns: dict[str, frozenset[str]]
) -> Iterator[tuple[str, str]]:
    """Table and column of all that may become a feature as it stands, and the agreed end."""
    for table, own in (("accounts", set(BUILT_IN)), ("contracts", _contract_columns())):
        declared = {
            name
            for key in settings.attributes
            for given, _, name in [key.rpartition(".")]
            if given in ("", table)
        }
        for name in sorted((own | declared) & columns.get(table, frozenset())):
            yield table, name


def _contract_columns() -> set[str]:
    kinds = ("text", "number", "flag")
    return {c.name for c in TABLES["contracts"].columns if c.kind in kinds} | {"end_date"}


def _build_sides(
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    columns: dict[str, frozenset[str]],
    end: date,
) -> bool:
    """Create ``side``: each account that ended or still runs; False when there are too few.

    By contracts where the label reads them, else by the last use; who is in grace is on no side.
    """
    churn = settings.labels.churn
    silence = churn.inactivity if churn is not None and "inactivity" in churn.by else None
    by_contract = settings.labels.renewal is not None or (
        churn is not None and "contract" in churn.by
    )
    if "contracts" in columns and by_contract:
        wait, least = settings.grace_days, 0
        ends = f"least(coalesce(end_date, {FOREVER}), coalesce(terminated_at, {FOREVER}))"
        last = f"SELECT account_id, max({ends}) AS last_day FROM contracts"
    elif "usage" in columns and silence is not None:
        wait = least = silence.silent_days
        last = "SELECT account_id, max(day) + 1 AS last_day FROM usage_day"
    else:
        return False
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE side AS
        SELECT account_id, last_day + {wait} < DATE '{end}' AS ended
        FROM ({last} GROUP BY account_id)
        WHERE last_day + {wait} < DATE '{end}' OR last_day + {least} >= DATE '{end}'"""
    )
    row = connection.execute(
        "SELECT count(*) FILTER (ended), count(*) FILTER (NOT ended) FROM side"
    ).fetchone()
    return row is not None and min(row) >= LEAST


def _values(table: str, name: str, settings: CompanySettings) -> str:
    """The SQL of ``value`` and ``ended``: what a column says of each side.

    Of an account its first version, since what comes later has a day of its own; the last one of
    what is declared constant. Of contracts the last one of who ended, and all of who runs.
    """
    if table == "accounts":
        order = "DESC NULLS LAST" if is_constant(table, name, settings) else "NULLS FIRST"
        return f"""SELECT {name} AS value, ended FROM accounts JOIN side USING (account_id)
            QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY known_day {order}) = 1"""
    # Agreements are cut into terms that all have an end: what the query gave is in the typed view.
    table = "typed_contracts" if name == "end_date" else table
    return f"""SELECT {name} AS value, ended FROM {table} JOIN side USING (account_id)
        QUALIFY NOT ended OR row_number() OVER (
            PARTITION BY account_id ORDER BY start_date DESC, contract_id DESC) = 1"""


def _sides(connection: duckdb.DuckDBPyConnection, values: str, *, number: bool) -> Sides:
    row = connection.execute(
        f"""WITH given AS MATERIALIZED ({values}),
        counted AS (
            SELECT value, count(*) FILTER (ended) AS ended, count(*) FILTER (NOT ended) AS kept
            FROM given GROUP BY value),
        pure AS (
            SELECT *, ended + kept >= {LEAST_OF_VALUE} AS enough,
                   ended / (ended + kept) AS share FROM counted)
        SELECT sum(ended), sum(kept), sum(ended) FILTER (value IS NOT NULL),
               sum(kept) FILTER (value IS NOT NULL),
               sum(ended) FILTER (enough AND share >= {PURE}),
               sum(kept) FILTER (enough AND share <= {1 - PURE}) FROM pure"""
    ).fetchone()
    counts = [int(value or 0) for value in row or [0] * 6]
    auc = _auc(connection, values) if number else None
    return Sides._make([*counts, auc])


def _is_number(table: str, name: str, settings: CompanySettings) -> bool:
    column = TABLES[table].column(name)
    if column is not None:
        return column.kind in ("number", "share")
    spec = settings.attributes.get(name) or settings.attributes[f"{table}.{name}"]
    return spec.kind == "number"


def _auc(connection: duckdb.DuckDBPyConnection, values: str) -> float | None:
    """How well a number ranks who ended, either way up; None where a side has too few values."""
    row = connection.execute(
        f"""WITH given AS ({values}),
        ranked AS (
            SELECT ended, rank() OVER (ORDER BY value)
                   + (count(*) OVER (PARTITION BY value) - 1) / 2.0 AS place
            FROM given WHERE value IS NOT NULL)
        SELECT count(*) FILTER (ended), count(*) FILTER (NOT ended), sum(place) FILTER (ended)
        FROM ranked"""
    ).fetchone()
    if row is None or min(row[0], row[1]) < LEAST:
        return None
    ended, kept, places = int(row[0]), int(row[1]), float(row[2])
    auc = (places - ended * (ended + 1) / 2) / (ended * kept)
    return max(auc, 1.0 - auc)


def _rule(sides: Sides, *, agreed: bool) -> str | None:
    """What is wrong with a column, in words; None when it parts nothing.

    An end that was ``agreed`` lies in the past for who ended, which is no fault; that only who
    ended has one is.
    """
    if min(sides.ended, sides.kept) < LEAST:
        return None
    of_ended = sides.ended_filled / sides.ended
    of_kept = sides.kept_filled / sides.kept
    shares = (
        f"{100 * of_ended:.0f} % of those that ended and {100 * of_kept:.0f} % of those that run"
    )
    filled = sides.ended_filled + sides.kept_filled
    only_after = of_ended >= LEAST_FILLED and of_kept <= RARELY and sides.ended_filled >= LEAST
    if only_after and sides.ended_filled >= PURE * filled:
        return f"appears only after the end: it is filled for {shares}"
    if agreed:
        return None
    if of_ended <= 1 - NEARLY_ALL and of_kept >= NEARLY_ALL:
        return f"is filled only for who still runs: {shares}"
    pure = (sides.ended_pure / sides.ended, sides.kept_pure / sides.kept)
    if min(pure) >= NEARLY_ALL:
        return (
            f"equals the label: its values tell {100 * pure[0]:.0f} % of those that ended and "
            f"{100 * pure[1]:.0f} % of those that run"
        )
    half = 2 * sides.ended_filled >= sides.ended and 2 * sides.kept_filled >= sides.kept
    if half and sides.auc is not None and sides.auc >= MOST_AUC:
        return f"equals the label: it ranks who ended with an AUC of {sides.auc:.3f}"
    return None


def _examples(connection: duckdb.DuckDBPyConnection, values: str) -> tuple[str, ...]:
    """The values that most of those that ended have, with how many of all that have them."""
    rows = connection.execute(
        f"""SELECT coalesce(CAST(value AS VARCHAR), 'empty'), count(*) FILTER (ended), count(*)
        FROM ({values}) GROUP BY value ORDER BY 2 DESC, 1 LIMIT {_SHOWN}"""
    ).fetchall()
    return tuple(f"{value} ({ended} of {every} ended)" for value, ended, every in rows if ended)
