"""The oracle's lifecycle: milestones, the stage, and the complaints of the first days."""

from __future__ import annotations

from datetime import date

from tests.property.company import Company, Row
from tests.property.oracle_contract import Term, decision_date, find_successor, is_known
from tests.property.oracle_label import grace_days
from tests.property.oracle_record import mean
from tests.property.oracle_survey import early_complaints
from tests.property.oracle_ticket import early_tickets

Value = float | str | None


def lifecycle_features(
    company: Company,
    account_id: str,
    as_of: date,
    *,
    focus: Term | None,
    terms: list[Term],
    customer_days: float | None,
    tenure_days: float | None,
) -> dict[str, Value]:
    """Every feature of the group lifecycle.

    ``customer_days`` count from the first contract, ``tenure_days`` else from the first use.
    """
    known = [row for row in company.tables["milestones"] if _counts(row, account_id, as_of)]
    reached = [row for row in known if is_known(row["reached_at"], as_of)]
    still = [row for row in known if row not in reached]
    late = [row for row in still if is_known(row["planned_at"], as_of)]
    dated = [row for row in reached if row["planned_at"] is not None]
    found: dict[str, Value] = {
        "milestones_planned": len(known),
        "milestones_reached": len(reached),
        "milestones_reached_share": _share(reached, known),
        "milestones_late": len(late),
        "milestone_delay_days": mean((r["reached_at"] - r["planned_at"]).days for r in dated),
        "days_since_milestone": min(
            ((as_of - row["reached_at"]).days for row in reached), default=None
        ),
    }
    for kind, name in (("onboarding", "onboarding"), ("goal", "goals")):
        of_kind = [row for row in known if row["kind"].lower() == kind]
        done = [row for row in of_kind if row in reached]
        found[f"{name}_reached"] = len(done)
        found[f"{name}_reached_share"] = _share(done, of_kind)
    open_onboarding = any(row["kind"].lower() == "onboarding" for row in still)
    renewing = focus is not None and _is_in_renewal(company, focus, terms, as_of)
    found["stage"] = "renewal" if renewing else _stage_by_age(tenure_days, open_onboarding)
    found["complaints_first_30d"] = None
    if customer_days is not None and customer_days >= 30:
        tickets = early_tickets(company, account_id, as_of, 30)
        found["complaints_first_30d"] = tickets + early_complaints(company, account_id, as_of, 30)
    return found


def _counts(row: Row, account_id: str, as_of: date) -> bool:
    """Whether a milestone is known: else when it was told, planned for or reached."""
    if row["account_id"] != account_id:
        return False
    if row["known_at"] is not None:
        return is_known(row["known_at"], as_of)
    return is_known(row["planned_at"], as_of) or is_known(row["reached_at"], as_of)


def _share(part: list[Row], whole: list[Row]) -> float | None:
    return len(part) / len(whole) if whole else None


def _is_in_renewal(company: Company, focus: Term, terms: list[Term], as_of: date) -> bool:
    """Near the decision or past it, and nothing decided yet."""
    decision, end = decision_date(focus.row), focus.row["end_date"]
    if decision is None or find_successor(focus, terms, grace_days(company)) is not None:
        return False
    if focus.row["auto_renew"] and decision < as_of <= end:
        return False
    return bool((decision - as_of).days <= min(90, (end - focus.start).days / 4))


def _stage_by_age(tenure_days: float | None, open_onboarding: bool) -> str | None:
    if tenure_days is None:
        return None
    if tenure_days < 91 or (tenure_days < 182 and open_onboarding):
        return "delivery"
    return "growth" if tenure_days < 365 else "active"
