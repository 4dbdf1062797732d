"""The oracle's money that is owed."""

from __future__ import annotations

from datetime import date

from tests.property.company import Company
from tests.property.oracle_contract import is_known
from tests.property.oracle_record import ago, is_in, known_rows, mean

Value = float | str | None


def invoice_features(
    company: Company, account_id: str, as_of: date, arr: float | None
) -> dict[str, Value]:
    """Every feature of the group money; ``arr`` is the account's."""
    invoices = known_rows(company, "invoices", account_id, as_of)
    overdue = [
        invoice
        for invoice in invoices
        if is_known(invoice["due_at"], as_of) and not is_known(invoice["paid_at"], as_of)
    ]
    amounts = [invoice["amount"] for invoice in overdue]
    owed = None if None in amounts else sum(amounts)
    paid = [
        (invoice["paid_at"] - invoice["due_at"]).days
        for invoice in invoices
        if invoice["due_at"] is not None and is_in(invoice["paid_at"], as_of, 365)
    ]
    ages = [age for invoice in overdue if (age := ago(invoice["due_at"], as_of)) is not None]
    return {
        "invoices_overdue": len(overdue),
        "amount_overdue": owed,
        "overdue_over_arr": owed / arr if owed is not None and arr else None,
        "oldest_overdue_days": max(ages, default=None),
        "paid_late_share_365d": mean(float(days > 0) for days in paid),
        "days_late_mean_365d": mean(paid),
    }
