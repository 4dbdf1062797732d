"""What must hold of the contract tables, with the place, the rows and the remedy of each breach."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import duckdb

from features.errors import Problem
from features.schema import TABLES, Column
from features.settings import CompanySettings

_EXAMPLES = 3
_SHOWN_IDS = ("contract_id", "ticket_id", "account_id", "currency")
_PARSED = {"date": "a date", "number": "a number", "share": "a number", "flag": "true or false"}


class Rule(NamedTuple):
    """A breach to count: the column it is about, the SQL of the breach, the words, the remedy."""

    column: str
    breach: str
    expected: str
    remedy: str


def check_table(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[Column], name: str
) -> list[Problem]:
    """What is wrong inside one table, read from the view ``typed_<name>``.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    columns : sequence of Column
        The columns that the company's query returns.
    name : str
        The contract table.

    Returns
    -------
    list of Problem
        Empty when all is well.
    """
    present = {column.name for column in columns}
    rules = [rule for column in columns for rule in _column_rules(column)]
    rules += _row_rules(present, name)
    counts = "".join(f", count(*) FILTER ({rule.breach})" for rule in rules)
    try:
        row = connection.execute(f"SELECT count(*){counts} FROM typed_{name}").fetchone()
    except duckdb.Error as error:
        return [query_problem(name, error)]
    if row is None or row[0] == 0:
        remedy = "leave it out of the configuration if you have no such rows"
        return [Problem(name, "", "is empty: its query returned no row", remedy=remedy)]
    problems = []
    for rule, found in zip(rules, row[1:], strict=True):
        if found:
            examples = _examples(connection, name, present, rule)
            problems.append(Problem(name, rule.column, rule.expected, found, examples, rule.remedy))
    return problems + _duplicates(connection, present, name)


def query_problem(table: str, error: duckdb.Error) -> Problem:
    """A query that DuckDB refuses, in DuckDB's own first line.

    Of a value in a CSV file also the line that names column and value; never the whole row, which
    may tell of people.
    """
    first, *others = [line.strip() for line in str(error).splitlines() if line.strip()] or [
        type(error).__name__
    ]
    named = next((line for line in others if line.startswith("Error when converting column")), "")
    said = f"{first}; {named}" if named else first
    return Problem(
        table,
        "",
        f"its query must run, but DuckDB says: {said}",
        remedy=f"mend tables.{table} in the configuration, or the file that it reads",
    )


def _column_rules(column: Column) -> list[Rule]:
    typed, raw = column.name, f"raw_{column.name}"
    rules = []
    given = f"{raw} IS NOT NULL AND CAST({raw} AS VARCHAR) <> ''"
    if column.kind in _PARSED:
        expected = f"must be {_PARSED[column.kind]}"
        remedy = "mend these values, or cast them in the query"
        rules.append(Rule(typed, f"{typed} IS NULL AND {given}", expected, remedy))
    if column.required:
        empty = f"NOT ({given})" if column.kind in _PARSED else f"{typed} IS NULL"
        remedy = "fill it, or filter these rows in the query"
        rules.append(Rule(typed, empty, "must not be empty", remedy))
    if column.lowest is not None:
        expected = "must not be negative" if column.lowest == 0 else f"must be {column.lowest:g} up"
        rules.append(Rule(typed, f"{typed} < {column.lowest}", expected, "mend these values"))
    if column.kind == "share":
        rules.append(Rule(typed, f"{typed} > 1", "must be a share from 0 to 1", "divide by 100"))
    return rules


def _row_rules(present: set[str], name: str) -> list[Rule]:
    if name == "contracts":
        earlier = [
            Rule(
                column, f"{column} < start_date", "must not be before start_date", "mend the dates"
            )
            for column in ("end_date", "terminated_at")
            if column in present
        ]
        too_short = Rule("term_months", "term_months < 1", "must be 1 or more", "mend these values")
        return earlier + ([too_short] if "term_months" in present else [])
    if name == "tickets" and "resolved_at" in present:
        expected = "must not be before opened_at"
        return [Rule("resolved_at", "resolved_at < opened_at", expected, "mend the dates")]
    return []


def _examples(
    connection: duckdb.DuckDBPyConnection, name: str, present: set[str], rule: Rule
) -> tuple[str, ...]:
    """The first few ids of the rows in breach, with the value as it came; never a name."""
    key = next((column for column in _SHOWN_IDS if column in present), rule.column)
    value = "" if rule.column in (key, "name") else f" || ' (' || {_shown(rule.column)} || ')'"
    rows = connection.execute(
        f"SELECT coalesce({key}, '(empty)'){value} FROM typed_{name} WHERE {rule.breach} "
        f"ORDER BY 1 LIMIT {_EXAMPLES}"
    ).fetchall()
    return tuple(str(row[0]) for row in rows)


def _shown(column: str) -> str:
    return f"coalesce(NULLIF(CAST(raw_{column} AS VARCHAR), ''), 'empty')"


def _duplicates(
    connection: duckdb.DuckDBPyConnection, present: set[str], name: str
) -> list[Problem]:
    table = TABLES[name]
    key = list(table.key)
    if not key:
        return []
    versioned = table.versioned and "known_at" in present
    if versioned:
        key.append("known_at")
    listed = ", ".join(key)
    grouped = f"SELECT {listed}, count(*) AS n FROM typed_{name} GROUP BY {listed} HAVING n > 1"
    row = connection.execute(f"SELECT coalesce(sum(n), 0) FROM ({grouped})").fetchone()
    if row is None or not row[0]:
        return []
    shown = connection.execute(
        f"SELECT {table.key[-1] if name == 'users' else table.key[0]} FROM ({grouped}) "
        f"ORDER BY 1 LIMIT {_EXAMPLES}"
    ).fetchall()
    remedy = "keep one row each"
    if table.versioned:
        remedy += ", or give each version the known_at from which it holds"
    return [
        Problem(
            name,
            "+".join(key),
            "must identify a row, but several rows share it",
            int(row[0]),
            tuple(str(example[0]) for example in shown),
            remedy,
        )
    ]


def check_together(
    connection: duckdb.DuckDBPyConnection, settings: CompanySettings, tables: Collection[str]
) -> list[Problem]:
    """What is wrong between tables: rows of unknown accounts, overlaps, currencies without rates.

    Rows of unknown accounts are taken out of the tables when the configuration says quarantine.
    """
    problems = []
    for name in sorted(set(tables) - {"accounts", "rates"}):
        problems += _unknown_accounts(connection, settings, name)
    if "contracts" in tables:
        problems += _overlaps(connection, settings)
        problems += _currencies(connection, settings, tables)
    return problems


def _unknown_accounts(
    connection: duckdb.DuckDBPyConnection, settings: CompanySettings, name: str
) -> list[Problem]:
    kept = ("usage_of_event", "usage_of_user", "usage_user") if name == "usage" else (name,)
    # An account counts from the beginning, whenever its row was known: else training would know
    # accounts that a score run on the same date does not.
    orphan = "account_id NOT IN (SELECT account_id FROM typed_accounts)"
    rows = "rows" if name == "usage" else "1"
    found = connection.execute(
        f"SELECT coalesce(sum({rows}) FILTER ({orphan}), 0), sum({rows}) FROM {kept[0]}"
    ).fetchone()
    if found is None or not found[0]:
        return []
    shown = connection.execute(
        f"SELECT DISTINCT account_id FROM {kept[0]} WHERE {orphan} ORDER BY 1 LIMIT {_EXAMPLES}"
    ).fetchall()
    action = settings.checks.unknown_account
    remedy = "add these accounts, or filter the rows in the query"
    if name == "usage" and found[0] * 2 > found[1]:
        action = "stop"
        remedy = "more than half of the usage: compare the account ids of both queries"
    if action == "quarantine":
        for table in kept:
            connection.execute(f"DELETE FROM {table} WHERE {orphan}")
    examples = tuple(str(example[0]) for example in shown)
    expected = "must be an account of the table accounts"
    return [Problem(name, "account_id", expected, int(found[0]), examples, remedy, action)]


def _overlaps(connection: duckdb.DuckDBPyConnection, settings: CompanySettings) -> list[Problem]:
    action = settings.checks.overlap
    if action == "allow":
        return []
    overlapping = """
        SELECT DISTINCT later.contract_id FROM contracts AS later JOIN contracts AS earlier
        ON later.account_id = earlier.account_id AND later.contract_id <> earlier.contract_id
        AND (earlier.known_day, earlier.start_date, earlier.contract_id)
            < (later.known_day, later.start_date, later.contract_id)
        AND later.start_date < coalesce(least(earlier.end_date, earlier.terminated_at),
                                        DATE '9999-12-31')
        AND earlier.start_date < coalesce(least(later.end_date, later.terminated_at),
                                          DATE '9999-12-31')"""
    shown = connection.execute(f"{overlapping} ORDER BY 1").fetchall()
    if not shown:
        return []
    if action == "quarantine":
        connection.execute(f"DELETE FROM contracts WHERE contract_id IN ({overlapping})")
    examples = tuple(str(row[0]) for row in shown[:_EXAMPLES])
    expected = "must not overlap a contract of the account that was known before"
    remedy = "mend the dates, or set checks.overlap: allow"
    return [Problem("contracts", "start_date", expected, len(shown), examples, remedy, action)]


def _currencies(
    connection: duckdb.DuckDBPyConnection, settings: CompanySettings, tables: Collection[str]
) -> list[Problem]:
    foreign = "SELECT * FROM contracts WHERE currency IS NOT NULL AND currency <> $1"
    if "rates" in tables:
        foreign += " AND currency NOT IN (SELECT currency FROM rates)"
    rows = connection.execute(
        f"SELECT currency, count(*) FROM ({foreign}) GROUP BY 1 ORDER BY 1", [settings.currency]
    ).fetchall()
    if not rows:
        return []
    expected = f"must be {settings.currency}, or a currency of the table rates"
    examples = tuple(str(row[0]) for row in rows[:_EXAMPLES])
    remedy = f"add tables.rates with rates to {settings.currency}"
    return [
        Problem("contracts", "currency", expected, sum(row[1] for row in rows), examples, remedy)
    ]
