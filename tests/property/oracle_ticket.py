"""The oracle's support features."""

from __future__ import annotations

from datetime import date

from tests.property.company import Company, Row
from tests.property.oracle_contract import is_known
from tests.property.oracle_record import ago, first_start, is_in, known_rows, mean

Value = float | str | None
_SEVERE = {"high", "critical", "urgent", "p1", "1"}


def ticket_features(company: Company, account_id: str, as_of: date) -> dict[str, Value]:
    """Every feature of the group support that needs tickets alone."""
    tickets = [
        ticket
        for ticket in known_rows(company, "tickets", account_id, as_of)
        if is_known(ticket["opened_at"], as_of)
    ]
    waiting = [ticket for ticket in tickets if not is_known(ticket["resolved_at"], as_of)]
    start = first_start(company, account_id, as_of)
    quarter = [ticket for ticket in tickets if is_in(ticket["opened_at"], as_of, 91)]
    before = [ticket for ticket in tickets if is_in(ticket["opened_at"], as_of, 91, 91)]
    is_old = start is None or (as_of - start).days >= 182
    found: dict[str, Value] = {
        "tickets_open": len(waiting),
        "tickets_28d": len([t for t in tickets if is_in(t["opened_at"], as_of, 28)]),
        "tickets_91d": len(quarter),
        "tickets_change_91d": len(quarter) / len(before) - 1 if before and is_old else None,
        "days_since_ticket": min(_ages(tickets, as_of), default=None),
        "escalations_91d": len([ticket for ticket in quarter if ticket["escalated"]]),
        "escalations_open": len([ticket for ticket in waiting if ticket["escalated"]]),
        "severe_tickets_91d": len([ticket for ticket in quarter if _is_severe(ticket)]),
        "severe_tickets_open": len([ticket for ticket in waiting if _is_severe(ticket)]),
        "oldest_open_ticket_days": max(_ages(waiting, as_of), default=None),
    }
    for length in (91, 182):
        done = [ticket for ticket in tickets if is_in(ticket["resolved_at"], as_of, length)]
        spent = [(ticket["resolved_at"] - ticket["opened_at"]).days for ticket in done]
        found[f"days_to_resolve_{length}d"] = mean(spent)
        rated = [ticket["csat"] for ticket in done if ticket["csat"] is not None]
        found[f"ticket_csat_{length}d"] = mean(rated)
    return found


def early_tickets(company: Company, account_id: str, as_of: date, days: int) -> int:
    """The tickets opened in the account's first days."""
    start = first_start(company, account_id, as_of)
    tickets = known_rows(company, "tickets", account_id, as_of)
    opened = [ticket["opened_at"] for ticket in tickets if is_known(ticket["opened_at"], as_of)]
    return len([day for day in opened if start is not None and 0 <= (day - start).days < days])


def _ages(tickets: list[Row], as_of: date) -> list[int]:
    return [age for ticket in tickets if (age := ago(ticket["opened_at"], as_of)) is not None]


def _is_severe(ticket: Row) -> bool:
    return ticket["severity"] is not None and ticket["severity"].lower() in _SEVERE
