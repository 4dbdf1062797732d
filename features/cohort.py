"""Cohorts and labels: who is observed on an as-of date, and what then happened.

A cohort reads only what was known before its as-of date; a label reads what happened after it.
Both cohorts stand in tables of their own: ``churn_row`` (account x as-of date) and
``renewal_row`` (contract x as-of date).
"""

from __future__ import annotations

import duckdb

from features.settings import ChurnSettings, InactivitySettings, RenewalSettings
from features.term import FOREVER
from features.total import exact_sum

_CONTRACT_COHORT = """
    SELECT account_id, as_of, contract_id FROM known_term
    WHERE start_date <= as_of AND as_of < actual_end
    QUALIFY row_number() OVER (
        PARTITION BY account_id, as_of ORDER BY actual_end, contract_id) = 1"""
_ACTIVITY_COHORT = "SELECT account_id, as_of, NULL::VARCHAR AS contract_id FROM silence"


def build_churn_rows(connection: duckdb.DuckDBPyConnection, churn: ChurnSettings) -> None:
    """Create ``churn_row``: one row per account that is active on an as-of date.

    Columns: ``account_id``, ``as_of``, ``contract_id`` (the active contract that ends next, null
    without contracts), ``left_on`` (when it left, as seen in hindsight), ``label`` (1 when that
    lies in ``(as_of + lead, as_of + lead + horizon]``, 0 otherwise), ``too_late`` (left within the
    lead: not trained on), ``label_known_at`` (the same for every account of an as-of date).

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds ``known_term`` and ``stay`` for the contract rule, ``active_day`` or ``measures`` for
        the inactivity rule, and ``as_of_date``.
    churn : ChurnSettings
    """
    by_contract = "contract" in churn.by
    by_silence = "inactivity" in churn.by and churn.inactivity is not None
    wait = max(
        churn.grace_days + 1 if by_contract else 0,
        churn.inactivity.silent_days if by_silence and churn.inactivity else 0,
    )
    span = churn.lead_days + churn.horizon_days
    if by_silence and churn.inactivity is not None:
        _build_silence(connection, churn.inactivity, span_days=span, known_days=span + wait)
    cohort = _CONTRACT_COHORT if by_contract else _ACTIVITY_COHORT
    stay = f"""LEFT JOIN (
            SELECT account_id, as_of, max_by(stay_end, stay_start) AS stay_end
            FROM stay JOIN as_of_date ON stay_start <= as_of + {churn.grace_days} GROUP BY ALL
        ) USING (account_id, as_of)"""
    silence = "LEFT JOIN silence USING (account_id, as_of)"
    # An active contract that turns out to have ended as it began, this very day, is in no stay.
    stay_end = "greatest(stay_end, as_of)" if by_contract else "NULL::DATE"
    silent_from = "silent_from" if by_silence else "NULL::DATE"
    start, end = f"as_of + {churn.lead_days}", f"as_of + {churn.lead_days + churn.horizon_days}"
    connection.execute(
        f"""CREATE OR REPLACE TABLE churn_row AS
        SELECT account_id, as_of, contract_id,
               NULLIF(least(coalesce(stay_end, {FOREVER}), coalesce(silent_from, {FOREVER})),
                      {FOREVER}) AS left_on,
               coalesce(stay_end <= {start}, FALSE) OR coalesce(silent_from < {start}, FALSE)
                   AS too_late,
               CAST(NOT too_late AND (coalesce(stay_end <= {end}, FALSE)
                   OR coalesce(silent_from <= {end}, FALSE)) AS INTEGER) AS label,
               {end} + {wait} AS label_known_at
        FROM (SELECT account_id, as_of, contract_id, {stay_end} AS stay_end,
                     {silent_from} AS silent_from
              FROM ({cohort}) {stay if by_contract else ""} {silence if by_silence else ""})"""
    )


def _build_silence(
    connection: duckdb.DuckDBPyConnection,
    inactivity: InactivitySettings,
    *,
    span_days: int,
    known_days: int,
) -> None:
    """Create ``silence``: accounts active in the N days before, and when they go silent.

    ``silent_from`` is the first day on or after the as-of date from which N days pass in silence;
    null when none begins within ``span_days``. An event that became known only ``known_days`` after
    the as-of date, when the label was known, breaks no silence.
    """
    if inactivity.measure is not None:
        _build_decline(connection, inactivity, span_days)
        return
    days = inactivity.silent_days
    connection.execute(
        f"""CREATE OR REPLACE TABLE silence AS
        WITH near AS (
            SELECT account_id, as_of, day, known_day FROM active_day JOIN as_of_date
              ON day >= as_of - {days} AND day <= as_of + {span_days + days}
             AND known_day < as_of + {known_days}),
        gap AS (
            SELECT account_id, as_of, greatest(day + 1, as_of) AS silent_from,
                   lead(day, 1, {FOREVER}) OVER (
                       PARTITION BY account_id, as_of ORDER BY day) AS next_day
            FROM near),
        cohort AS (
            SELECT DISTINCT account_id, as_of FROM near WHERE known_day < as_of AND day < as_of)
        SELECT account_id, as_of, min(silent_from) FILTER (
            silent_from + {days} <= next_day AND silent_from <= as_of + {span_days}) AS silent_from
        FROM cohort JOIN gap USING (account_id, as_of)
        GROUP BY account_id, as_of"""
    )


