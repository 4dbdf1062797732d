"""Primitives of invoices: what is overdue, and how late the account pays."""

from __future__ import annotations

from collections.abc import Mapping

from features.contract import whole_sum
from features.family import Family, Figure, Given, build_by_account, count_where, within

_DATES = ("invoices.due_at", "invoices.paid_at")
_OVERDUE = "due_at < as_of AND NOT coalesce(paid_at < as_of, FALSE)"
_PAID = f"{within('paid_at', 365)} AND due_at IS NOT NULL"
FIGURES: Mapping[str, Figure] = {
    "invoice.overdue": Figure(count_where(_OVERDUE), _DATES),
    "invoice.amount_overdue": Figure(
        f"""CASE WHEN {count_where(_OVERDUE)} = 0 THEN 0
            ELSE {whole_sum("amount", _OVERDUE)} END""",
        (*_DATES, "invoices.amount"),
    ),
    "invoice.oldest_overdue_days": Figure(
        f"date_diff('day', min(due_at) FILTER (WHERE {_OVERDUE}), as_of)", _DATES
    ),
    "invoice.paid_late_share": Figure(
        f"""{count_where(f"{_PAID} AND paid_at > due_at")}
            / NULLIF({count_where(_PAID)}, 0)""",
        _DATES,
    ),
    "invoice.days_late": Figure(
        f"avg(date_diff('day', due_at, paid_at)) FILTER (WHERE {_PAID})", _DATES
    ),
}


def build_invoice(given: Given) -> str:
    """Create ``invoices_primitive``, one row per (account, as-of date), and return its name."""
    return build_by_account(given, FIGURES, table="invoices")


FAMILY = Family(("invoices",), FIGURES, build_invoice)
