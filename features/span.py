"""The spans of an account's contracts: where they overlap, and where they leave a gap."""

from __future__ import annotations

import duckdb

from features.errors import Problem
from features.quarantine import keep_rows, too_many
from features.settings import CompanySettings

_EXAMPLES = 3
_NEVER = "DATE '9999-12-31'"
_END = f"coalesce(least(end_date, terminated_at), {_NEVER})"
_OVERLAPPING = f"""
    WITH span AS (SELECT contract_id, account_id, known_day, start_date, {_END} AS ends
                  FROM contracts)
    SELECT DISTINCT later.contract_id FROM span AS later JOIN span AS earlier
    ON later.account_id = earlier.account_id AND later.contract_id <> earlier.contract_id
    AND (earlier.known_day, earlier.start_date, earlier.contract_id)
        < (later.known_day, later.start_date, later.contract_id)
    AND later.start_date < earlier.ends AND earlier.start_date < later.ends"""


def check_spans(connection: duckdb.DuckDBPyConnection, settings: CompanySettings) -> list[Problem]:
    """Contracts that overlap one known before, and accounts that came back after a gap.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds ``contracts`` and ``typed_contracts``.
    settings : CompanySettings
    """
    return _overlaps(connection, settings) + _gaps(connection, settings)


def _overlaps(connection: duckdb.DuckDBPyConnection, settings: CompanySettings) -> list[Problem]:
    action: str = settings.checks.overlap
    if action == "allow":  # parallel contracts are legal: nothing to say
        return []
    connection.execute(f"CREATE OR REPLACE TEMP TABLE overlapping AS {_OVERLAPPING}")
    shown = connection.execute("SELECT contract_id FROM overlapping ORDER BY 1").fetchall()
    if not shown:
        return []
    total = connection.execute("SELECT count(*) FROM contracts").fetchone()
    expected = "must not overlap a contract of the account that was known before"
    if action == "quarantine" and total and too_many(len(shown), total[0]):
        action = "stop"
    if action == "quarantine":
        # A term that was cut from an agreement bears the agreement's id and a number.
        ids = "SELECT contract_id FROM overlapping"
        if settings.contracts.rows == "agreement":
            ids = "SELECT regexp_replace(contract_id, '#[0-9]+$', '') FROM overlapping"
        rows, reason = f"contract_id IN ({ids})", f"'start_date {expected}'"
        keep_rows(connection, "contracts", "typed_contracts", rows, rule="'overlap'", reason=reason)
        connection.execute(
            "DELETE FROM contracts WHERE contract_id IN (SELECT contract_id FROM overlapping)"
        )
    examples = tuple(str(row[0]) for row in shown[:_EXAMPLES])
    remedy = "mend the dates, or set checks.overlap: allow"
    return [Problem("contracts", "start_date", expected, len(shown), examples, remedy, action)]


def _gaps(connection: duckdb.DuckDBPyConnection, settings: CompanySettings) -> list[Problem]:
    """Accounts that had no contract for longer than the grace period, and then one again."""
    rows = connection.execute(
        f"""SELECT account_id, count(*) FROM (
            SELECT account_id, start_date, max({_END}) OVER (
                PARTITION BY account_id ORDER BY start_date, contract_id
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ended
            FROM contracts WHERE {_END} > start_date)
        WHERE start_date > ended + {settings.grace_days} GROUP BY 1 ORDER BY 1"""
    ).fetchall()
    if not rows:
        return []
    expected = (
        f"must follow the account's earlier term within {settings.grace_days} days (the grace), "
        "else the account left and came back"
    )
    remedy = "add the contract in between if one is missing"
    count, examples = sum(row[1] for row in rows), tuple(str(row[0]) for row in rows[:_EXAMPLES])
    action = settings.checks.gap
    return [Problem("contracts", "start_date", expected, count, examples, remedy, action)]