def _build_decline(
    connection: duckdb.DuckDBPyConnection, inactivity: InactivitySettings, span_days: int
) -> None:
    """The same for a measure: N days in which it stays under a share of the account's own level.

    The own level is its mean over the N days before the as-of date, days without a row counting 0.
    """
    days = inactivity.silent_days
    ahead = f"""OVER (PARTITION BY account_id ORDER BY day
                ROWS BETWEEN CURRENT ROW AND {days - 1} FOLLOWING)"""
    measure = (inactivity.measure or "").replace("'", "''")
    connection.execute(
        f"""CREATE OR REPLACE TABLE silence AS
        WITH daily AS (
            SELECT account_id, day, {exact_sum("value")} AS value FROM measures
            WHERE name = '{measure}' GROUP BY account_id, day),
        calendar AS (
            SELECT account_id, CAST(unnest(range(
                (SELECT min(day) FROM daily), (SELECT max(as_of) FROM as_of_date)
                    + INTERVAL {span_days + days + 1} DAY, INTERVAL 1 DAY)) AS DATE) AS day
            FROM (SELECT DISTINCT account_id FROM daily)),
        ahead AS (
            SELECT account_id, day, {exact_sum("coalesce(value, 0)", ahead)} / {days} AS level
            FROM calendar LEFT JOIN daily USING (account_id, day)),
        cohort AS (
            SELECT account_id, as_of, {exact_sum("value")} / {days} AS own
            FROM measures JOIN as_of_date
              ON known_day < as_of AND day >= as_of - {days} AND day < as_of
            WHERE name = '{measure}' GROUP BY account_id, as_of HAVING own > 0)
        SELECT account_id, as_of,
               min(day) FILTER (level < {inactivity.below_share} * own) AS silent_from
        FROM cohort JOIN ahead USING (account_id)
        WHERE day >= as_of AND day <= as_of + {span_days}
        GROUP BY account_id, as_of"""
    )


def build_renewal_rows(connection: duckdb.DuckDBPyConnection, renewal: RenewalSettings) -> None:
    """Create ``renewal_row``: each contract still to be decided, on each as-of date.

    From ``max_lead_days`` before its decision date (and not before its start) until its successor
    or notice is known, at most until its end plus grace. Rows past the decision date are
    ``overdue``: they train, so that an account in grace has a probability, and stand in a lead band
    of their own, not in the headline metrics. A contract that renews by itself is out between its
    decision date and its end.

    Columns: ``account_id``, ``contract_id``, ``as_of``, ``decision_date``, ``overdue``, ``label``
    (1 lost), ``outcome`` (lost, reduced, flat, expanded, renewed when the money is unknown),
    ``label_known_at``.
    """
    connection.execute(
        f"""CREATE OR REPLACE TABLE renewal_row AS
        SELECT known.account_id, known.contract_id, known.as_of, known.decision_date,
               known.as_of > known.decision_date AS overdue,
               CAST(term.successor_id IS NULL AS INTEGER) AS label,
               CASE WHEN term.successor_id IS NULL THEN 'lost'
                    WHEN NOT coalesce(term.arr > 0 AND term.successor_arr IS NOT NULL
                         AND term.currency IS NOT DISTINCT FROM term.successor_currency, FALSE)
                        THEN 'renewed'
                    WHEN term.successor_arr < 0.99 * term.arr THEN 'reduced'
                    WHEN term.successor_arr > 1.01 * term.arr THEN 'expanded'
                    ELSE 'flat' END AS outcome,
               known.end_date + {renewal.grace_days + 1} AS label_known_at
        FROM known_term AS known JOIN term USING (contract_id)
        WHERE known.end_date IS NOT NULL
          AND known.start_date <= known.as_of
          AND known.as_of >= known.decision_date - {renewal.max_lead_days}
          AND known.as_of <= known.end_date + {renewal.grace_days}
          AND NOT known.termination_known
          AND NOT known.notice_known
          AND NOT known.successor_known
          AND NOT (coalesce(known.auto_renew, FALSE) AND known.as_of > known.decision_date
                   AND known.as_of <= known.end_date)"""
    )
