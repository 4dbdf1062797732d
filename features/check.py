"""What must hold of the contract tables, with the place, the rows and the remedy of each breach.

All of it is counted in DuckDB, where the tables lie, in one pass over each table.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import duckdb

from features.currency import check_currencies
from features.errors import Problem
from features.external_id import check_external_ids
from features.orphan import check_orphans
from features.quarantine import send_away
from features.rule import Rule, key_of, key_rule, last_day_so_far, rules_of_row
from features.schema import TABLES, Column
from features.settings import CompanySettings
from features.span import check_spans
from features.volume import check_volume

_EXAMPLES = 3
_SHOWN_IDS = ("contract_id", "ticket_id", "account_id", "currency")
# Later lines of DuckDB's that say what is wrong and where; the others quote rows, or give advice.
_TOLD = (
    "Error when converting column",
    "Expected Number of Columns",
    "Invalid unicode",
    "file =",
    "Candidate bindings",
)
_REMEDIES = {
    "not utf-8": "save that file as UTF-8, or give read_csv its encoding, such as 'latin-1'",
    "Parquet file": "write that file again: it is empty or cut short",
    "magic bytes": "write that file again: it is cut short, or no Parquet",
    "decompression failure": "write that file again: it is damaged",
    "Expected Number of Columns": "mend that line of the file, or quote its values",
}


def check_table(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[Column],
    name: str,
    settings: CompanySettings,
) -> list[Problem]:
    """What is wrong inside one table, read from the view ``typed_<name>``.

    Rows that the configuration sends away are put into quarantine; the view has the others then.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    columns : sequence of Column
        The columns that the company's query returns.
    name : str
        The contract table.
    settings : CompanySettings

    Returns
    -------
    list of Problem
        Empty when all is well.
    """
    try:
        return _check_table(connection, columns, name, settings)
    except duckdb.Error as error:  # a file may be damaged where only the last statement reads it
        return [query_problem(name, error)]


def _check_table(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[Column],
    name: str,
    settings: CompanySettings,
) -> list[Problem]:
    present = {column.name for column in columns}
    rules = rules_of_row(columns, name, last_day=last_day_so_far(settings.time))
    counts = [_unused_rows(present, name, settings), *(rule.breach for rule in rules)]
    selected = ", ".join(f"count(*) FILTER (WHERE {breach})" for breach in counts)
    row = connection.execute(f"SELECT count(*), {selected} FROM typed_{name}").fetchone()
    if row is None or row[0] == 0:
        remedy = "leave it out of the configuration if you have no such rows"
        if name == "accounts":
            remedy = "compare the query with the file: every company needs its accounts"
        return [Problem(name, "", "is empty: its query returned no row", remedy=remedy)]
    broken = {rule: int(rows) for rule, rows in zip(rules, row[2:], strict=True) if rows}
    broken |= _repeated_keys(connection, present, name)
    problems = _broken_rules(connection, present, name, broken, settings)
    return problems + _unused_problem(name, int(row[1]), settings)


def query_problem(table: str, error: duckdb.Error) -> Problem:
    """A query that DuckDB refuses, in DuckDB's own first line.

    Of a CSV file also the lines that name it, and column and value; never the whole row, which may
    tell of people.
    """
    first, *others = [line.strip() for line in str(error).splitlines() if line.strip()] or [
        type(error).__name__
    ]
    said = "; ".join([first, *(line for line in others if line.startswith(_TOLD))])
    remedy = f"mend tables.{table} in the configuration, or the file that it reads"
    if "No files found" in said:
        remedy = "say where the data is with --data or KEEPWELL_DATA, or " + remedy
    remedy = next((words for sign, words in _REMEDIES.items() if sign in said), remedy)
    return Problem(table, "", f"its query must run, but DuckDB says: {said}", remedy=remedy)


def check_together(
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    tables: Collection[str],
    end: date,
) -> list[Problem]:
    """What is wrong between rows and tables and over time, such as unknown accounts and overlaps.

    Rows that the configuration sends away are put into quarantine and are gone from the tables.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds the tables, their typed views and, with usage, ``usage_day``.
    settings : CompanySettings
    tables : collection of str
        Those to check, which nothing stopped; ``usage`` stands for ``usage_day``.
    end : date
        Exclusive end of the data.
    """
    return [
        *check_external_ids(connection, tables),
        *check_orphans(connection, settings, tables),
        *(check_spans(connection, settings) if "contracts" in tables else ()),
        *(check_currencies(connection, settings, tables) if "contracts" in tables else ()),
        *check_volume(connection, settings, tables, end),
    ]


def _repeated_keys(
    connection: duckdb.DuckDBPyConnection, present: set[str], name: str
) -> dict[Rule, int]:
    """The rule of the key, and how many rows share theirs; empty when none do."""
    key = ", ".join(key_of(present, name))
    if not key:
        return {}
    row = connection.execute(
        f"SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM typed_{name} "
        f"GROUP BY {key} HAVING count(*) > 1)"
    ).fetchone()
    return {key_rule(present, name): int(row[0])} if row and row[0] else {}


def _broken_rules(
    connection: duckdb.DuckDBPyConnection,
    present: set[str],
    name: str,
    broken: dict[Rule, int],
    settings: CompanySettings,
) -> list[Problem]:
    """One problem for each broken rule; rows to be sent away are sent, else they stop the run."""
    actions = {rule: str(getattr(settings.checks, rule.key)) for rule in broken}
    examples = {rule: _examples(connection, present, name, rule) for rule in broken}
    away = [rule for rule, action in actions.items() if action == "quarantine"]
    key = key_of(present, name) if any(rule.key == "duplicate_key" for rule in away) else ()
    if away and not send_away(connection, name, away, key):
        actions |= dict.fromkeys(away, "stop")
    return [
        Problem(name, rule.column, rule.expected, rows, examples[rule], rule.remedy, actions[rule])
        for rule, rows in broken.items()
    ]


def _examples(
    connection: duckdb.DuckDBPyConnection, present: set[str], name: str, rule: Rule
) -> tuple[str, ...]:
    """The first few ids of the rows in breach, with the value as it came; never a name."""
    relation, table = f"typed_{name}", TABLES[name]
    key = next((column for column in _SHOWN_IDS if column in present), rule.column)
    value = "" if rule.column in (key, "name") else f" || ' (' || {_shown(rule.column)} || ')'"
    if rule.key == "duplicate_key":
        key, value = table.key[-1] if name == "users" else table.key[0], ""
        shared = ", ".join(key_of(present, name))
        relation = f"(SELECT {shared}, count(*) AS key_rows FROM typed_{name} GROUP BY {shared})"
    rows = connection.execute(
        f"SELECT coalesce({key}, '(empty)'){value} FROM {relation} WHERE {rule.breach} "
        f"ORDER BY 1 LIMIT {_EXAMPLES}"
    ).fetchall()
    return tuple(str(row[0]) for row in rows)


def _shown(column: str) -> str:
    return f"coalesce(NULLIF(CAST(raw_{column} AS VARCHAR), ''), 'empty')"


def _unused_rows(present: set[str], name: str, settings: CompanySettings) -> str:
    """The SQL of rows that are known only after the end that the configuration gives."""
    days = [day for day in ("known_at", *TABLES[name].own_dates) if day in present]
    if settings.time.data_end is None or not days or name in ("rates", "usage"):
        return "FALSE"
    known = f"coalesce({', '.join([*days, 'NULL'])})"
    last = last_day_so_far(settings.time)
    return f"{known} >= DATE '{settings.time.data_end}' AND {known} <= DATE '{last}'"


def _unused_problem(name: str, rows: int, settings: CompanySettings) -> list[Problem]:
    if not rows:
        return []
    rule = f"must be known before the data's end, {settings.time.data_end}: later rows are not used"
    remedy = "set a later time.data_end to use them"
    column = next(iter(reversed(TABLES[name].own_dates)), "known_at")
    return [Problem(name, column, rule, rows, (), remedy, "allow")]
