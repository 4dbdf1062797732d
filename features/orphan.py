"""Rows that name something that is not there: an account, a user, a contract."""

from __future__ import annotations

from collections.abc import Collection

import duckdb

from features.errors import Problem
from features.quarantine import USAGE_COLUMNS, keep_rows, too_many
from features.settings import CompanySettings

_EXAMPLES = 3


def check_orphans(
    connection: duckdb.DuckDBPyConnection, settings: CompanySettings, tables: Collection[str]
) -> list[Problem]:
    """Rows of unknown accounts, surveys of unknown users, renewals of unknown contracts.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds the tables and their typed views; of usage, ``usage_day``.
    settings : CompanySettings
    tables : collection of str
        Those to check.
    """
    problems = []
    if "accounts" in tables:
        for name in sorted(set(tables) - {"accounts", "rates"}):
            problems += _unknown_accounts(connection, settings, name)
    if {"surveys", "users"} <= set(tables) and _has(connection, "surveys", "user_id"):
        known = "SELECT account_id, user_id FROM typed_users"
        breach = f"user_id IS NOT NULL AND (account_id, user_id) NOT IN ({known})"
        expected = "must be a user of the account in the table users"
        problems += _unknown(connection, settings, ("surveys", "user_id"), breach, expected)
    renewing = "contracts" in tables and settings.contracts.rows == "term"
    if renewing and _has(connection, "contracts", "renews"):
        breach = "renews NOT IN (SELECT contract_id FROM typed_contracts)"
        expected = "must be a contract_id of the table, else it counts as naming none"
        problems += _unknown(connection, settings, ("contracts", "renews"), breach, expected)
    return problems


def _has(connection: duckdb.DuckDBPyConnection, name: str, column: str) -> bool:
    described = connection.execute(f"DESCRIBE typed_{name}").fetchall()
    return column in {row[0] for row in described}


def _unknown_accounts(
    connection: duckdb.DuckDBPyConnection, settings: CompanySettings, name: str
) -> list[Problem]:
    # An account counts from the beginning, whenever its row was known: else training would know
    # accounts that a score run on the same date does not.
    orphan = (
        "account_id NOT IN (SELECT account_id FROM typed_accounts WHERE account_id IS NOT NULL)"
    )
    relation, rows = ("usage_day", "events") if name == "usage" else (f"typed_{name}", "1")
    if name == "usage" and _has_none(connection, orphan):
        return []
    found = connection.execute(
        f"SELECT coalesce(sum({rows}) FILTER (WHERE {orphan}), 0), sum({rows}) FROM {relation}"
    ).fetchone()
    if found is None or not found[0]:
        return []
    examples = _ids(connection, relation, "account_id", orphan)
    action: str = settings.checks.unknown_account
    remedy = "add these accounts, or filter the rows in the query"
    if too_many(*found) and (name == "usage" or action == "quarantine"):
        action = "stop"
        remedy = f"more than half of the {name}: compare the account ids of both queries"
    expected = "must be an account of the table accounts"
    if action == "quarantine":
        reason = f"'account_id {expected}'"
        table = relation.removeprefix("typed_")
        rows = relation if name != "usage" else f"(SELECT {USAGE_COLUMNS} FROM usage_day)"
        keep_rows(connection, table, rows, orphan, rule="'unknown_account'", reason=reason)
        _delete(connection, table, orphan)
    return [Problem(name, "account_id", expected, int(found[0]), examples, remedy, action)]


def _has_none(connection: duckdb.DuckDBPyConnection, orphan: str) -> bool:
    """Whether a look at the users is enough to know that no usage is of such an account."""
    there = connection.execute(
        "SELECT 1 FROM duckdb_views() WHERE view_name = 'usage_user'"
    ).fetchone()
    return (
        bool(there)
        and not connection.execute(f"SELECT 1 FROM usage_user WHERE {orphan} LIMIT 1").fetchone()
    )


def _delete(connection: duckdb.DuckDBPyConnection, relation: str, orphan: str) -> None:
    """Take these rows out of a table, or of a view: it shows the others then."""
    tables = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE table_name = $1", [relation]
    ).fetchone()
    if tables:
        connection.execute(f"DELETE FROM {relation} WHERE {orphan}")
        return
    connection.execute(f"ALTER VIEW {relation} RENAME TO all_{relation}")
    connection.execute(
        f"CREATE VIEW {relation} AS SELECT * FROM all_{relation} WHERE NOT ({orphan})"
    )


def _unknown(
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    place: tuple[str, str],
    breach: str,
    expected: str,
) -> list[Problem]:
    """Rows whose reference leads nowhere; they stay, the reference just says nothing."""
    name, column = place
    counted = f"SELECT count(*) FROM typed_{name} WHERE {breach}"
    found = connection.execute(counted).fetchone()
    if found is None or not found[0]:
        return []
    examples = _ids(connection, f"typed_{name}", column, breach)
    remedy = "add what is missing, or leave the reference empty in the query"
    action = settings.checks.unknown_reference
    return [Problem(name, column, expected, int(found[0]), examples, remedy, action)]


def _ids(
    connection: duckdb.DuckDBPyConnection, relation: str, column: str, breach: str
) -> tuple[str, ...]:
    rows = connection.execute(
        f"SELECT DISTINCT {column} FROM {relation} WHERE {breach} ORDER BY 1 LIMIT {_EXAMPLES}"
    ).fetchall()
    return tuple(str(row[0]) for row in rows)
