"""What the configuration declares of the tables: a name that is nowhere is a slip, and said so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb

from features.errors import Problem
from features.settings import CompanySettings


def check_declarations(
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    columns: dict[str, frozenset[str]],
    slices: tuple[str, ...],
) -> list[Problem]:
    """Attributes, slices, measures and events of the configuration that the tables do not have.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds the tables and, with usage, ``event_kind``.
    settings : CompanySettings
    columns : dict of str to frozenset of str
        The columns that each table really has.
    slices : tuple of str
        Columns of accounts or contracts to report by.
    """
    reported = columns.get("accounts", frozenset()) | columns.get("contracts", frozenset())
    problems = [
        _unknown(f"slices.{name}", "is no column of accounts or contracts", reported)
        for name in slices
        if name not in reported
    ]
    problems += [
        _unknown(f"attributes.{key}", "is no column that a query returns", reported)
        for key in settings.attributes
        if not _is_there(key, columns)
    ]
    problems += _event_problems(connection, settings, columns)
    problems += _grid_problems(connection, settings, columns)
    return problems + list(_measure_problems(connection, settings, columns))


def _is_there(key: str, columns: dict[str, frozenset[str]]) -> bool:
    table, _, name = key.rpartition(".")
    tables = (table,) if table else ("accounts", "contracts")
    return any(name in columns.get(table, frozenset()) for table in tables)


def _event_problems(
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    columns: dict[str, frozenset[str]],
) -> list[Problem]:
    if "usage" not in columns:
        return []
    rows = connection.execute("SELECT event FROM event_kind ORDER BY event").fetchall()
    events = {str(row[0]) for row in rows}
    churn = settings.labels.churn
    watched = (churn.inactivity.events if churn and churn.inactivity else None) or ()
    problems = [
        _unknown(f"labels.churn.inactivity.events.{name}", "never occurs in usage", events)
        for name in watched
        if name not in events
    ]
    return problems + [
        _unknown(f"catalogue.{name}", "never occurs in usage", events, action="allow")
        for name in settings.catalogue
        if name not in events
    ]


def _grid_problems(
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    columns: dict[str, frozenset[str]],
) -> list[Problem]:
    """Say so when terms start on the as-of dates themselves, on which they are not known yet."""
    if "contracts" not in columns:
        return []
    grid = settings.time.as_of
    part = "day" if grid.every == "month" else "isodow"
    first = grid.first or date(2024, 1, 1)  # the 1st, and a Monday
    met = f"known_day = start_date AND date_part('{part}', start_date) = " + (
        str(first.day) if grid.every == "month" else str(first.isoweekday())
    )
    row = connection.execute(f"SELECT count(*) FILTER ({met}), count(*) FROM contracts").fetchone()
    if row is None or row[0] * 4 <= row[1]:
        return []
    rule = "is an as-of date for many terms, which are not known yet on that day"
    remedy = "return signed_at, or let time.as_of.first fall on another day"
    return [Problem("contracts", "start_date", rule, int(row[0]), (), remedy, "allow")]


def _measure_problems(
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    columns: dict[str, frozenset[str]],
) -> Iterator[Problem]:
    if "measures" not in columns:
        return
    rows = connection.execute("SELECT DISTINCT name FROM measures ORDER BY name").fetchall()
    found = {str(row[0]) for row in rows}
    for name in settings.measures:
        if name not in found:
            yield _unknown(f"measures.{name}", "never occurs in measures", found, action="allow")
    for name in sorted(found - set(settings.measures)):
        rule, remedy = "is not declared, so it gives no feature", "declare it under measures"
        yield Problem("measures", "name", rule, 0, (name,), remedy, "allow")


def _unknown(
    key: str, rule: str, there: set[str] | frozenset[str], *, action: str = "stop"
) -> Problem:
    listed = ", ".join(sorted(there)[:12]) or "nothing"
    return Problem("config", key, rule, remedy=f"there is {listed}", action=action)
