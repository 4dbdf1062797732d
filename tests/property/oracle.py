"""The oracle: every feature of the catalogue by plain loops over plain rows.

Written from the meaning of each feature, not from its SQL; slow, and simple enough to be believed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from tests.property.company import Company, Row
from tests.property.oracle_contract import (
    Term,
    decision_date,
    find_predecessor,
    is_known,
    known_terms,
    running,
)
from tests.property.oracle_label import arr_of, currency_of, grace_days
from tests.property.oracle_use import known_measures, known_usage, window_days

Value = float | str | None
KEY_ROLES = ("champion", "executive", "admin", "contact")
WINDOWS = (7, 28, 91)


def features_of(
    company: Company, account_id: str, contract_id: str | None, as_of: date
) -> dict[str, Value]:
    """Every feature of a row by name; None is missing."""
    return {
        **_usage_features(company, account_id, as_of),
        **_people_features(company, account_id, as_of),
        **_contract_features(company, account_id, contract_id, as_of),
        **_measure_features(company, account_id, as_of),
        **_attributes(company, account_id, contract_id, as_of),
    }


def ratio(part: float | None, whole: float | None) -> float | None:
    """One number over another; missing when either is, or when there is nothing to divide by."""
    return None if part is None or not whole else part / whole


def change(now: float | None, before: float | None) -> float | None:
    """The relative change; missing when there was nothing before."""
    share = ratio(now, before)
    return None if share is None else share - 1


def _count(uses: Iterable[Row], *, value: bool = False, company: Company | None = None) -> float:
    kinds = company.settings["catalogue"] if company else {}
    return float(
        sum(u["count"] for u in uses if not value or kinds.get(u["event"], {}).get("value_action"))
    )


def _users(uses: Iterable[Row]) -> list[str]:
    return sorted({use["user_id"] for use in uses if use["user_id"] is not None})


def _modules(uses: Iterable[Row], company: Company) -> set[str]:
    kinds = company.settings["catalogue"]
    found = {kinds.get(use["event"], {}).get("module") for use in uses}
    return {module for module in found if module is not None}


def _usage_features(company: Company, account_id: str, as_of: date) -> dict[str, Value]:
    uses = known_usage(company, account_id, as_of)
    kinds = company.settings["catalogue"]

    def window(length: int, back: int = 0) -> list[Row]:
        days = window_days(as_of, length, back)
        return [use for use in uses if use["day"] in days]

    found: dict[str, Value] = {}
    for length in WINDOWS:
        found[f"events_{length}d"] = _count(window(length))
        found[f"active_users_{length}d"] = len(_users(window(length)))
        found[f"active_days_{length}d"] = len({use["day"] for use in window(length)})
        found[f"value_actions_{length}d"] = _count(window(length), value=True, company=company)
    month, month_before = window(28), window(28, 28)
    users, events = len(_users(month)), _count(month)
    value = _count(month, value=True, company=company)
    user_days = {(use["user_id"], use["day"]) for use in month if use["user_id"] is not None}
    by_user = [_count(u for u in month if u["user_id"] == user) for user in _users(month)]
    core = [event for event, kind in kinds.items() if kind.get("core")]
    found["stickiness_28d"] = ratio(len(user_days) / 28, users)
    found["events_per_user_28d"] = ratio(events, users)
    found["value_share_28d"] = ratio(value, events)
    found["value_per_user_28d"] = ratio(value, users)
    found["features_used_28d"] = len({use["event"] for use in month})
    found["modules_used_28d"] = len(_modules(month, company))
    found["core_share_28d"] = len({u["event"] for u in month if u["event"] in core}) / len(core)
    found["top_user_share_28d"] = ratio(max(by_user, default=0.0), events)
    found["days_since_use"] = min(((as_of - use["day"]).days for use in uses), default=None)
    age = max(((as_of - use["day"]).days for use in uses), default=None)
    found["first_use_days"] = age  # no feature of its own; tenure reads it

    def once_used_for(days: int, figure: float | None) -> float | None:
        return figure if age is not None and age >= days else None

    week = change(_count(window(7)), _count(window(7, 7)))
    before_value = _count(month_before, value=True, company=company)
    usual = change(events / 28, _count(window(91, 28)) / 91)
    quarter = len(_modules(window(91), company)) - len(_modules(window(91, 91), company))
    found["events_change_7d"] = once_used_for(14, week)
    found["events_change_28d"] = once_used_for(56, change(events, _count(month_before)))
    found["users_change_28d"] = once_used_for(56, change(users, len(_users(month_before))))
    found["value_change_28d"] = once_used_for(56, change(value, before_value))
    found["events_vs_usual"] = once_used_for(119, usual)
    found["modules_change_91d"] = once_used_for(182, quarter)
    return found


def _known_people(company: Company, account_id: str, as_of: date) -> list[Row]:
    """The latest known version of each user of the account."""
    always = company.settings["attributes"].get("users.role", {}).get("constant", False)
    latest: dict[str, tuple[date, Row]] = {}
    for row in company.tables["users"]:
        known = row.get("known_at") or row["activated_at"]
        if always and known is None:
            known = date.min
        if row["account_id"] != account_id or not is_known(known, as_of):
            continue
        if row["user_id"] not in latest or known > latest[row["user_id"]][0]:
            latest[row["user_id"]] = (known, row)
    return [row for _, row in latest.values()]


def _people_features(company: Company, account_id: str, as_of: date) -> dict[str, Value]:
    people = _known_people(company, account_id, as_of)
    uses = known_usage(company, account_id, as_of)

    def is_gone(person: Row, within: int | None = None) -> bool:
        """Deactivated by now, and if asked for not longer ago than so many days."""
        day = person["deactivated_at"]
        return is_known(day, as_of) and (within is None or (as_of - day).days <= within)

    def silence(some: list[Row]) -> int | None:
        """Days since any of them last used the product."""
        ids = [person["user_id"] for person in some]
        ages = [(as_of - use["day"]).days for use in uses if use["user_id"] in ids]
        return min(ages, default=None)

    key = [person for person in people if person["role"] in KEY_ROLES]
    active = [p for p in key if not is_gone(p) and (silence([p]) or 999) <= 28]
    activated = [p for p in people if is_known(p["activated_at"], as_of) and not is_gone(p)]
    return {
        "days_since_key_user": silence(key),
        "days_since_champion": silence([p for p in key if p["role"] == "champion"]),
        "key_users_active": len(active) if key else None,
        "key_users_gone_91d": len([p for p in key if is_gone(p, 91)]) if key else None,
        "users_deactivated_28d": len([p for p in people if is_gone(p, 28)]) if people else None,
        "users_activated": len(activated) if people else None,  # activation_ratio reads it
    }


def rate_to_dollars(company: Company, row: Row, as_of: date) -> float | None:
    """The last rate known before the as-of date of the contract's currency."""
    currency = currency_of(row)
    if currency == "USD":
        return 1.0
    known = [
        (rate["date"], rate["rate"])
        for rate in company.tables["rates"]
        if rate["currency"] == currency
        and is_known(rate["date"], as_of)
        and is_known(rate["known_at"] or rate["date"], as_of)
    ]
    return max(known)[1] if known else None


