"""Rows that break a rule and are taken away: kept as they came, with the rule and the reason."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import duckdb

from features.errors import InputError, Problem
from features.rule import Rule

_PREFIX = "quarantine_of_"
# Usage is kept by user and day, and so it is in quarantine.
USAGE_COLUMNS = "account_id, user_id, day, known_day, events"
REASON, RULE = "quarantine_reason", "quarantine_rule"


def keep_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    relation: str,
    condition: str,
    *,
    rule: str,
    reason: str,
) -> None:
    """Put rows of a typed relation into the table's quarantine, with the values as they came.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    table : str
        The contract table; ``usage_day`` for usage by user and day.
    relation : str
        Has ``raw_<column>`` for each column of the company's query; one without has typed values
        only, which are kept then.
    condition : str
        SQL that says which rows.
    rule : str
        SQL of the key under ``checks`` that sent a row away.
    reason : str
        SQL of what is wrong with a row, in words.
    """
    described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    names = [str(row[0]) for row in described]
    raw = [f"{name} AS {name.removeprefix('raw_')}" for name in names if name.startswith("raw_")]
    selected = (
        f"SELECT {', '.join(raw or names)}, {rule} AS {RULE}, {reason} AS {REASON} "
        f"FROM {relation} WHERE {condition}"
    )
    if _exists(connection, table):
        connection.execute(f"INSERT INTO {_PREFIX}{table} BY NAME {selected}")
    else:
        connection.execute(f"CREATE TEMP TABLE {_PREFIX}{table} AS {selected}")


def send_away(
    connection: duckdb.DuckDBPyConnection, table: str, rules: Sequence[Rule], key: Sequence[str]
) -> bool:
    """Move the rows that break these rules into quarantine, unless they are most of the table.

    Afterwards ``all_<table>`` is the view with all rows and ``typed_<table>`` that with the others.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds the view ``typed_<table>``.
    table : str
    rules : sequence of Rule
    key : sequence of str
        The columns that identify a row; none when nothing does.

    Returns
    -------
    bool
        False when nothing was moved.
    """
    counted = f", count(*) OVER (PARTITION BY {', '.join(key)}) AS key_rows" if key else ""
    every = f"(SELECT *{counted} FROM all_{table})"
    broken = " OR ".join(f"coalesce({rule.breach}, FALSE)" for rule in rules)
    connection.execute(f"DROP VIEW IF EXISTS all_{table}")
    connection.execute(f"ALTER VIEW typed_{table} RENAME TO all_{table}")
    rows = connection.execute(f"SELECT count(*) FILTER (WHERE {broken}), count(*) FROM {every}")
    found = rows.fetchone()
    if found is None or too_many(*found):
        connection.execute(f"ALTER VIEW all_{table} RENAME TO typed_{table}")
        return False
    keys = ", ".join(f"CASE WHEN {rule.breach} THEN '{rule.key}' END" for rule in rules)
    words = ", ".join(
        f"CASE WHEN {rule.breach} THEN '{rule.column} {rule.expected}' END" for rule in rules
    )
    keep_rows(
        connection,
        table,
        every,
        broken,
        rule=f"coalesce({keys})",
        reason=f"concat_ws('; ', {words})",
    )
    kept = "* EXCLUDE key_rows" if key else "*"
    connection.execute(
        f"CREATE TEMP VIEW typed_{table} AS SELECT {kept} FROM {every} WHERE NOT ({broken})"
    )
    return True


def too_many(rows: float, of: float) -> bool:
    """Whether so many rows break a rule that the table, not the rows, is at fault."""
    return rows * 2 > of


def write_quarantine(
    connection: duckdb.DuckDBPyConnection, folder: Path, problems: Sequence[Problem]
) -> tuple[Path, ...]:
    """Write each table's quarantine to ``<table>.parquet``, in place of the last run's.

    Readable by its owner only: rows hold what the company's tables hold. A table without such
    rows has no file afterwards; but what was sent away when a file of usage was first read stays
    while that is still among the problems, for the file is not read again.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    folder : Path
        Made where it is not there.
    problems : sequence of Problem
        What was found in the tables.

    Returns
    -------
    tuple of Path
        The files, by name.

    Raises
    ------
    InputError
        When a file cannot be written: the one before it stays.
    """
    tables = connection.execute(
        "SELECT table_name FROM duckdb_tables() "
        f"WHERE starts_with(table_name, '{_PREFIX}') ORDER BY table_name"
    ).fetchall()
    names = [str(row[0]).removeprefix(_PREFIX) for row in tables]
    try:
        written = tuple(_write(connection, name, folder) for name in names)
        kept = {*names, *(p.table for p in problems if p.action == "quarantine")}
        for stale in folder.glob("*.parquet"):
            if stale.stem not in (kept if stale.stem == "usage" else names):
                stale.unlink(missing_ok=True)
    except (duckdb.IOException, OSError) as error:
        first = str(error).splitlines()[0]
        rule = f"rows that break a rule could not be kept there: {first}"
        remedy = "free some space, or let KEEPWELL_HOME name a folder to write to"
        raise InputError([Problem(str(folder), "", rule, remedy=remedy)]) from None
    return written


def _write(connection: duckdb.DuckDBPyConnection, table: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path, fresh = folder / f"{table}.parquet", folder / f"{table}.parquet.{os.getpid()}"
    quoted = str(fresh).replace("'", "''")
    try:
        os.close(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        connection.execute(
            f"COPY {_PREFIX}{table} TO '{quoted}' (FORMAT parquet, USE_TMP_FILE false)"
        )
        fresh.chmod(0o600)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return path


def _exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE table_name = $1", [f"{_PREFIX}{table}"]
    ).fetchone()
    return found is not None
