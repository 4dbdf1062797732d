"""Contract tables as they were known before one date, whatever else the connection holds."""

from __future__ import annotations

from datetime import date

from features.schema import SQL_TYPES, TABLES
from features.source import Source

# Without known_at a plan counts from its own date, or from the day it was reached: see
# ``features.milestone``.
_MILESTONE_KNOWN = "coalesce(known_day, least(planned_at, reached_at)) < DATE '{as_of}'"
_KNOWN = "known_day < DATE '{as_of}'"
_UNDATED = "(known_day IS NULL OR known_day < DATE '{as_of}')"


def known_rows(source: Source, table: str, as_of: date) -> str:
    """The SQL of a contract table as known before a date.

    It has every column of the contract, ``day`` in place of ``ts``: null where the company has
    none, and where its own date is not before the date asked. Of accounts and users only the
    latest version is there.

    Parameters
    ----------
    source : Source
        Has the table.
    table : str
        Any but usage.
    as_of : date
        Exclusive.
    """
    contract = TABLES[table]
    columns = [
        _column(source, table, column.name, column.known_from, SQL_TYPES[column.kind], as_of)
        for column in contract.columns
        if column.name != "known_at"
    ]
    known = _UNDATED if contract.versioned else _KNOWN
    known = _MILESTONE_KNOWN if table == "milestones" else known
    inner = f"SELECT {', '.join(columns)}, known_day FROM {table}"
    latest = (
        f" QUALIFY row_number() OVER (PARTITION BY {', '.join(contract.key)} "
        "ORDER BY known_day DESC NULLS LAST) = 1"
        if contract.versioned
        else ""
    )
    return f"(SELECT * FROM ({inner}) WHERE {known.format(as_of=as_of)}{latest})"


def _column(
    source: Source, table: str, name: str, known_from: str, sql_type: str, as_of: date
) -> str:
    if not source.has(table, name):
        return f"CAST(NULL AS {sql_type}) AS {name}"
    if name == "ts":
        return "day"
    if known_from and source.has(table, known_from):
        return f"CASE WHEN {known_from} < DATE '{as_of}' THEN {name} END AS {name}"
    return name
