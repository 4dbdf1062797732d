"""PostgreSQL as a source: the tables that the queries name, each read once, all as of one moment.

``attach: {crm: postgresql://...}`` lets the queries read ``crm.SCHEMA.TABLE``. Apache's ADBC driver
streams the rows into DuckDB within one read-only transaction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from urllib.parse import parse_qsl, unquote, urlsplit

import adbc_driver_postgresql.dbapi as adbc
import duckdb
import pyarrow as pa

from features.attachment import AttachedTable, Wanted, wanted_tables
from features.errors import InputError, Problem
from features.progress import Progress, silent

CONNECT_SECONDS = 10
_LOCK_SECONDS = 30
# A server that vanishes in the middle of a table is noticed after a minute.
_CONNECTION = {
    "connect_timeout": str(CONNECT_SECONDS),
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "application_name": "keepwell",
}
# libpq quotes parts of a URL that it misreads, passwords too, so none of that gets there.
_URL = re.compile(
    r"postgres(ql)?://"
    r"([^:@/?#\s]*(:[^:@/?#\s]*)?@)?"  # user and password
    r"(\[[^\]@/?#\s]+\]|[^:@/?#\s\[\]]*)(:\d+)?(,[^@/?#\s]*)?"  # host and port, perhaps several
    r"(/[^@/?#\s]*)?(\?[^@#\s]*)?"
)
# As they come, by PostgreSQL's name. What is in none of these lists comes as text.
_NATIVE = frozenset(
    {"bool", "int2", "int4", "int8", "float4", "float8", "text", "varchar", "name", "uuid"}
    | {"json", "jsonb", "time", "interval", "bytea"}
    | {"_bool", "_int2", "_int4", "_int8", "_float4", "_float8", "_text", "_varchar"}
)
_MOMENTS = frozenset({"date", "timestamp", "timestamptz"})
_PASSWORDS = ("password", "sslpassword")
_SAID = re.compile(r"\b(?:ERROR|FATAL):\s+(.*)")
# Column to PostgreSQL's expression for it, and the type to which DuckDB is to cast it, if any.
Selection = dict[str, tuple[str, str]]


def attach_databases(
    connection: duckdb.DuckDBPyConnection,
    attach: Mapping[str, str],
    queries: Mapping[str, str],
    *,
    progress: Progress = silent,
) -> None:
    """Copy the attached tables that the queries name, so that DuckDB reads them by the same names.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Gets one database per name in ``attach``; what does not fit into memory spills to its
        temporary folder.
    attach : mapping of str to str
        Name to ``postgresql://`` URL, filled in.
    queries : mapping of str to str
        Contract table to its query.
    progress : callable
        Called with one line per table, after which the table is read.

    Raises
    ------
    InputError
        When a URL, a server, a login, a table or a value cannot be read, by ``attach.NAME``; no
        password is in it.
    """
    wanted, problems = wanted_tables(frozenset(attach), queries)
    problems += [problem for name, url in attach.items() for problem in _url_problems(name, url)]
    if problems:
        raise InputError(problems)
    for name, url in attach.items():
        connection.execute(f"ATTACH ':memory:' AS {_quoted(name)} (COMPRESS)")
        tables = {table: columns for table, columns in wanted.items() if table.attachment == name}
        if tables:
            problems += _copy_tables(connection, name, url, tables, progress)
    if problems:
        raise InputError(problems)


def _url_problems(name: str, url: str) -> list[Problem]:
    if _URL.fullmatch(url):
        return []
    rule = "must be a URL such as postgresql://user:password@host:5432/database"
    remedy = "write other characters than letters and digits in a password as %40 for @ and so on"
    return [Problem("config", f"attach.{name}", rule, remedy=remedy)]


def _copy_tables(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    url: str,
    tables: Wanted,
    progress: Progress,
) -> list[Problem]:
    """Read the tables in one transaction; all are looked at before the first is read."""
    doing = "cannot be opened"
    try:
        with closing(adbc.connect(_with_defaults(url))) as server, closing(server.cursor()) as rows:
            rows.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            rows.execute(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
            selections, faults = _look_at_tables(server, rows, tables)
            for table, selection in ({} if faults else selections).items():
                doing = f"{table} cannot be read"
                progress(f"reading {table}")
                _copy_table(connection, rows, table, selection)
            server.rollback()
    except (adbc.Error, duckdb.Error, pa.ArrowException, OSError) as error:
        faults = {doing: error}
    return [_fault_problem(what, name, url, error) for what, error in faults.items()]


def _look_at_tables(
    server: adbc.Connection, rows: adbc.Cursor, tables: Wanted
) -> tuple[dict[AttachedTable, Selection], dict[str, Exception]]:
    """What to read of each table, and what is wrong with those that cannot be read."""
    selections: dict[AttachedTable, Selection] = {}
    faults: dict[str, Exception] = {}
    for table, columns in tables.items():
        try:
            schema = rows.adbc_execute_schema(f"SELECT * FROM {_place(table)}")
        except adbc.Error as error:
            faults[f"{table} cannot be read"] = error
            server.rollback()
        else:
            selections[table] = _select_columns(schema, columns)
    return selections, faults


def _select_columns(schema: pa.Schema, columns: frozenset[str] | None) -> Selection:
    """The columns to read, at least one."""
    fields = [field for field in schema if columns is None or field.name.lower() in columns]
    return {field.name: _conversion(field) for field in fields or list(schema)[:1]}


def _conversion(field: pa.Field) -> tuple[str, str]:
    """PostgreSQL's expression for a column, and DuckDB's type where it is to be cast.

    A date that is infinite and a fixed-point number that is NaN are null: there is no such day and
    no such amount.
    """
    column, metadata = _quoted(field.name), field.metadata or {}
    kind = metadata.get(b"POSTGRESQL:type", b"").decode()
    if kind in _NATIVE:
        return column, ""
    if kind in _MOMENTS:
        return f"CASE WHEN isfinite({column}) THEN {column} END", ""
    if kind == "numeric":
        return _number(column, int(metadata.get(b"POSTGRESQL:typmod", b"-1")))
    if kind == "money":
        return f"CAST(CAST({column} AS numeric) AS text)", "DECIMAL(19, 2)"
    if kind == "oid":
        return f"CAST({column} AS int8)", ""
    return f"CAST({column} AS text)", ""


def _number(column: str, modifier: int) -> tuple[str, str]:
    """A ``numeric`` column: exact where it has a precision, else a floating-point number.

    ``modifier`` holds precision and scale as PostgreSQL packs them, -1 for none.
    """
    precision, scale = (modifier - 4) >> 16, ((modifier - 4) & 0x7FF ^ 1024) - 1024
    if modifier < 0 or not 0 <= scale <= precision <= 38:
        return f"CAST({column} AS float8)", ""
    return f"CAST(NULLIF({column}, 'NaN') AS text)", f"DECIMAL({precision}, {scale})"


def _copy_table(
    connection: duckdb.DuckDBPyConnection,
    rows: adbc.Cursor,
    table: AttachedTable,
    selection: Selection,
) -> None:
    given = ", ".join(f"{sql} AS {_quoted(name)}" for name, (sql, _) in selection.items())
    kept = ", ".join(
        f"CAST({_quoted(name)} AS {kind}) AS {_quoted(name)}" if kind else _quoted(name)
        for name, (_, kind) in selection.items()
    )
    rows.execute(f"SELECT {given} FROM {_place(table)}")
    connection.register("attached_rows", rows.fetch_record_batch())
    try:
        home = f"{_quoted(table.attachment)}.{_quoted(table.schema)}"
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {home}")
        connection.execute(
            f"CREATE TABLE {home}.{_quoted(table.table)} AS SELECT {kept} FROM attached_rows"
        )
    finally:
        connection.unregister("attached_rows")


def _with_defaults(url: str) -> str:
    """The URL with a time limit and our name, where it says nothing else."""
    given = dict(parse_qsl(urlsplit(url).query))
    added = "&".join(f"{key}={value}" for key, value in _CONNECTION.items() if key not in given)
    base = url if urlsplit(url).path or "?" in url else f"{url}/"
    return f"{base}{'&' if '?' in url else '?'}{added}"


def _fault_problem(what: str, name: str, url: str, error: Exception) -> Problem:
    """What the server or the network said, in one line and without the password."""
    said = " ".join(str(error).partition("\nLINE ")[0].partition("Query was:")[0].split())
    said = found[1] if (found := _SAID.search(said)) else said
    split = urlsplit(url)
    query = dict(parse_qsl(split.query))
    for secret in (url, split.password, *(query.get(key) for key in _PASSWORDS)):
        for spelling in {secret, unquote(secret)} if secret else ():
            said = said.replace(spelling, "***")
    remedy = "look at the URL, the server and what the login may read"
    return Problem("config", f"attach.{name}", f"{what}: {said}", remedy=remedy)


def _place(table: AttachedTable) -> str:
    return f"{_quoted(table.schema)}.{_quoted(table.table)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
