"""Primitives of touchpoints: who got in touch with whom, when, and at which point of the term."""

from __future__ import annotations

from collections.abc import Mapping

from features.family import Family, Figure, Given, build_by_account, count_where, within

# The first quarter is delivery, the last before a decision is the renewal's.
DELIVERY_DAYS = RENEWAL_DAYS = 91
# A middle that is shorter tells nothing.
_LEAST_DAYS = 28
_BY = "touchpoints.initiated_by"
_VENDOR, _CUSTOMER = "lower(initiated_by) = 'vendor'", "lower(initiated_by) = 'customer'"
_SO_FAR = "day >= started"


def _since(condition: str) -> str:
    return f"date_diff('day', max(day) FILTER (WHERE {condition}), as_of)"


def _count(length: int, also: str = "TRUE") -> str:
    return count_where(f"{within('day', length)} AND {also}")


def _vendor_share(length: int) -> str:
    begun = _count(length, "initiated_by IS NOT NULL")
    return f"{_count(length, _VENDOR)} / NULLIF({begun}, 0)"


def _held(kind: str, length: int) -> Figure:
    return Figure(_count(length, f"lower(kind) = '{kind}'"), span=length)


FIGURES: Mapping[str, Figure] = {
    "touchpoint.days_since_vendor": Figure(_since(_VENDOR), (_BY,)),
    "touchpoint.days_since": Figure(_since("day < as_of")),
    "touchpoint.days_since_qbr": Figure(_since("lower(kind) = 'qbr'")),
    "touchpoint.days_since_training": Figure(_since("lower(kind) = 'training'")),
    "touchpoint.count_28d": Figure(_count(28), span=28),
    "touchpoint.count_91d": Figure(_count(91), span=91),
    "touchpoint.vendor_share_91d": Figure(_vendor_share(91), (_BY,), span=91),
    "touchpoint.vendor_share_182d": Figure(_vendor_share(182), (_BY,), span=182),
    "touchpoint.customer_91d": Figure(_count(91, _CUSTOMER), (_BY,), span=91),
    "touchpoint.qbrs_182d": _held("qbr", 182),
    "touchpoint.qbrs_365d": _held("qbr", 365),
    "touchpoint.trainings_182d": _held("training", 182),
    "touchpoint.trainings_365d": _held("training", 365),
    "touchpoint.early_share": Figure(
        f"""CASE WHEN started <= as_of - {2 * DELIVERY_DAYS}
            THEN {count_where(f"{_SO_FAR} AND day < started + {DELIVERY_DAYS}")}
                 / NULLIF({count_where(_SO_FAR)}, 0) END""",
        ("contracts",),
        span=DELIVERY_DAYS,
    ),
    "touchpoint.silence_since_go_live": Figure(
        f"""CASE WHEN started <= as_of - {DELIVERY_DAYS} THEN
            CASE WHEN {count_where(f"{_VENDOR} AND day >= started + {DELIVERY_DAYS}")} > 0
                 THEN 0 ELSE date_diff('day', started + {DELIVERY_DAYS}, as_of) END END""",
        ("contracts", _BY),
        span=DELIVERY_DAYS,
    ),
}
_MIDTERM = {
    "midterm.touchpoints": Figure(
        f"""CASE WHEN date_diff('day', first_day, end_day) >= {_LEAST_DAYS}
            THEN 91.0 * count(row.day) / date_diff('day', first_day, end_day) END""",
        span=_LEAST_DAYS,
    )
}


def build_touchpoint(given: Given) -> str:
    """Create ``touchpoints_primitive``, one row per (account, as-of date), and return its name."""
    return build_by_account(given, FIGURES, table="touchpoints")


def build_midterm(given: Given) -> str:
    """Create ``midterm_primitive``, one row per ``row_key``, and return its name.

    The middle of a term begins after the delivery and ends before its renewal is near.
    """
    given.connection.execute(
        f"""CREATE OR REPLACE TABLE midterm_primitive AS
        WITH middle AS (
            SELECT row_key.account_id, row_key.contract_id, row_key.as_of,
                   greatest(term.start_date, row_account.started + {DELIVERY_DAYS}) AS first_day,
                   least(row_key.as_of, term.decision_date - {RENEWAL_DAYS}) AS end_day
            FROM row_key
            JOIN row_account ON row_account.account_id = row_key.account_id
             AND row_account.as_of = row_key.as_of
            JOIN known_term AS term
              ON term.contract_id = row_key.contract_id AND term.as_of = row_key.as_of)
        SELECT middle.account_id, middle.contract_id, middle.as_of,
               {_MIDTERM["midterm.touchpoints"].sql} AS midterm__touchpoints
        FROM middle LEFT JOIN touchpoints AS row
          ON row.account_id = middle.account_id AND row.known_day < middle.as_of
         AND row.day >= first_day AND row.day < end_day
        GROUP BY middle.account_id, middle.contract_id, middle.as_of, first_day, end_day"""
    )
    return "midterm_primitive"


FAMILY = Family(("touchpoints",), FIGURES, build_touchpoint)
MIDTERM = Family(("touchpoints", "contracts"), _MIDTERM, build_midterm, per_row=True)
