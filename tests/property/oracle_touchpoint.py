"""The oracle's relationship: who was in touch with whom, and when."""

from __future__ import annotations

from datetime import date, timedelta

from tests.property.company import Company, Row
from tests.property.oracle_contract import Term, decision_date
from tests.property.oracle_record import first_start, is_in, known_days

Value = float | str | None
_QUARTER = timedelta(days=91)


def touchpoint_features(
    company: Company, account_id: str, as_of: date, focus: Term | None
) -> dict[str, Value]:
    """Every feature of the group relationship."""
    contacts = known_days(company, "touchpoints", account_id, as_of)
    vendor = [contact for contact in contacts if _by(contact) == "vendor"]
    quarter = [contact for contact in contacts if is_in(contact["day"], as_of, 91)]
    found: dict[str, Value] = {
        "days_since_vendor_contact": _since(vendor, as_of),
        "days_since_touchpoint": _since(contacts, as_of),
        "touchpoints_28d": len([c for c in contacts if is_in(c["day"], as_of, 28)]),
        "touchpoints_91d": len(quarter),
        "customer_touchpoints_91d": len([c for c in quarter if _by(c) == "customer"]),
    }
    for length in (91, 182):
        recent = [c for c in contacts if is_in(c["day"], as_of, length) and _by(c)]
        begun = [contact for contact in recent if _by(contact) == "vendor"]
        found[f"vendor_share_{length}d"] = len(begun) / len(recent) if recent else None
    for kind in ("qbr", "training"):
        held = [contact for contact in contacts if contact["kind"] == kind]
        found[f"days_since_{kind}"] = _since(held, as_of)
        for length in (182, 365):
            now = [contact for contact in held if is_in(contact["day"], as_of, length)]
            found[f"{kind}s_{length}d"] = len(now)
    days = [contact["day"] for contact in contacts]
    start = first_start(company, account_id, as_of)
    found["early_touchpoint_share"] = _early_share(days, start, as_of)
    found["silence_since_go_live"] = _silence([c["day"] for c in vendor], start, as_of)
    found["midterm_touchpoints_91d"] = _midterm(days, start, as_of, focus)
    return found


def _by(contact: Row) -> str:
    return (contact["initiated_by"] or "").lower()


def _since(contacts: list[Row], as_of: date) -> int | None:
    return min(((as_of - contact["day"]).days for contact in contacts), default=None)


def _early_share(days: list[date], start: date | None, as_of: date) -> float | None:
    if start is None or as_of - start < 2 * _QUARTER:
        return None
    since = [day for day in days if day >= start]
    early = [day for day in since if day - start < _QUARTER]
    return len(early) / len(since) if since else None


def _silence(days: list[date], start: date | None, as_of: date) -> int | None:
    if start is None or as_of - start < _QUARTER:
        return None
    live = start + _QUARTER
    return 0 if any(day >= live for day in days) else (as_of - live).days


def _midterm(days: list[date], start: date | None, as_of: date, focus: Term | None) -> float | None:
    """Contacts a quarter on the days of the term that are neither delivery nor renewal."""
    if focus is None or start is None:
        return None
    decision = decision_date(focus.row)
    middle = []
    day = max(focus.start, start + _QUARTER)
    while day < as_of and (decision is None or day < decision - _QUARTER):
        middle.append(day)
        day += timedelta(days=1)
    if len(middle) < 28:
        return None
    return 91 * len([day for day in days if day in middle]) / len(middle)
