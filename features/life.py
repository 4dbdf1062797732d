"""Lives of accounts: since when each has been a customer, and until when, as known on a date.

An account has one life, from its first day as a customer; who left and came back has not left. With
contracts a life ends with the last known one, once neither grace nor a successor holds it; without,
after the days of silence that the configuration calls inactivity.
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from features.contract import whole_sum
from features.engine import read_frame
from features.knowledge import known_rows
from features.rollup_reader import EPOCH
from features.settings import InactivitySettings
from features.source import Source
from features.term import remains_customer
from features.touchpoint import DELIVERY_DAYS, RENEWAL_DAYS

STAGES = ("onboarding", "midlife", "renewal")
YEAR = 364  # whole weeks
_SHOWN = ("parent_id", "segment", "account_tier", "region", "owner")


def read_lives(source: Source, as_of: date) -> pd.DataFrame:
    """One row per account that is or was a customer, by id.

    Parameters
    ----------
    source : Source
        Its connection holds, where there are contracts, ``known_term`` and ``rate_on`` of the
        as-of date.
    as_of : date

    Returns
    -------
    DataFrame, (n, ...)
        ``account_id``, the columns that row filters ask, ``started_on``, ``left_on`` (null while a
        customer), ``arr`` (current, or the last; reporting currency), ``value_by_day_30`` and
        ``value_by_day_90`` (null while not yet known, without usage, or when the life began before
        usage did), and by stage of the last `YEAR` ``<stage>_contacts`` (by the vendor) and
        ``<stage>_weeks`` (as a customer); null without touchpoints or contracts.
    """
    connection = source.connection
    connection.execute(f"CREATE OR REPLACE TEMP TABLE life AS {_begin_and_end(source, as_of)}")
    known = known_rows(source, "accounts", as_of)
    shown = ", ".join(f"account.{name}" for name in _SHOWN)
    return read_frame(
        connection,
        f"""SELECT life.*, {shown}, {_value(source, as_of)}, {_stage_columns(source)}
        FROM life LEFT JOIN {known} AS account USING (account_id)
        LEFT JOIN ({_first_value(source, as_of)}) AS value USING (account_id)
        LEFT JOIN ({_stages(source, as_of)}) AS staged USING (account_id)
        ORDER BY account_id""",
    )


def _begin_and_end(source: Source, as_of: date) -> str:
    if not source.has("contracts"):
        return _by_silence(source, as_of)
    stays = remains_customer(source.settings.grace_days)
    last_day = "CASE WHEN runs THEN as_of ELSE last_end - 1 END"
    return f"""
    WITH begun AS (
        SELECT *, arr * rate AS money,
               bool_or(as_of < actual_end) OVER same AS runs,
               max(actual_end) OVER same AS last_end
        FROM known_term LEFT JOIN rate_on USING (as_of, currency)
        WHERE as_of = DATE '{as_of}' AND start_date <= as_of
        WINDOW same AS (PARTITION BY account_id))
    SELECT account_id, min(start_date) AS started_on,
           CASE WHEN NOT bool_or({stays}) THEN any_value(last_end) END AS left_on,
           {whole_sum("money", f"start_date <= {last_day} AND {last_day} < actual_end")} AS arr
    FROM begun GROUP BY account_id"""


def _by_silence(source: Source, as_of: date) -> str:
    """From the first day of activity to the last one, once the days of silence are over."""
    churn = source.settings.labels.churn
    rule = (churn.inactivity if churn else None) or InactivitySettings()
    seen = "active_day" if source.has("usage") else "measures"
    silent = f"max(day) < DATE '{as_of}' - {rule.silent_days}"
    return f"""
    SELECT account_id, min(day) AS started_on,
           CASE WHEN {silent} THEN max(day) + 1 END AS left_on, NULL::DOUBLE AS arr
    FROM {seen} WHERE day < DATE '{as_of}' AND known_day < DATE '{as_of}'
    GROUP BY account_id"""


def _tells_value(source: Source) -> bool:
    return (
        source.usage is not None
        and "value_actions" in source.usage.facts.sums
        and any(kind.value_action for kind in source.settings.catalogue.values())
    )


def _value(source: Source, as_of: date) -> str:
    """Whether value was had by day 30 and 90."""
    if not _tells_value(source):
        return ", ".join(f"NULL::BOOLEAN AS value_by_day_{days}" for days in (30, 90))
    return ", ".join(
        f"""CASE WHEN started_on + {days} <= DATE '{as_of}' AND started_on >= usage_begin
                 THEN coalesce(first_value < started_on + {days}, FALSE)
            END AS value_by_day_{days}"""
        for days in (30, 90)
    )


def _first_value(source: Source, as_of: date) -> str:
    """By account the first day of value as a customer, and the first day of anybody's use."""
    rollup = source.usage
    if rollup is None or not _tells_value(source):
        return "SELECT NULL::VARCHAR AS account_id"
    end = f"date_diff('day', {EPOCH}, DATE '{as_of}')"
    known = f"day < {end} AND day + lag < {end}"
    # Also of those who used nothing by then: whether they will is not known yet.
    return f"""
    SELECT life.account_id, any_value(usage_begin) AS usage_begin,
           {EPOCH} + min(day) FILTER (
               WHERE {rollup.column_of("value_actions")} > 0 AND {EPOCH} + day >= started_on
           ) AS first_value
    FROM life LEFT JOIN (
        SELECT account_id, rolled.* FROM {rollup.relation()} AS rolled
        JOIN usage_user USING (user_no) WHERE {known}
    ) AS rolled USING (account_id)
    CROSS JOIN (SELECT {EPOCH} + min(day) AS usage_begin FROM {rollup.totals} WHERE {known})
    GROUP BY life.account_id"""


