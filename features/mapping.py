"""From a company's queries to the data contract: names, kinds and days of what they return.

Each query becomes a view ``typed_<table>`` with the contract's columns, read as their kinds, and
``raw_<column>`` as they came; whatever does not fit is collected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import duckdb

from features.check import query_problem
from features.errors import Problem
from features.outcome_name import columns_read, states_outcome
from features.schema import SQL_TYPES, TABLES, Column, Table
from features.settings import COLUMN_NAME, CompanySettings
from features.total import LARGEST

# A text that a date became when a tool read it as a timestamp; an offset would follow it.
_WRITTEN_MIDNIGHT = r"\d{4}-\d{2}-\d{2}[T ]00:00(:00([.]0+)?)?"


def bind_tables(
    connection: duckdb.DuckDBPyConnection, settings: CompanySettings
) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    """The raw columns and their types by table, and what is wrong with the queries."""
    raw: dict[str, dict[str, str]] = {}
    problems: list[Problem] = []
    reserved = _reserved_words(connection)
    for name, query in settings.tables.items():
        try:
            kinds = [found.type for found in connection.extract_statements(query)]
            if kinds != [duckdb.StatementType.SELECT]:
                problems.append(_statement_problem(name, [kind.name for kind in kinds]))
                continue
            connection.execute(f"CREATE TEMP VIEW query_{name} AS {query.strip().rstrip(';')}")
            described = connection.execute(f"DESCRIBE query_{name}").fetchall()
        except duckdb.Error as error:
            problems.append(query_problem(name, error))
            continue
        types = {str(row[0]): str(row[1]) for row in described}
        found = _mapping_problems(TABLES[name], types, settings, reserved)
        found += _source_problems(name, query)
        problems += found
        if found:
            continue
        raw[name] = types
        create_typed_view(connection, TABLES[name], f"FROM query_{name}", types, settings)
    return raw, problems


def create_typed_view(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    query: str,
    types: dict[str, str],
    settings: CompanySettings,
) -> None:
    """Create ``typed_<table>``: a query's rows read as the contract's kinds, and as they came."""
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW typed_{table.name} AS "
        f"SELECT {typed_columns(table, types, settings)} FROM ({query}) AS query"
    )


def typed_columns(table: Table, types: dict[str, str], settings: CompanySettings) -> str:
    """The select list of a typed view over ``query``."""
    return ", ".join(
        f"{_typed(column, types[column.name], settings.time.zone)} AS {column.name}, "
        f'query."{column.name}" AS raw_{column.name}'
        for column in columns_of(table, types, settings)
    )


def _statement_problem(table: str, kinds: list[str]) -> Problem:
    """A query that does anything but read: several statements, or one that writes."""
    said = " and ".join(kinds) or "nothing"
    remedy = f"keep one SELECT in tables.{table}, and do the rest outside Keepwell"
    return Problem(table, "", f"its query must be one SELECT, but it is {said}", remedy=remedy)


def _reserved_words(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The words that DuckDB reads as a column's name only in quotes."""
    rows = connection.execute(
        "SELECT keyword_name FROM duckdb_keywords() "
        "WHERE keyword_category IN ('reserved', 'type_function')"
    ).fetchall()
    return frozenset(str(row[0]) for row in rows)


def _mapping_problems(
    table: Table, types: dict[str, str], settings: CompanySettings, reserved: frozenset[str]
) -> list[Problem]:
    problems = []
    agreements = table.name == "contracts" and settings.contracts.rows == "agreement"
    declared = {name.split(".")[-1] for name in settings.attributes}
    for column in table.columns:
        required = column.required or (agreements and column.name == "term_months")
        if required and column.name not in types:
            remedy = f"return it from tables.{table.name}; it returns {', '.join(sorted(types))}"
            problems.append(
                Problem(
                    table.name, column.name, "is a required column and is missing", remedy=remedy
                )
            )
    for name in types:
        if table.column(name) is not None:
            continue
        if states_outcome(name):
            rule = "states an outcome, which no feature may know"
            remedy = (
                "leave it out: an end is told by contract dates, as of when it was known; what was "
                "known beforehand and only sounds so needs another name"
            )
            problems.append(Problem(table.name, name, rule, remedy=remedy))
        elif name not in declared or table.name not in ("accounts", "contracts"):
            remedy = "leave it out of the query"
            if table.name in ("accounts", "contracts"):
                remedy += ", or declare it under attributes"
            problems.append(
                Problem(table.name, name, "is not a column of this table", remedy=remedy)
            )
        elif not COLUMN_NAME.fullmatch(name) or name.lower() in reserved:
            problems.append(_name_problem(table.name, name))
    return problems