def money_of(company: Company, row: Row, as_of: date) -> float | None:
    """A contract's ARR in the reporting currency."""
    arr, rate = arr_of(row), rate_to_dollars(company, row, as_of)
    return None if arr is None or rate is None else arr * rate


def sum_known(values: Iterable[float | None]) -> float | None:
    """The sum of what is known; missing when nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def sum_whole(values: Iterable[float | None]) -> float | None:
    """The sum; missing when there is nothing, or when a part of it is not known."""
    parts = list(values)
    known = [part for part in parts if part is not None]
    return sum(known) if known and len(known) == len(parts) else None


def _contract_features(
    company: Company, account_id: str, contract_id: str | None, as_of: date
) -> dict[str, Value]:
    terms = [t for t in known_terms(company, as_of) if t.account == account_id]
    focus = next((term for term in terms if term.id == contract_id), None)
    active = running(terms, account_id, as_of)
    asked = active or ([focus] if focus else [])  # in grace the contract that has just ended
    seats = sum_whole(term.row["seats"] for term in asked)
    starts = [term.start for term in terms if term.start <= as_of]
    uses = _usage_features(company, account_id, as_of)
    activated = _people_features(company, account_id, as_of)["users_activated"]
    users = uses["active_users_28d"]
    assert not isinstance(activated, str)
    assert not isinstance(users, str)
    tenure = (as_of - min(starts)).days if starts else uses["first_use_days"]
    return {
        "arr": sum_whole(money_of(company, term.row, as_of) for term in asked),
        "seats": seats,
        "contracts": len(active),
        "tenure_days": tenure,
        "login_ratio_28d": ratio(users, seats),
        "activation_ratio": ratio(activated, seats),
        **_focus_features(company, focus, terms, as_of),
    }


_OF_FOCUS = ["terms_before", "term_days", "days_to_renewal", "days_to_decision", "auto_renew"]
_OF_FOCUS += ["billing_period_months", "discount", "price_change", "arr_change"]


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
    return {
        "terms_before": len([term for term in terms if term.start < focus.start]),
        "term_days": (end - focus.start).days if end else None,
        "days_to_renewal": (end - as_of).days if end else None,
        "days_to_decision": (decision - as_of).days if decision else None,
        "auto_renew": None if row["auto_renew"] is None else int(row["auto_renew"]),
        "billing_period_months": row["billing_period_months"],
        "discount": row["discount"],
        "price_change": change(price, price_before),
        "arr_change": change(arr, arr_before),
    }


def _measure_features(company: Company, account_id: str, as_of: date) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, declared in company.settings["measures"].items():
        rows = known_measures(company, account_id, name, as_of)
        now = [row["value"] for row in rows if row["day"] in window_days(as_of, 28)]
        before = [row["value"] for row in rows if row["day"] in window_days(as_of, 28, 28)]
        if declared["kind"] == "flow":
            found[f"{name}_28d"] = sum_known(now)
            found[f"{name}_change_28d"] = change(sum_known(now), sum_known(before))
            continue
        latest = max(((row["day"], row["known"], row["value"]) for row in rows), default=None)
        found[f"{name}_level"] = latest[2] if latest else None
        found[f"{name}_change_28d"] = change(_mean(now), _mean(before))
    return found


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _attributes(
    company: Company, account_id: str, contract_id: str | None, as_of: date
) -> dict[str, Value]:
    versions = [row for row in company.tables["accounts"] if row["account_id"] == account_id]
    versions.sort(key=lambda row: row["known_at"])
    known = [row for row in versions if is_known(row["known_at"], as_of)]
    terms = [term for term in known_terms(company, as_of) if term.id == contract_id]
    return {
        "channel": known[-1]["channel"] if known else None,
        "people": known[-1]["people"] if known else None,
        "origin": versions[-1]["origin"],
        "sold_by": terms[0].row["sold_by"] if terms else None,
    }