def tells_contacts(source: Source) -> bool:
    """Whether it is known which contacts the vendor began, and at which stage."""
    return source.has("contracts") and source.has("touchpoints", "initiated_by")


def _stage_columns(source: Source) -> str:
    told = tells_contacts(source)
    return ", ".join(
        f"coalesce({stage}_{what}, 0) AS {stage}_{what}"
        if told
        else f"NULL::BIGINT AS {stage}_{what}"
        for stage in STAGES
        for what in ("contacts", "weeks")
    )


def _stages(source: Source, as_of: date) -> str:
    """Contacts by the vendor in the last year, and the weeks in which there could be any.

    The first quarter as a customer is onboarding, the last one before a decision renewal, all else
    midlife: as `features.touchpoint` has it. A week counts for the stage of its first day.
    """
    if not tells_contacts(source):
        return "SELECT NULL::VARCHAR AS account_id"
    day = f"CAST(DATE '{as_of}' - CAST(7 * week AS INTEGER) AS DATE)"
    weeks = f"""SELECT account_id, started_on, {day} AS day,
            FALSE AS is_contact FROM life, range(1, {YEAR // 7 + 1}) AS every_week(week)"""
    contacts = f"""SELECT account_id, started_on, day, TRUE AS is_contact
        FROM life JOIN {known_rows(source, "touchpoints", as_of)} AS touched USING (account_id)
        WHERE lower(initiated_by) = 'vendor' AND day >= DATE '{as_of}' - {YEAR}"""
    counted = ", ".join(
        f"count(*) FILTER (WHERE stage = '{stage}' AND is_contact = {is_contact}) AS {stage}_{what}"
        for stage in STAGES
        for what, is_contact in (("contacts", "TRUE"), ("weeks", "FALSE"))
    )
    return f"""
    WITH moment AS (
        SELECT row_number() OVER () AS number, * FROM ({weeks} UNION ALL {contacts})
        WHERE day >= started_on),
    placed AS (
        SELECT moment.account_id, number, is_contact,
               CASE WHEN any_value(moment.day < started_on + {DELIVERY_DAYS}) THEN 'onboarding'
                    WHEN bool_or(moment.day >= decision_date - {RENEWAL_DAYS}) THEN 'renewal'
                    ELSE 'midlife' END AS stage
        FROM moment JOIN known_term AS term
          ON term.account_id = moment.account_id AND term.as_of = DATE '{as_of}'
         AND start_date <= moment.day AND moment.day < actual_end
        GROUP BY moment.account_id, number, is_contact)
    SELECT account_id, {counted} FROM placed GROUP BY account_id"""
