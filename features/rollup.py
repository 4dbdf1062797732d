"""Rollups: usage by user, event, module and account and day, the only form in which it is kept.

Each row also says from which day it was known; rows that came late stand apart from the others of
their day. ``first`` is 1 on the row from which the key's day was known at all, else 0: its sum
counts days.
"""

from __future__ import annotations

import duckdb

from features.settings import CompanySettings

ROLLUPS = ("usage_of_user", "usage_of_event", "usage_of_module", "usage_of_account")


def build_rollups(
    connection: duckdb.DuckDBPyConnection, rows: str, columns: frozenset[str]
) -> None:
    """Create the rollups, and ``usage_user`` with a number for each user.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    rows : str
        Query of the typed usage rows with ``day`` and ``known_day``.
    columns : frozenset of str
        The columns that the company's usage has.
    """
    late = "known_at" in columns
    user = "user_id" if "user_id" in columns else "NULL::VARCHAR"
    events = "sum(coalesce(count, 1))" if "count" in columns else "count(*)"
    seconds = "sum(duration_s)" if "duration_s" in columns else "NULL"
    connection.execute(
        f"""CREATE TABLE usage_user AS
        SELECT account_id, user_id, CAST(row_number() OVER () AS INTEGER) AS user_no
        FROM (SELECT DISTINCT account_id, {user} AS user_id FROM ({rows})
              WHERE {user} IS NOT NULL)"""
    )
    connection.execute(
        f"""CREATE TABLE usage_of_user AS
        SELECT account_id, user_no, day, known_day, CAST({events} AS DOUBLE) AS events,
               {_first("account_id, user_no, day", late)} AS first
        FROM ({rows}) JOIN usage_user USING (account_id, user_id)
        GROUP BY account_id, user_no, day, known_day"""
        if "user_id" in columns
        else """CREATE TABLE usage_of_user (account_id VARCHAR, user_no INTEGER, day DATE,
            known_day DATE, events DOUBLE, first INTEGER)"""
    )
    connection.execute(
        f"""CREATE TABLE usage_of_event AS
        SELECT account_id, event, day, known_day, CAST({events} AS DOUBLE) AS events,
               CAST({seconds} AS DOUBLE) AS seconds, count(*) AS rows
        FROM ({rows}) GROUP BY ALL"""
    )


def complete_rollups(
    connection: duckdb.DuckDBPyConnection, settings: CompanySettings, *, late: bool
) -> None:
    """Create the rollups by module and by account from the one by event, and ``event_kind``.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    settings : CompanySettings
        For what each event is.
    late : bool
        Whether rows may have become known after their own day.
    """
    _build_event_kinds(connection, settings)
    connection.execute(
        f"""CREATE TABLE usage_of_module AS
        SELECT account_id, module, day, known_day,
               {_first("account_id, module, day", late)} AS first
        FROM usage_of_event JOIN event_kind USING (event)
        WHERE module IS NOT NULL GROUP BY account_id, module, day, known_day"""
    )
    connection.execute(
        f"""CREATE TABLE usage_of_account AS
        SELECT account_id, day, known_day, sum(events) AS events, sum(seconds) AS seconds,
               coalesce(sum(events) FILTER (WHERE value_action), 0) AS value_actions,
               {_first("account_id, day", late)} AS first
        FROM usage_of_event LEFT JOIN event_kind USING (event)
        GROUP BY account_id, day, known_day"""
    )


def _first(key: str, late: bool) -> str:
    if not late:
        return "1"
    return f"CAST(row_number() OVER (PARTITION BY {key} ORDER BY known_day) = 1 AS INTEGER)"


def _build_event_kinds(connection: duckdb.DuckDBPyConnection, settings: CompanySettings) -> None:
    """Number every event that occurs and say what the configuration knows of it."""
    connection.execute(
        "CREATE TABLE declared_event "
        "(event VARCHAR, module VARCHAR, core BOOLEAN, value_action BOOLEAN)"
    )
    rows = [
        (event, kind.module, kind.core, kind.value_action)
        for event, kind in settings.catalogue.items()
    ]
    if rows:
        connection.executemany("INSERT INTO declared_event VALUES ($1, $2, $3, $4)", rows)
    connection.execute(
        """CREATE TABLE event_kind AS
        SELECT event, CAST(row_number() OVER () AS INTEGER) AS event_no, module,
               coalesce(core, FALSE) AS core, coalesce(value_action, FALSE) AS value_action
        FROM (SELECT DISTINCT event FROM usage_of_event) LEFT JOIN declared_event USING (event)"""
    )
