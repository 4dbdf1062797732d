"""Primitives of contracts: what was agreed, as known before the as-of date.

``contract.<name>`` speaks of the row's contract (for churn rows the active one that ends next),
``account_contract.<name>`` of all the account's contracts. Money is in the reporting currency at
the last rate known before the as-of date, null where no rate is known.
"""

from __future__ import annotations

from collections.abc import Mapping

from features.dialect import SqlEngine, quoted
from features.family import Family, Figure, Given, figure_columns
from features.settings import CompanySettings
from features.total import exact_sum

# The stage of renewal: a quarter before the decision, of a short term its last quarter.
STAGE_DAYS = 90
_MONEY, _SEATS = "contracts.arr|mrr", "contracts.seats"
_TERM_DAYS = "date_diff('day', term.start_date, term.end_date)"
_TO_DECISION = "date_diff('day', term.as_of, term.decision_date)"
_SAME_CURRENCY = "term.currency IS NOT DISTINCT FROM term.before_currency"
_DECIDED = """(term.successor_known OR coalesce(
    term.auto_renew AND term.as_of > term.decision_date AND term.as_of <= term.end_date, FALSE))"""

# Over the row's contract as ``term`` (a row of known_term) and the one before it as ``earlier``.
_CONTRACT: Mapping[str, Figure] = {
    "contract.discount": Figure("term.discount", ("contracts.discount",)),
    "contract.discount_change": Figure("term.discount - earlier.discount", ("contracts.discount",)),
    "contract.billing_period_months": Figure(
        "term.billing_period_months", ("contracts.billing_period_months",)
    ),
    "contract.term_months": Figure("term.term_months", ("contracts.term_months",)),
    "contract.notice_days": Figure("term.notice_days", ("contracts.notice_days",)),
    "contract.auto_renew": Figure("CAST(term.auto_renew AS INTEGER)", ("contracts.auto_renew",)),
    "contract.term_days": Figure(_TERM_DAYS),
    "contract.days_since_start": Figure("date_diff('day', term.start_date, term.as_of)"),
    "contract.elapsed": Figure(
        f"""CASE WHEN term.end_date <= term.as_of THEN 1
            ELSE date_diff('day', term.start_date, term.as_of) / NULLIF({_TERM_DAYS}, 0) END"""
    ),
    "contract.days_to_renewal": Figure("date_diff('day', term.as_of, term.end_date)"),
    "contract.days_to_decision": Figure(_TO_DECISION),
    "contract.in_renewal": Figure(
        f"NOT {_DECIDED} AND {_TO_DECISION} <= least({STAGE_DAYS}, {_TERM_DAYS} / 4)"
    ),
    "contract.signed_before_start": Figure(
        """CASE WHEN term.signed_at < term.as_of
           THEN date_diff('day', term.signed_at, term.start_date) END""",
        ("contracts.signed_at",),
    ),
    "contract.terms_before": Figure("term.terms_before"),
    "contract.price_change": Figure(
        f"""CASE WHEN {_SAME_CURRENCY}
            THEN (term.arr / NULLIF(term.seats, 0))
                 / NULLIF(term.before_arr / NULLIF(term.before_seats, 0), 0) - 1 END""",
        (_MONEY, _SEATS),
    ),
    "contract.arr_change": Figure(
        f"""CASE WHEN {_SAME_CURRENCY}
            THEN term.arr / NULLIF(term.before_arr, 0) - 1 END""",
        (_MONEY,),
    ),
}


def whole_sum(value: str, condition: str) -> str:
    """The SQL of a sum that is null where any of its parts is unknown: part is not the whole."""
    chosen = f"FILTER (WHERE {condition})"
    whole = f"count(*) {chosen} = count({value}) {chosen}"
    return f"CASE WHEN {whole} THEN {exact_sum(value, chosen)} END"


def _kinds(name: str) -> str:
    """How many different values the running contracts have; null where one is unknown."""
    chosen = f"FILTER (WHERE {_ACTIVE})"
    return (
        f"CASE WHEN count(*) {chosen} = count({name}) {chosen} "
        f"THEN NULLIF(count(DISTINCT {name}) {chosen}, 0) END"
    )


