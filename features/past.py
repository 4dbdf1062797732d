"""The row of an earlier as-of date that stands beside each row of today: an account's own past."""

from __future__ import annotations

from datetime import date, timedelta

from features.source import Source


def earlier_dates(dates: list[date], days: int) -> list[date]:
    """The as-of dates ``days`` before each of these."""
    return [day - timedelta(days=days) for day in dates]


def build_past_rows(source: Source, tables: list[str], dates: list[date], *, days: int) -> None:
    """Create ``past_row``, and leave of the cohorts only the rows of ``dates``.

    One row per row of today whose account was in the cohort ``days`` earlier: ``account_id``,
    ``as_of`` and ``contract_id`` then, ``as_of_now`` and ``contract_now`` of today. The contract
    is the same one where it ran then, else the account's that ended next.

    Parameters
    ----------
    source : Source
        Its connection holds the cohorts and ``known_term`` on these dates and the earlier ones.
    tables : list of str
        The cohorts: ``churn_row``, ``renewal_row`` or both.
    dates : list of date
        As-of dates of today's rows.
    days : int
        How much earlier the past is.
    """
    connection = source.connection
    rows = " UNION ".join(f"SELECT account_id, contract_id, as_of FROM {t}" for t in tables)
    running = (
        "SELECT account_id, contract_id, as_of, actual_end FROM known_term "
        "WHERE start_date <= as_of AND as_of < actual_end"
        if source.has("contracts")
        else "SELECT account_id, contract_id, as_of, NULL AS actual_end FROM churn_row WHERE FALSE"
    )
    customer = (
        "SELECT account_id, as_of, contract_id FROM churn_row"
        if "churn_row" in tables
        else "SELECT account_id, as_of, contract_id FROM running QUALIFY row_number() OVER ("
        "PARTITION BY account_id, as_of ORDER BY actual_end, contract_id) = 1"
    )
    connection.execute(
        f"""CREATE OR REPLACE TABLE past_row AS
        WITH today AS (SELECT * FROM ({rows}) WHERE list_contains(CAST($1 AS DATE[]), as_of)),
        running AS ({running}),
        customer AS ({customer})
        SELECT today.account_id, today.as_of AS as_of_now, today.contract_id AS contract_now,
               customer.as_of, CASE WHEN today.contract_id IS NOT NULL
                   THEN coalesce(same.contract_id, customer.contract_id) END AS contract_id
        FROM today
        JOIN customer ON customer.account_id = today.account_id
         AND customer.as_of = today.as_of - {days}
        LEFT JOIN running AS same ON same.account_id = customer.account_id
         AND same.as_of = customer.as_of AND same.contract_id = today.contract_id""",
        [dates],
    )
    for table in tables:
        connection.execute(
            f"DELETE FROM {table} WHERE NOT list_contains(CAST($1 AS DATE[]), as_of)", [dates]
        )
