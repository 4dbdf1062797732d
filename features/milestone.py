"""Primitives of milestones: what was planned, what was reached, and how late.

Without ``known_at`` a milestone counts from the day for which it was planned, or from the day on
which it was reached when that came first: a plan that could have been made later is not used.
"""

from __future__ import annotations

from collections.abc import Mapping

from features.family import Family, Figure, Given, build_by_account, count_where

_REACHED = "coalesce(reached_at < as_of, FALSE)"
_ONBOARDING, _GOAL = "lower(kind) = 'onboarding'", "lower(kind) = 'goal'"
_REACHED_AT = ("milestones.reached_at",)
_BOTH = ("milestones.planned_at", "milestones.reached_at")
FIGURES: Mapping[str, Figure] = {
    "milestone.known": Figure("count(row.account_id)"),
    "milestone.reached": Figure(count_where(_REACHED), _REACHED_AT),
    "milestone.late": Figure(count_where(f"planned_at < as_of AND NOT {_REACHED}"), _BOTH),
    "milestone.delay_days": Figure(
        f"avg(date_diff('day', planned_at, reached_at)) FILTER (WHERE {_REACHED})", _BOTH
    ),
    "milestone.days_since_reached": Figure(
        f"date_diff('day', max(reached_at) FILTER (WHERE {_REACHED}), as_of)", _REACHED_AT
    ),
    "milestone.onboarding": Figure(count_where(_ONBOARDING)),
    "milestone.onboarding_reached": Figure(
        count_where(f"{_ONBOARDING} AND {_REACHED}"), _REACHED_AT
    ),
    "milestone.goals": Figure(count_where(_GOAL)),
    "milestone.goals_reached": Figure(count_where(f"{_GOAL} AND {_REACHED}"), _REACHED_AT),
}


def build_milestone(given: Given) -> str:
    """Create ``milestones_primitive``, one row per (account, as-of date), and return its name."""
    known = "coalesce(row.known_day, least(row.planned_at, row.reached_at))"
    return build_by_account(given, FIGURES, table="milestones", known=known)


FAMILY = Family(("milestones",), FIGURES, build_milestone)
