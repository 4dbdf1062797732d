"""Contract tables but usage, as known at the data's end, made from the typed queries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from features.schema import SQL_TYPES, TABLES, Column, Table
from features.settings import CompanySettings


def materialise(
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    table: Table,
    columns: Sequence[Column],
    end: date,
) -> None:
    """Create the table as known at ``end``: later rows are gone, later dates are null.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds the view ``typed_<table>``.
    settings : CompanySettings
    table : Table
    columns : sequence of Column
        Those that the company's query returns.
    end : date
        Exclusive.
    """
    names = [column.name for column in columns]
    known = f"coalesce({', '.join([*_known_dates(table, names), 'NULL::DATE'])})"
    kept = [name for name in names if name not in ("known_at", "ts")]
    selected = [_known_by(table, name, names, end) for name in kept]
    if "ts" in names:
        selected.append(f"{period_end(settings, 'ts')} AS day")
        known = f"greatest({period_end(settings, 'ts')}, {known})"
    with _in_order(connection, settings.tables[table.name]):
        connection.execute(
            f"CREATE TABLE {table.name} AS "
            f"SELECT * FROM (SELECT {', '.join(selected)}, CAST({known} AS DATE) AS known_day "
            f"FROM typed_{table.name}) WHERE known_day IS NULL OR known_day < DATE '{end}'"
        )
    if table.name == "contracts":
        _complete_contracts(connection, settings, kept, end)


@contextmanager
def _in_order(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[None]:
    """One thread while a query is read whose answer may depend on the order of the rows.

    What a company's own query adds up would otherwise differ between runs in the last digits, and
    of rows that its ``ORDER BY`` does not tell apart another one would come first.
    """
    if not depends_on_order(query):
        yield
        return
    threads = connection.execute("SELECT current_setting('threads')").fetchone()
    connection.execute("SET threads = 1")
    try:
        yield
    finally:
        connection.execute(f"SET threads = {threads[0] if threads else 1}")


def depends_on_order(query: str) -> bool:
    """Whether a query adds up, numbers or chooses rows, so that their order may show."""
    try:
        tree = sqlglot.parse_one(query, dialect="duckdb")
    except SqlglotError:  # DuckDB has read it: it may hold anything
        return True
    return tree.find(exp.AggFunc, exp.Window, exp.Distinct, exp.Limit, exp.Anonymous) is not None


def _known_dates(table: Table, names: Sequence[str]) -> list[str]:
    """The dates from which a row counts, the first that is not null."""
    return [name for name in ("known_at", *table.own_dates) if name in names]


def _known_by(table: Table, name: str, names: Sequence[str], end: date) -> str:
    """A column, null where its own date is not before the end."""
    column = table.column(name)
    if column is None or column.known_from not in names:
        return name
    return f"CASE WHEN {column.known_from} < DATE '{end}' THEN {name} END AS {name}"


def period_end(settings: CompanySettings, ts: str) -> str:
    """The SQL of a row's day: one that covers a period is dated by the last day it covers.

    Parameters
    ----------
    settings : CompanySettings
    ts : str
        SQL of the day that the row bears.
    """
    if settings.time.grain == "week":
        return f"(CAST(date_trunc('week', {ts}) AS DATE) + 6)"
    if settings.time.grain == "month":
        return f"last_day({ts})"
    return ts


def _complete_contracts(
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    names: Sequence[str],
    end: date,
) -> None:
    """Give ``contracts`` all its columns, ARR from MRR, a currency, and one row per term."""
    connection.execute("ALTER TABLE contracts RENAME TO contract_row")
    missing = [
        f"NULL::{SQL_TYPES[column.kind]} AS {column.name}"
        for column in TABLES["contracts"].columns
        if column.name not in names and column.name != "known_at"
    ]
    arr = {(True, True): "coalesce(arr, 12 * mrr)", (True, False): "arr", (False, True): "12 * mrr"}
    money = arr.get(("arr" in names, "mrr" in names), "NULL::DOUBLE")
    extra = f", {', '.join(missing)}" if missing else ""
    if "arr" in names:
        rows = f"SELECT * REPLACE ({money} AS arr){extra} FROM contract_row"
    else:
        extra = "".join(f", {column}" for column in missing if not column.endswith(" AS arr"))
        rows = f"SELECT *, {money} AS arr{extra} FROM contract_row"
    connection.execute(f"CREATE TABLE contract_full AS {rows}")
    query = (
        _terms_of_agreements(end)
        if settings.contracts.rows == "agreement"
        else "SELECT * FROM contract_full"
    )
    connection.execute(
        f"CREATE TABLE contracts AS SELECT * REPLACE "
        f"(coalesce(currency, '{settings.currency}') AS currency) FROM ({query})"
    )
    connection.execute("DROP TABLE contract_row; DROP TABLE contract_full")


def _terms_of_agreements(end: date) -> str:
    """Cut one auto-renewing row per agreement into terms of ``term_months``.

    Each later term renews the one before and is known the day before it starts, once the agreement
    is: it starts by itself. A row's agreed end and early end close the last term; one that would
    start on the very day of an early end has no length. Terms are made up to the one that runs at
    the data's end. A notice stands on every term: which one is the last is known only afterwards.
    """
    return f"""
    SELECT * EXCLUDE (term, last_start) REPLACE (
        contract_id || '#' || CAST(term + 1 AS VARCHAR) AS contract_id,
        CAST(start_date + to_months(CAST(term * term_months AS INTEGER)) AS DATE) AS start_date,
        least(CAST(start_date + to_months(CAST((term + 1) * term_months AS INTEGER)) AS DATE),
              end_date) AS end_date,
        CASE WHEN term > 0 THEN contract_id || '#' || CAST(term AS VARCHAR)
             ELSE renews END AS renews,
        coalesce(auto_renew, TRUE) AS auto_renew,
        CASE WHEN term = 0 THEN signed_at END AS signed_at,
        CASE WHEN CAST(start_date + to_months(CAST((term + 1) * term_months AS INTEGER)) AS DATE)
                  >= last_start THEN terminated_at END AS terminated_at,
        CASE WHEN term = 0 THEN known_day
             ELSE greatest(known_day, CAST(
                 start_date + to_months(CAST(term * term_months AS INTEGER)) AS DATE) - 1)
        END AS known_day)
    FROM (
        SELECT *, least(terminated_at, end_date, DATE '{end}') AS last_start,
               unnest(range(0, 1 + CAST(1200 / term_months AS INTEGER))) AS term
        FROM contract_full
    )
    WHERE term = 0
       OR (CAST(start_date + to_months(CAST(term * term_months AS INTEGER)) AS DATE) <= last_start
           AND CAST(start_date + to_months(CAST(term * term_months AS INTEGER)) AS DATE)
               < coalesce(end_date, DATE '9999-12-31'))"""