_ACTIVE = "start_date <= as_of AND as_of < actual_end"
# Over the terms of an account that were known on the as-of date.
_TOTALS = {
    "first_start": "min(start_date) FILTER (WHERE start_date <= as_of)",
    "contracts": f"count(*) FILTER (WHERE {_ACTIVE})",
    "arr": whole_sum("arr * rate", _ACTIVE),
    "arr_ending": whole_sum("arr * rate", f"{_ACTIVE} AND actual_end <= as_of + 91"),
    "endings": f"count(*) FILTER (WHERE {_ACTIVE} AND actual_end <= as_of + 91)",
    "to_date": whole_sum(
        "arr * rate * date_diff('day', start_date, least(as_of, actual_end))",
        "start_date <= as_of",
    ),
    "seats": whole_sum("seats", _ACTIVE),
    "products": _kinds("product"),
    "plans": _kinds("plan"),
}


def _account_sum(running: str, own: str) -> str:
    """The sum over the running contracts; in grace, when none runs, the row's own contract."""
    return f"CASE WHEN active.contracts > 0 THEN {running} ELSE {own} END"


_ACCOUNT: Mapping[str, Figure] = {
    "account_contract.arr": Figure(_account_sum("active.arr", "term.arr * rate"), (_MONEY,)),
    "account_contract.contracts": Figure("coalesce(active.contracts, 0)"),
    "account_contract.seats": Figure(_account_sum("active.seats", "term.seats"), (_SEATS,)),
    "account_contract.tenure_days": Figure("date_diff('day', active.first_start, row_key.as_of)"),
    "account_contract.ending_share": Figure(
        """CASE WHEN active.endings = 0 AND active.arr > 0 THEN 0
           ELSE active.arr_ending / NULLIF(active.arr, 0) END""",
        (_MONEY,),
    ),
    "account_contract.to_date": Figure("active.to_date / 365", (_MONEY,)),
    "account_contract.products": Figure("active.products", ("contracts.product",)),
    "account_contract.plans": Figure("active.plans", ("contracts.plan",)),
}
FIGURES: Mapping[str, Figure] = {**_CONTRACT, **_ACCOUNT}


def build_contract(given: Given) -> str:
    """Create ``contract_primitive``, one row per ``row_key``, and return its name.

    Parameters
    ----------
    given : Given
        Holds ``known_term``, ``as_of_date``, ``rates`` where there are several currencies, and
        ``row_key`` (account_id, contract_id, as_of).
    """
    build_rates(given.connection, given.settings)
    reporting = quoted(given.settings.currency)
    totals = ", ".join(f"{sql} AS {name}" for name, sql in _TOTALS.items())
    given.connection.execute(
        f"""CREATE OR REPLACE TABLE contract_primitive AS
        WITH priced AS (
            SELECT known_term.*, rate FROM known_term LEFT JOIN rate_on
              ON rate_on.as_of = known_term.as_of
             AND rate_on.currency = coalesce(known_term.currency, {reporting})),
        active AS (SELECT account_id, as_of, {totals} FROM priced GROUP BY account_id, as_of)
        SELECT row_key.account_id, row_key.contract_id, row_key.as_of, {figure_columns(FIGURES)}
        FROM row_key
        LEFT JOIN priced AS term
          ON term.contract_id = row_key.contract_id AND term.as_of = row_key.as_of
        LEFT JOIN known_term AS earlier
          ON earlier.contract_id = term.before_id AND earlier.as_of = term.as_of
        LEFT JOIN active
          ON active.account_id = row_key.account_id AND active.as_of = row_key.as_of"""
    )
    return "contract_primitive"


def build_rates(connection: SqlEngine, settings: CompanySettings) -> None:
    """Create ``rate_on``: per currency and as-of date the last rate known before it."""
    currency = quoted(settings.currency)
    own = f"SELECT {currency} AS currency, as_of, CAST(1.0 AS DOUBLE) AS rate FROM as_of_date"
    rates = f"""UNION ALL SELECT currency, as_of, max_by(rate, date)
        FROM rates JOIN as_of_date ON date < as_of AND known_day < as_of
        WHERE currency <> {currency} GROUP BY currency, as_of"""
    foreign = rates if "rates" in settings.tables else ""
    connection.execute(f"CREATE OR REPLACE TABLE rate_on AS {own} {foreign}")


FAMILY = Family(("contracts",), FIGURES, build_contract, per_row=True)
