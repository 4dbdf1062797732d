"""Reading a company's tables: one DuckDB query per contract table, typed and checked.

The queries are the user's; what comes back is read as the data contract says, and whatever does
not fit is collected, so that all problems of all tables are reported at once and before any work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from features.check import check_table, check_together, query_problem
from features.declaration import check_declarations
from features.errors import InputError, Problem
from features.extract import materialise, period_end
from features.progress import Progress, silent
from features.rollup import ROLLUPS, complete_rollups
from features.schema import OUTCOME_COLUMNS, SQL_TYPES, TABLES, Column, Table
from features.settings import COLUMN_NAME, CompanySettings

# Tables whose rows are dated by when they happened: they tell where the data ends.
_DATED = ("usage", "measures", "tickets", "surveys", "touchpoints", "invoices")
# A text that a date became when a tool read it as a timestamp; an offset would follow it.
_WRITTEN_MIDNIGHT = r"\d{4}-\d{2}-\d{2}[T ]00:00(:00([.]0+)?)?"


@dataclass(frozen=True)
class Source:
    """The contract tables of a company, typed, in a DuckDB connection.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds one table per contract table that the company has, each with ``known_day``.
    settings : CompanySettings
    data_end : date
        Exclusive: what is dated on or after it is not in the tables.
    columns : dict of str to frozenset of str
        The columns that each table really has.
    notices : tuple of Problem
        What was quarantined or allowed.
    """

    connection: duckdb.DuckDBPyConnection
    settings: CompanySettings
    data_end: date
    columns: dict[str, frozenset[str]]
    notices: tuple[Problem, ...] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables in the connection that hold the company's data."""
        kept = set(self.columns) - {"usage"}
        return tuple(sorted(kept | set(ROLLUPS if "usage" in self.columns else ())))

    def has(self, table: str, *columns: str) -> bool:
        """Whether the company has this table with all these columns."""
        return table in self.columns and set(columns) <= self.columns[table]


def open_source(
    settings: CompanySettings,
    *,
    spill: Path,
    memory_limit: str = "1500MB",
    data_end: date | None = None,
    slices: tuple[str, ...] = (),
    progress: Progress = silent,
) -> Source:
    """The company's tables as of ``data_end``, read, typed and checked.

    Parameters
    ----------
    settings : CompanySettings
        Queries with their placeholders already filled in.
    spill : Path
        Folder where DuckDB may write what does not fit into memory.
    memory_limit : str
        DuckDB's own limit.
    data_end : date, optional
        Exclusive; before the end that the configuration gives or the rows show.
    slices : tuple of str
        Columns of accounts or contracts to report by; they must be there.
    progress : callable
        Called with one line per table.

    Raises
    ------
    InputError
        With every problem of every table.
    """
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET memory_limit = '{memory_limit}'")
    spill.mkdir(parents=True, exist_ok=True)
    connection.execute("SET temp_directory = $1", [str(spill)])
    raw, problems = _bind(connection, settings)
    broken = {problem.table for problem in problems}
    for name in sorted(raw.keys() - broken):
        progress(f"checking {name}")
        problems += check_table(connection, columns_of(TABLES[name], raw[name], settings), name)
    if any(problem.action == "stop" for problem in problems):
        raise InputError(problems)
    last = settings.time.data_end or _last_day(connection, raw, settings)
    if data_end is not None and data_end > last:
        rule = f"{data_end} is after the data's end, {last}: who is silent since would look lost"
        problems.append(Problem("--as-of", "", rule, remedy=f"give at most {last}"))
        raise InputError(problems)
    end = data_end or last
    for name, columns in raw.items():
        progress(f"reading {name}")
        table = TABLES[name]
        try:
            materialise(connection, settings, table, columns_of(table, columns, settings), end)
        except duckdb.Error as error:  # a column that no check reads is computed here first
            problems.append(query_problem(name, error))
    if any(problem.action == "stop" for problem in problems):
        raise InputError(problems)
    problems += check_together(connection, settings, raw)
    if "usage" in raw:
        complete_rollups(connection, settings, late="known_at" in raw["usage"])
    columns_by_table = {name: frozenset(columns) for name, columns in raw.items()}
    problems += check_declarations(connection, settings, columns_by_table, slices)
    if any(problem.action == "stop" for problem in problems):
        raise InputError(problems)
    return Source(connection, settings, end, columns_by_table, tuple(problems))


def _bind(
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
        problems += found
        if found:
            continue
        raw[name] = types
        selected = [
            f"{_typed(column, types[column.name], settings.time.zone)} AS {column.name}, "
            f'query."{column.name}" AS raw_{column.name}'
            for column in columns_of(TABLES[name], types, settings)
        ]
        connection.execute(
            f"CREATE TEMP VIEW typed_{name} AS SELECT {', '.join(selected)} "
            f"FROM query_{name} AS query"
        )
    return raw, problems


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
        if name.lower() in OUTCOME_COLUMNS:
            rule = "states an outcome, which no feature may know"
            remedy = "leave it out: an end is told by contract dates, as of when it was known"
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
        return _typed_day(raw, raw_type.upper(), zone)
    if column.kind in ("id", "text"):
        return f"NULLIF(TRIM(CAST({raw} AS VARCHAR)), '')"
    typed = f"TRY_CAST({raw} AS {SQL_TYPES[column.kind]})"
    if column.kind in ("number", "share"):
        return f"CASE WHEN isfinite({typed}) THEN {typed} END"
    return typed


def _typed_day(raw: str, raw_type: str, zone: str) -> str:
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


def _last_day(
    connection: duckdb.DuckDBPyConnection,
    raw: dict[str, dict[str, str]],
    settings: CompanySettings,
) -> date:
    """The day after the last known row, never after today.

    Contracts count only when nothing else is dated: terms may be written long before they start.
    """
    names = [name for name in _DATED if name in raw] or ["contracts"]
    today = datetime.now(UTC).date()
    days = []
    for name in names:
        own = next(day for day in reversed(TABLES[name].own_dates) if day in raw[name])
        own = period_end(settings) if own == "ts" else own
        found = connection.execute(f"SELECT max({own}) FROM typed_{name}").fetchone()
        days += [found[0]] if found and found[0] is not None else []
    return min(max(days, default=today) + timedelta(days=1), today)
