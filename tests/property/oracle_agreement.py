"""The oracle's contract features: the row's own contract, and all that the account has."""

from __future__ import annotations

from datetime import date

from tests.property.company import Company
from tests.property.oracle_contract import (
    Term,
    decision_date,
    find_predecessor,
    is_known,
    running,
)
from tests.property.oracle_label import arr_of, currency_of, grace_days
from tests.property.oracle_money import change, money_of, ratio, sum_whole

Value = float | str | None


def contract_features(
    company: Company, terms: list[Term], focus: Term | None, as_of: date
) -> dict[str, Value]:
    """What was agreed; ``terms`` are the account's, ``focus`` is the row's."""
    active = running(terms, terms[0].account, as_of) if terms else []
    asked = active or ([focus] if focus else [])  # in grace the contract that has just ended
    seats = sum_whole(term.row["seats"] for term in asked)
    arr = sum_whole(money_of(company, term.row, as_of) for term in asked)
    started = [term for term in terms if term.start <= as_of]
    return {
        "arr": arr,
        "seats": seats,
        "arr_per_seat": ratio(arr, seats),
        "contracts": len(active),
        "tenure_days": max(((as_of - term.start).days for term in started), default=None),
        "products": _kinds(active, "product"),
        "plans": _kinds(active, "plan"),
        "value_to_date": sum_whole(_paid(company, term, as_of) for term in started),
        "arr_ending_91d": _ending_share(company, active, as_of),
        **_focus_features(company, focus, terms, as_of),
    }


def _kinds(active: list[Term], name: str) -> int | None:
    kinds = {term.row[name] for term in active}
    return None if not kinds or None in kinds else len(kinds)


def _paid(company: Company, term: Term, as_of: date) -> float | None:
    """What a term has brought in so far, at its ARR."""
    yearly = money_of(company, term.row, as_of)
    days = (min(as_of, term.end) - term.start).days
    return None if yearly is None else yearly * days / 365


def _ending_share(company: Company, active: list[Term], as_of: date) -> float | None:
    arr = sum_whole(money_of(company, term.row, as_of) for term in active)
    ending = [term for term in active if (term.end - as_of).days <= 91]
    if not arr:
        return None
    return (sum_whole(money_of(company, term.row, as_of) for term in ending) or 0) / arr


_OF_FOCUS = ["terms_before", "term_days", "days_to_renewal", "days_to_decision", "auto_renew"]
_OF_FOCUS += ["billing_period_months", "discount", "price_change", "arr_change", "term_months"]
_OF_FOCUS += ["notice_days", "days_since_term_start", "term_elapsed", "deciding_soon"]
_OF_FOCUS += ["signed_before_start", "discount_change"]


def _focus_features(
    company: Company, focus: Term | None, terms: list[Term], as_of: date
) -> dict[str, Value]:
    if focus is None:
        return dict.fromkeys(_OF_FOCUS)
    row, end, decision = focus.row, focus.row["end_date"], decision_date(focus.row)
    before = find_predecessor(focus, terms, grace_days(company))
    same_money = before is not None and currency_of(before.row) == currency_of(row)
    earlier = before.row if before is not None and same_money else {}
    arr = arr_of(row) if earlier else None
    arr_before = arr_of(earlier) if earlier else None
    price, price_before = ratio(arr, row["seats"]), ratio(arr_before, earlier.get("seats"))
    discounts = (row["discount"], before.row["discount"] if before else None)
    to_decision = (decision - as_of).days if decision else None
    signed = row["signed_at"] if is_known(row["signed_at"], as_of) else None
    return {
        "terms_before": len([term for term in terms if term.start < focus.start]),
        "term_days": (end - focus.start).days if end else None,
        "term_months": row["term_months"],
        "days_since_term_start": (as_of - focus.start).days,
        "term_elapsed": min(1, (as_of - focus.start) / (end - focus.start)) if end else None,
        "days_to_renewal": (end - as_of).days if end else None,
        "days_to_decision": to_decision,
        "deciding_soon": None if to_decision is None else int(0 <= to_decision <= 60),
        "notice_days": row["notice_days"],
        "auto_renew": None if row["auto_renew"] is None else int(row["auto_renew"]),
        "billing_period_months": row["billing_period_months"],
        "signed_before_start": (focus.start - signed).days if signed else None,
        "discount": row["discount"],
        "discount_change": None if None in discounts else discounts[0] - discounts[1],
        "price_change": change(price, price_before),
        "arr_change": change(arr, arr_before),
    }
