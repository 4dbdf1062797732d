"""The state of every account on one as-of date: what is still to be decided, and when."""

from __future__ import annotations

from datetime import date

import pandas as pd

from features.contract import whole_sum
from features.engine import read_frame
from features.source import Source
from features.term import remains_customer

_SHOWN = ("external_id", "name", "parent_id", "segment", "account_tier", "region", "owner")


def read_states(source: Source, as_of: date) -> pd.DataFrame:
    """One row per account that is a customer on the as-of date, in grace included.

    Parameters
    ----------
    source : Source
        Its connection holds ``churn_row`` or ``known_term``, and ``rate_on``, of this as-of date;
        those of others change nothing.
    as_of : date

    Returns
    -------
    DataFrame, (n_accounts, ...)
        ``account_id``, ``state``, ``contract_id``, ``decision_date``, ``renewal_date``,
        ``due`` (its contract is judged by the renewal model), ``arr`` (the account's, reporting
        currency), ``arr_of_due`` (of its contracts that are due), ``arr_of_notice`` (of those under
        notice), and the columns of accounts that people are shown. Null: does not apply, or the
        amount of one of these contracts is not known.
    """
    account = ", ".join(
        f"account.{name}" if source.has("accounts", name) else f"NULL::VARCHAR AS {name}"
        for name in _SHOWN
    )
    columns = ", ".join(sorted(source.columns["accounts"] & set(_SHOWN)))
    seen = "usage_day" if source.has("usage") else "measures"
    query = (
        _contract_states(source, as_of)
        if source.has("contracts")
        else _ACTIVITY_STATES.format(
            seen=f"SELECT account_id, day FROM {seen}",
            least=source.settings.abstention.min_history_days,
            as_of=as_of,
        )
    )
    return read_frame(
        source.connection,
        f"""SELECT found.*, {account}
        FROM ({query}) AS found LEFT JOIN (
            SELECT account_id{", " + columns if columns else ""} FROM accounts
            WHERE known_day IS NULL OR known_day < DATE '{as_of}'
            QUALIFY row_number() OVER (
                PARTITION BY account_id ORDER BY known_day DESC NULLS LAST) = 1
        ) AS account ON account.account_id = found.account_id
        ORDER BY found.account_id""",
    )


_ACTIVITY_STATES = """
    SELECT churn_row.account_id,
           CASE WHEN first_day > as_of - {least} THEN 'too_little_history'
                ELSE 'no_term' END AS state,
           NULL::VARCHAR AS contract_id, NULL::DATE AS decision_date, NULL::DATE AS renewal_date,
           FALSE AS due, NULL::DOUBLE AS arr, NULL::DOUBLE AS arr_of_due,
           NULL::DOUBLE AS arr_of_notice
    FROM churn_row LEFT JOIN (
        SELECT account_id, min(day) AS first_day FROM ({seen}) GROUP BY account_id
    ) AS begun USING (account_id) WHERE as_of = DATE '{as_of}'"""


def _contract_states(source: Source, as_of: date) -> str:
    """The account's most urgent contract decides its state.

    First what is due by decision date, then what is still open, then what was decided: notice
    before renewal, since it is the one to know of.
    """
    grace = source.settings.grace_days
    lead = source.settings.max_lead_days
    least = source.settings.abstention.min_history_days
    return f"""
    WITH running AS (
        SELECT *, actual_end <= as_of AS lapsed,
               CASE WHEN successor_known THEN 'renewed'
                    WHEN notice_known THEN 'notice_given'
                    WHEN actual_end <= as_of AND as_of <= decision_date THEN 'to_decide'
                    WHEN actual_end <= as_of AND NOT (
                        coalesce(auto_renew, FALSE) AND as_of <= end_date) THEN 'in_grace'
                    WHEN end_date IS NULL THEN 'no_term'
                    WHEN coalesce(auto_renew, FALSE) AND as_of > decision_date THEN 'auto_renewed'
                    ELSE 'to_decide' END AS state
        FROM known_term
        WHERE as_of = DATE '{as_of}' AND start_date <= as_of AND {remains_customer(grace)}),
    dated AS (
        SELECT *, {lead} > 0 AND state IN ('to_decide', 'in_grace')
                  AND as_of >= decision_date - {lead} AS due
        FROM running),
    priced AS (
        SELECT dated.*, dated.arr * rate AS money FROM dated LEFT JOIN rate_on
          ON rate_on.as_of = dated.as_of
         AND rate_on.currency = coalesce(dated.currency, '{source.settings.currency}')),
    summed AS (
        SELECT account_id, bool_and(lapsed) AS all_lapsed,
               {whole_sum("money", "NOT lapsed")} AS running_arr,
               {whole_sum("money", "due")} AS arr_of_due,
               {whole_sum("money", "state = 'notice_given'")} AS arr_of_notice
        FROM priced GROUP BY account_id),
    first AS (
        SELECT * FROM priced QUALIFY row_number() OVER (
            PARTITION BY account_id
            ORDER BY due DESC, CASE WHEN due THEN decision_date END,
                     list_position(['to_decide', 'no_term', 'in_grace', 'notice_given', 'renewed',
                                    'auto_renewed'], state),
                     actual_end, contract_id) = 1)
    SELECT account_id,
           CASE WHEN state IN ('to_decide', 'no_term') AND as_of - coalesce(begun, as_of)
                     < {least} THEN 'too_little_history' ELSE state END AS state,
           contract_id, decision_date, end_date AS renewal_date, due,
           CASE WHEN all_lapsed THEN money ELSE running_arr END AS arr,
           arr_of_due, arr_of_notice
    FROM first JOIN summed USING (account_id)
    LEFT JOIN (SELECT account_id, min(start_date) AS begun FROM known_term
               WHERE as_of = DATE '{as_of}' GROUP BY account_id) USING (account_id)"""
