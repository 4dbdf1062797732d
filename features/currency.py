"""Currencies of contracts, and whether there is a rate for each of them in time."""

from __future__ import annotations

from collections.abc import Collection

import duckdb

from features.errors import Problem
from features.quarantine import keep_rows, too_many
from features.settings import CompanySettings

_EXAMPLES = 3


def check_currencies(
    connection: duckdb.DuckDBPyConnection, settings: CompanySettings, tables: Collection[str]
) -> list[Problem]:
    """Contracts in a currency that has no rate, or none yet when its first contract begins.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds ``contracts``, ``typed_contracts`` and, where the company has them, ``rates``.
    settings : CompanySettings
        For the reporting currency.
    tables : collection of str
        Those to check.
    """
    if "rates" not in tables:
        rates = "SELECT NULL::VARCHAR AS currency, NULL::DATE AS first WHERE FALSE"
    else:
        rates = "SELECT currency, min(greatest(date, known_day)) AS first FROM rates GROUP BY 1"
    rows = connection.execute(
        f"""SELECT contracts.currency, count(*), min(start_date), min(first)
        FROM contracts LEFT JOIN ({rates}) AS rated ON rated.currency = contracts.currency
        WHERE contracts.currency <> $1 GROUP BY 1 ORDER BY 1""",
        [settings.currency],
    ).fetchall()
    without = {str(name): int(n) for name, n, _, first in rows if first is None}
    late = {str(name): first for name, _, start, first in rows if first and first > start}
    problems = [_without_rate(connection, settings, without)] if without else []
    if late:
        expected = "must have a rate when the first contract in it begins: money is unknown before"
        examples = tuple(f"{name} ({day})" for name, day in list(late.items())[:_EXAMPLES])
        remedy = "add earlier rows to tables.rates"
        problems.append(Problem("rates", "date", expected, 0, examples, remedy, "allow"))
    return problems


def _without_rate(
    connection: duckdb.DuckDBPyConnection, settings: CompanySettings, rows: dict[str, int]
) -> Problem:
    action: str = settings.checks.missing_rate
    expected = f"must be {settings.currency}, or a currency of the table rates"
    total = connection.execute("SELECT count(*) FROM contracts").fetchone()
    if action == "quarantine" and total and too_many(sum(rows.values()), total[0]):
        action = "stop"
    if action == "quarantine":
        listed = ", ".join("'" + name.replace("'", "''") + "'" for name in rows)
        unrated, reason = f"currency IN ({listed})", f"'currency {expected}'"
        keep_rows(
            connection,
            "contracts",
            "typed_contracts",
            unrated,
            rule="'missing_rate'",
            reason=reason,
        )
        connection.execute(f"DELETE FROM contracts WHERE {unrated}")
    examples = tuple(list(rows)[:_EXAMPLES])
    remedy = f"add tables.rates with rates to {settings.currency}"
    return Problem("contracts", "currency", expected, sum(rows.values()), examples, remedy, action)
