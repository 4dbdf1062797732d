"""Primitives of contracts: what was agreed, as known before the as-of date.

``contract.<name>`` speaks of the row's contract (for churn rows the active one that ends next),
``account_contract.<name>`` of all the account's contracts. Money is in the reporting currency at
the last rate known before the as-of date, null where no rate is known.
"""

from __future__ import annotations

import duckdb

from features.settings import CompanySettings

# primitive: (SQL over known_term as ``term`` and its rate, the contract columns it needs)
_CONTRACT: dict[str, tuple[str, tuple[str, ...]]] = {
    "discount": ("term.discount", ("discount",)),
    "billing_period_months": ("term.billing_period_months", ("billing_period_months",)),
    "auto_renew": ("CAST(term.auto_renew AS INTEGER)", ("auto_renew",)),
    "term_days": ("term.end_date - term.start_date", ()),
    "days_to_renewal": ("term.end_date - term.as_of", ()),
    "days_to_decision": ("term.decision_date - term.as_of", ()),
    "terms_before": ("term.terms_before", ()),
    "price_change": (
        """CASE WHEN term.currency IS NOT DISTINCT FROM term.before_currency
           THEN (term.arr / NULLIF(term.seats, 0))
                / NULLIF(term.before_arr / NULLIF(term.before_seats, 0), 0) - 1 END""",
        ("arr|mrr", "seats"),
    ),
    "arr_change": (
        """CASE WHEN term.currency IS NOT DISTINCT FROM term.before_currency
           THEN term.arr / NULLIF(term.before_arr, 0) - 1 END""",
        ("arr|mrr",),
    ),
}


def _account_sum(running: str, own: str) -> str:
    """The sum over the running contracts; in grace, when none runs, the row's own contract."""
    return f"CASE WHEN active.contracts > 0 THEN {running} ELSE {own} END"


_ACCOUNT: dict[str, tuple[str, tuple[str, ...]]] = {
    "arr": (_account_sum("active.arr", "term.arr * rate"), ("arr|mrr",)),
    "contracts": ("coalesce(active.contracts, 0)", ()),
    "seats": (_account_sum("active.seats", "term.seats"), ("seats",)),
    "tenure_days": ("row_key.as_of - active.first_start", ()),
}
NEEDS: dict[str, tuple[str, ...]] = {
    **{f"contract.{name}": needs for name, (_, needs) in _CONTRACT.items()},
    **{f"account_contract.{name}": needs for name, (_, needs) in _ACCOUNT.items()},
}


def build_contract(connection: duckdb.DuckDBPyConnection, settings: CompanySettings) -> str:
    """Create ``contract_primitive``, one row per ``row_key``, and return its name.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds ``known_term``, ``rate_on`` and ``row_key`` (account_id, contract_id, as_of).
    """
    _build_rates(connection, settings)
    columns = [f"{sql} AS contract__{name}" for name, (sql, _) in _CONTRACT.items()]
    columns += [f"{sql} AS account_contract__{name}" for name, (sql, _) in _ACCOUNT.items()]
    connection.execute(
        f"""CREATE OR REPLACE TABLE contract_primitive AS
        WITH priced AS (
            SELECT known_term.*, rate FROM known_term LEFT JOIN rate_on
              ON rate_on.as_of = known_term.as_of
             AND rate_on.currency = coalesce(known_term.currency, '{settings.currency}')),
        active AS (
            SELECT account_id, as_of,
                   min(start_date) FILTER (WHERE start_date <= as_of) AS first_start,
                   count(*) FILTER (WHERE {_ACTIVE}) AS contracts,
                   {whole_sum("arr * rate", _ACTIVE)} AS arr,
                   {whole_sum("seats", _ACTIVE)} AS seats
            FROM priced GROUP BY account_id, as_of)
        SELECT row_key.account_id, row_key.contract_id, row_key.as_of, {", ".join(columns)}
        FROM row_key
        LEFT JOIN priced AS term
          ON term.contract_id = row_key.contract_id AND term.as_of = row_key.as_of
        LEFT JOIN active
          ON active.account_id = row_key.account_id AND active.as_of = row_key.as_of"""
    )
    return "contract_primitive"


_ACTIVE = "start_date <= as_of AND as_of < actual_end"


def whole_sum(value: str, condition: str) -> str:
    """The SQL of a sum that is null where any of its parts is unknown: part is not the whole."""
    chosen = f"FILTER (WHERE {condition})"
    return f"CASE WHEN count(*) {chosen} = count({value}) {chosen} THEN sum({value}) {chosen} END"


def _build_rates(connection: duckdb.DuckDBPyConnection, settings: CompanySettings) -> None:
    """Create ``rate_on``: per currency and as-of date the last rate known before it."""
    own = f"SELECT '{settings.currency}' AS currency, as_of, 1.0 AS rate FROM as_of_date"
    rates = f"""UNION ALL SELECT currency, as_of, max_by(rate, date)
        FROM rates JOIN as_of_date ON date < as_of AND known_day < as_of
        WHERE currency <> '{settings.currency}' GROUP BY currency, as_of"""
    given = rates if "rates" in settings.tables else ""
    connection.execute(f"CREATE OR REPLACE TABLE rate_on AS {own} {given}")
