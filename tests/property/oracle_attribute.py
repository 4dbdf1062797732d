"""The oracle's attributes: who the customer is, as known on a day."""

from __future__ import annotations

from datetime import date

from tests.property.company import Company
from tests.property.oracle_contract import Term, is_known

Value = float | str | None
_OF_ACCOUNT: tuple[str, ...] = (
    "channel",
    "people",
    "product_fit",
    "planned_fit",
    "cost_to_acquire",
    "employees",
)
_OF_ACCOUNT += ("industry", "segment", "account_tier")


def attribute_features(
    company: Company, account_id: str, focus: Term | None, as_of: date
) -> dict[str, Value]:
    """The attributes of the account and of the row's contract, and what fit makes of them."""
    versions = [row for row in company.tables["accounts"] if row["account_id"] == account_id]
    versions.sort(key=lambda row: row["known_at"])
    known = [row for row in versions if is_known(row["known_at"], as_of)]
    found: dict[str, Value] = {name: known[-1][name] if known else None for name in _OF_ACCOUNT}
    fit = known[-1]["product_fit"] if known else None
    planned = known[-1]["planned_fit"] if known else None
    return found | {
        "origin": versions[-1]["origin"],
        "sold_by": focus.row["sold_by"] if focus else None,
        "poor_fit": None if fit is None else int(fit < 0.3),
        "roadmap_gain": None if fit is None or planned is None else planned - fit,
    }
