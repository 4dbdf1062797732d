"""Contracts whose agreed end is to come, as known on a date, and how past ones went on.

A forecast reads two tables: the *book* of a date (every contract that runs or was left undecided
less than a grace period ago, with what is known of its next term) and *past terms* (every contract
with an agreed end and what followed, with the day on which that was known).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd

from features.contract import build_rates
from features.engine import read_frame
from features.source import Source
from features.term import FOREVER, build_known_terms, build_terms, follows

# Where several terms go on in one contract, each has the part of its ARR that it brought.
_SHARE = """CASE WHEN count({arr}) OVER same = count(*) OVER same AND sum({arr}) OVER same > 0
                 THEN {arr} / sum({arr}) OVER same ELSE 1.0 / count(*) OVER same END"""


def read_book(source: Source, dates: Sequence[date]) -> pd.DataFrame:
    """The contracts that customers hold on each date, as known before it.

    Parameters
    ----------
    source : Source
    dates : sequence of date
        As-of dates.

    Returns
    -------
    DataFrame, (n, 15)
        ``as_of``, ``account_id``, ``contract_id``, ``group_id`` (parent, else the account);
        ``customer_since`` (begin of the account's first known contract); ``start_date``,
        ``end_date`` (agreed, exclusive; null without); ``arr`` in the reporting currency at the
        last rate known before the date, NaN unknown; ``billing_period_months``;
        ``fate``: ``open``, ``renewed`` (its successor is signed), ``auto_renewed`` (by itself,
        the decision date passed without notice), ``lost`` (notice is known), ``superseded`` (its
        successor runs already and stands in the book in its place) or ``no_end``;
        ``next_start``, ``next_end``, ``next_arr`` (its part of the successor's, NaN unknown),
        ``next_billing_period_months`` of a signed successor; ``days_past_end`` (negative before).
    """
    connection, settings = source.connection, source.settings
    grace = settings.grace_days
    connection.execute(
        "CREATE OR REPLACE TABLE as_of_date AS SELECT unnest(CAST($1 AS DATE[])) AS as_of",
        [list(dates)],
    )
    build_known_terms(connection, grace_days=grace)
    build_rates(connection, settings)
    return read_frame(
        connection,
        f"""WITH pair AS (
            SELECT term.as_of, term.contract_id, term.arr, later.contract_id AS next_id,
                   later.start_date AS next_start, later.end_date AS next_end,
                   later.billing_period_months AS next_billing_period_months,
                   later.arr * rate AS next_arr
            FROM known_end AS term JOIN known_end AS later
              ON later.account_id = term.account_id AND later.as_of = term.as_of
             AND {follows("later", "term", grace, names="later.renews")}
            LEFT JOIN rate_on ON rate_on.as_of = later.as_of AND rate_on.currency = later.currency
            QUALIFY row_number() OVER (
                PARTITION BY term.as_of, term.contract_id
                ORDER BY coalesce(later.renews = term.contract_id, FALSE) DESC,
                         later.start_date, later.actual_end, later.contract_id) = 1),
        shared AS (
            SELECT * REPLACE (next_arr * {_SHARE.format(arr="arr")} AS next_arr) FROM pair
            WINDOW same AS (PARTITION BY as_of, next_id))
        SELECT term.as_of, term.account_id, term.contract_id,
               {_GROUP} AS group_id, customer_since, term.start_date, term.end_date,
               term.arr * rate AS arr, term.billing_period_months,
               CASE WHEN term.end_date IS NULL THEN 'no_end'
                    WHEN next_start <= term.as_of THEN 'superseded'
                    WHEN term.successor_known THEN 'renewed'
                    WHEN notice_known THEN 'lost'
                    WHEN coalesce(auto_renew, FALSE) AND term.as_of > decision_date
                         AND term.as_of <= end_date THEN 'auto_renewed'
                    ELSE 'open' END AS fate,
               next_start, next_end, next_arr, next_billing_period_months,
               term.as_of - term.end_date AS days_past_end
        FROM (SELECT *, min(start_date) OVER (PARTITION BY as_of, account_id) AS customer_since
              FROM known_term) AS term
        LEFT JOIN shared USING (as_of, contract_id)
        LEFT JOIN rate_on ON rate_on.as_of = term.as_of AND rate_on.currency = term.currency
        LEFT JOIN ({_parents(source)}) AS account ON account.account_id = term.account_id
        WHERE start_date <= term.as_of
          AND (term.as_of < actual_end
               OR (term.as_of <= actual_end + {grace} AND NOT termination_known
                   AND NOT term.successor_known AND NOT notice_known))
        ORDER BY term.as_of, term.account_id, term.contract_id""",
    )


def read_past_terms(source: Source) -> pd.DataFrame:
    """Every contract with an agreed end and what followed it, in hindsight.

    Parameters
    ----------
    source : Source

    Returns
    -------
    DataFrame, (n, 16)
        ``account_id``, ``contract_id``, ``group_id``, ``customer_since``, ``start_date``,
        ``end_date``, ``arr``
        (reporting currency at the rate of the data's end, NaN unknown), ``billing_period_months``;
        ``successor_id`` (None: lost), ``change`` (its part of the successor's ARR over its own,
        both in its currency; NaN when that cannot be told), ``next_start``, ``next_end``,
        ``next_billing_period_months``; ``known_day`` (of the contract), ``decided_day`` (on which
        successor, notice or early end was known; null: none before the grace was over) and
        ``known_at`` (on which the outcome was known, whatever it was).
    """
    connection, settings = source.connection, source.settings
    grace = settings.grace_days
    build_terms(connection, grace_days=grace)
    connection.execute(
        f"CREATE OR REPLACE TABLE as_of_date AS SELECT DATE '{source.data_end}' AS as_of"
    )
    build_rates(connection, settings)
    share = _SHARE.format(arr="term.arr")
    return read_frame(
        connection,
        f"""SELECT term.account_id, term.contract_id, {_GROUP} AS group_id,
               min(term.start_date) OVER (PARTITION BY term.account_id) AS customer_since,
               term.start_date, term.end_date, term.arr * rate AS arr, term.billing_period_months,
               term.successor_id,
               CASE WHEN term.arr > 0 AND term.currency = term.successor_currency
                    THEN term.successor_arr * ({share}) / term.arr END AS change,
               later.start_date AS next_start, later.end_date AS next_end,
               later.billing_period_months AS next_billing_period_months, term.known_day,
               CASE WHEN term.successor_id IS NULL
                    THEN least(term.notice_given_at, term.terminated_at)
                    ELSE later.known_day END AS decided_day,
               term.end_date + {grace + 1} AS known_at
        FROM term LEFT JOIN term AS later ON later.contract_id = term.successor_id
        LEFT JOIN rate_on ON rate_on.currency = term.currency
        LEFT JOIN ({_parents(source)}) AS account ON account.account_id = term.account_id
        WHERE term.end_date < {FOREVER} AND term.start_date < term.actual_end
        WINDOW same AS (PARTITION BY term.successor_id)
        ORDER BY term.end_date, term.account_id, term.contract_id""",
    )


_GROUP = "coalesce(account.parent_id, term.account_id)"


def _parents(source: Source) -> str:
    """The latest known parent of each account."""
    parent = "parent_id" if source.has("accounts", "parent_id") else "NULL::VARCHAR AS parent_id"
    return f"""SELECT account_id, {parent} FROM accounts QUALIFY row_number() OVER (
        PARTITION BY account_id ORDER BY known_day DESC NULLS LAST) = 1"""
