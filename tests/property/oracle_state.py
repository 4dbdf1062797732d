"""The oracle's states: what is still to be decided about an account, and when."""

from __future__ import annotations

from datetime import date, timedelta

from tests.property.company import Company, Row
from tests.property.oracle_contract import Term, decision_date, find_successor, known_terms
from tests.property.oracle_label import grace_days
from tests.property.oracle_money import money_of, sum_whole

_ORDER = ("to_decide", "no_term", "in_grace", "notice_given", "renewed", "auto_renewed")


def states_of(company: Company, as_of: date) -> list[Row]:
    """One row per account that is a customer on the as-of date, in grace included."""
    terms = known_terms(company, as_of)
    rows = []
    for account_id in sorted({term.account for term in terms}):
        mine = [term for term in terms if term.account == account_id]
        seen = [(state, term) for term in mine if (state := _state(company, term, mine, as_of))]
        if seen:
            rows.append(_row(company, account_id, seen, mine, as_of))
    return rows


def _state(company: Company, term: Term, terms: list[Term], as_of: date) -> str:
    """The state of one term; empty when it is over or has not begun."""
    grace = grace_days(company)
    decision = decision_date(term.row)
    followed = find_successor(term, terms, grace) is not None
    if term.start > as_of:
        return ""
    if term.end <= as_of:
        decided = followed or term.under_notice or term.ended_early
        if decided or as_of > term.end + timedelta(days=grace):
            return ""
        if decision is not None and as_of <= decision:
            return "to_decide"
        renews_itself = term.row["auto_renew"] and as_of <= term.row["end_date"]
        return "auto_renewed" if renews_itself else "in_grace"
    if followed:
        return "renewed"
    if term.under_notice:
        return "notice_given"
    if decision is None:
        return "no_term"
    return "auto_renewed" if term.row["auto_renew"] and as_of > decision else "to_decide"


def _row(
    company: Company, account_id: str, seen: list[tuple[str, Term]], terms: list[Term], as_of: date
) -> Row:
    renewal = company.settings["labels"]["renewal"]

    def is_due(state: str, term: Term) -> bool:
        decision = decision_date(term.row)
        if renewal is None or decision is None or state not in ("to_decide", "in_grace"):
            return False
        return as_of >= decision - timedelta(days=renewal["max_lead_days"])

    def urgency(found: tuple[str, Term]) -> tuple[bool, date, int, date, str]:
        state, term = found
        due = is_due(state, term)
        by = (decision_date(term.row) if due else None) or date.min
        return (not due, by, _ORDER.index(state), term.end, term.id)

    state, term = min(seen, key=urgency)
    money = money_of(company, term.row, as_of)
    active = [t for _, t in seen if as_of < t.end]
    noticed = [t for s, t in seen if s == "notice_given"]
    young = (as_of - min(t.start for t in terms)).days < 28
    running_money = sum_whole(money_of(company, t.row, as_of) for t in active)
    return {
        "account_id": account_id,
        "state": "too_little_history" if young and state in ("to_decide", "no_term") else state,
        "contract_id": term.id,
        "decision_date": decision_date(term.row),
        "renewal_date": term.row["end_date"],
        "due": is_due(state, term),
        "arr": running_money if active else money,
        "arr_of_due": sum_whole(money_of(company, t.row, as_of) for s, t in seen if is_due(s, t)),
        "arr_of_notice": sum_whole(money_of(company, t.row, as_of) for t in noticed),
    }
