"""Primitives of support tickets: what is open, what came in, how soon it was resolved."""

from __future__ import annotations

from collections.abc import Mapping

from features.family import Family, Figure, Given, build_by_account, count_where, within
from features.total import exact_mean

SEVERE = ("high", "critical", "urgent", "p1", "1")
# How long an account has to be a customer for a first impression.
FIRST_DAYS = 30
_RESOLVED_AT, _SEVERITY = "tickets.resolved_at", "tickets.severity"
_OPEN = "opened_at < as_of AND NOT coalesce(resolved_at < as_of, FALSE)"
_SEVERE = f"lower(severity) IN ({', '.join(map(repr, SEVERE))})"


def _opened(length: int, also: str = "TRUE") -> str:
    return count_where(f"{within('opened_at', length)} AND {also}")


def _resolved(length: int) -> str:
    return f"FILTER (WHERE {within('resolved_at', length)})"


_DAYS = "date_diff('day', opened_at, resolved_at)"
FIGURES: Mapping[str, Figure] = {
    "ticket.open": Figure(count_where(_OPEN), (_RESOLVED_AT,)),
    "ticket.opened_28d": Figure(_opened(28)),
    "ticket.opened_91d": Figure(_opened(91)),
    "ticket.opened_91d_before": Figure(
        f"""CASE WHEN coalesce(started <= as_of - 182, TRUE)
            THEN {count_where(within("opened_at", 91, 91))} END"""
    ),
    "ticket.escalated_91d": Figure(_opened(91, "escalated"), ("tickets.escalated",)),
    "ticket.escalated_open": Figure(
        count_where(f"{_OPEN} AND escalated"), ("tickets.escalated", _RESOLVED_AT)
    ),
    "ticket.severe_91d": Figure(_opened(91, _SEVERE), (_SEVERITY,)),
    "ticket.severe_open": Figure(count_where(f"{_OPEN} AND {_SEVERE}"), (_SEVERITY, _RESOLVED_AT)),
    "ticket.days_to_resolve_91d": Figure(f"avg({_DAYS}) {_resolved(91)}", (_RESOLVED_AT,)),
    "ticket.days_to_resolve_182d": Figure(f"avg({_DAYS}) {_resolved(182)}", (_RESOLVED_AT,)),
    "ticket.oldest_open_days": Figure(
        f"date_diff('day', min(opened_at) FILTER (WHERE {_OPEN}), as_of)", (_RESOLVED_AT,)
    ),
    "ticket.csat_91d": Figure(exact_mean("csat", _resolved(91)), ("tickets.csat", _RESOLVED_AT)),
    "ticket.csat_182d": Figure(exact_mean("csat", _resolved(182)), ("tickets.csat", _RESOLVED_AT)),
    "ticket.days_since_opened": Figure(
        "date_diff('day', max(opened_at) FILTER (WHERE opened_at < as_of), as_of)"
    ),
    "ticket.first_days": Figure(
        count_where(
            f"opened_at >= started AND opened_at < started + {FIRST_DAYS} AND opened_at < as_of"
        ),
        ("contracts",),
    ),
}


def build_ticket(given: Given) -> str:
    """Create ``tickets_primitive``, one row per (account, as-of date), and return its name."""
    return build_by_account(given, FIGURES, table="tickets")


FAMILY = Family(("tickets",), FIGURES, build_ticket)