def _source_problems(table: str, query: str) -> list[Problem]:
    """Columns under an innocent name that a query reads from an outcome."""
    remedy = "leave it out: an end is told by contract dates, as of when it was known"
    return [
        Problem(table, name, f"is read from {read}, which states an outcome", remedy=remedy)
        for name, read in columns_read(table, query)
    ]


def _name_problem(table: str, name: str) -> Problem:
    """An extra column whose name SQL reads only in quotes, and a name that it could have."""
    quoted = '"' + name.replace('"', '""') + '"'
    plain = "_".join(part for part in re.split(r"\W+", name.lower()) if part)
    better = plain if plain != name.lower() and COLUMN_NAME.fullmatch(plain) else f"its_{plain}"
    rule = "must be named by letters, digits and underscores, and by no reserved word of SQL"
    remedy = f"rename it in tables.{table}: {quoted} AS {better}, and declare that under attributes"
    return Problem(table, name, rule, remedy=remedy)


def columns_of(table: Table, types: Iterable[str], settings: CompanySettings) -> tuple[Column, ...]:
    """The contract's columns that are there, and the declared attributes among the others."""
    present = tuple(column for column in table.columns if column.name in set(types))
    if table.name == "contracts" and settings.contracts.rows == "agreement":
        present = tuple(
            replace(column, required=column.required or column.name == "term_months")
            for column in present
        )
    attributes = tuple(
        Column(name, "number" if spec.kind == "number" else "text")
        for key, spec in settings.attributes.items()
        if (name := key.split(".")[-1]) in types and table.column(name) is None
    )
    return present + attributes


def _typed(column: Column, raw_type: str, zone: str) -> str:
    """The SQL that reads a raw value as the contract's kind; null where it does not parse."""
    raw = f'query."{column.name}"'
    if column.kind == "date":
        return typed_day(raw, raw_type.upper(), zone)
    if column.kind in ("id", "text"):
        return f"NULLIF(TRIM(CAST({raw} AS VARCHAR)), '')"
    typed = f"TRY_CAST({raw} AS {SQL_TYPES[column.kind]})"
    if column.kind in ("number", "share"):
        return f"CASE WHEN abs({typed}) < {LARGEST} THEN {typed} END"
    return typed


def typed_day(raw: str, raw_type: str, zone: str) -> str:
    """A date as written; a timestamp as the local day.

    Without an offset a timestamp is in UTC, but at exactly midnight it is a date as written.
    """

    def local(moment: str) -> str:
        # ICU converts a few million rows a second: nothing to convert in UTC.
        if zone == "UTC":
            return f"CAST({moment} AS DATE)"
        return (
            f"CASE WHEN {moment} = date_trunc('day', {moment}) THEN CAST({moment} AS DATE) "
            f"ELSE CAST(timezone('{zone}', timezone('UTC', {moment})) AS DATE) END"
        )

    if raw_type == "DATE":
        return raw
    if raw_type.startswith("TIMESTAMP") and "WITH TIME ZONE" not in raw_type:
        return local(f"CAST({raw} AS TIMESTAMP)")
    if raw_type.startswith("TIMESTAMP"):
        return f"CAST(timezone('{zone}', {raw}) AS DATE)"
    text = f"NULLIF(TRIM(CAST({raw} AS VARCHAR)), '')"
    moment = f"timezone('{zone}', TRY_CAST({text} AS TIMESTAMPTZ))"
    return (
        f"CASE WHEN length({text}) <= 10 OR regexp_full_match({text}, '{_WRITTEN_MIDNIGHT}') "
        f"THEN TRY_CAST(left({text}, 10) AS DATE) "
        f"ELSE CAST({moment} AS DATE) END"
    )
