"""The oracle's onboarding: the account's first days as a customer."""

from __future__ import annotations

import math
from datetime import timedelta

from tests.property.oracle_contract import Term
from tests.property.oracle_usage import Past, Value, count


def onboarding_features(past: Past, terms: list[Term]) -> dict[str, Value]:
    """Every feature of the group onboarding, and the value had so far.

    An account starts with its first known contract that has started, without one with its first
    known use.
    """
    started = [term.start for term in terms if term.start <= past.as_of]
    start = min(started or past.days[:1], default=None)
    if start is None:
        return dict.fromkeys(_NAMES)
    days = (past.as_of - start).days
    had = [use for use in past.of_kind(past.uses, "value_action") if use["day"] >= start]
    first = min(((use["day"] - start).days for use in had), default=None)
    weeks = 0
    for week in range(13):
        dates = [start + timedelta(days=7 * week + day) for day in range(7)]
        weeks += any(day in dates for day in past.days)
    begun = min(13, math.ceil(days / 7))
    figures = [
        count(had),
        first,
        None if days < 30 else int(first is not None and first < 30),
        None if days < 90 else int(first is not None and first < 90),
        weeks,
        weeks / begun if begun else None,
    ]
    return dict(zip(_NAMES, figures, strict=True))


_NAMES = (
    "value_actions_to_date",
    "days_to_first_value",
    "value_by_day_30",
    "value_by_day_90",
    "active_weeks_of_first_13",
    "active_week_share_of_first_13",
)
