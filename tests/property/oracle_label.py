"""The oracle's cohorts and labels: who was there, and what then happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from tests.property.company import Company, Row
from tests.property.oracle_contract import (
    FOREVER,
    Term,
    contract_rows,
    decision_date,
    end_known,
    find_successor,
    known_day,
    known_terms,
    naming,
    running,
)
from tests.property.oracle_use import known_measures, known_usage


def grace_days(company: Company) -> int:
    """The grace period that decides whether a successor is known: of renewals, else of churn."""
    labels = company.settings["labels"]
    grace: int = (labels["renewal"] or labels["churn"])["grace_days"]
    return grace


def churn_rows(company: Company, as_of: date) -> list[Row]:
    """The accounts active on the as-of date, and whether and when they left."""
    churn = company.settings["labels"]["churn"]
    by_contract, by_silence = "contract" in churn["by"], "inactivity" in churn["by"]
    silences = silent_from(company, as_of) if by_silence else {}
    cohort: dict[str, Term | None] = dict.fromkeys(silences)
    if by_contract:
        cohort = _contract_cohort(company, as_of)
    first = as_of + timedelta(days=churn["lead_days"])
    last = first + timedelta(days=churn["horizon_days"])
    waits = [churn["grace_days"] + 1] * by_contract
    waits += [churn["inactivity"]["silent_days"]] * by_silence
    rows = []
    for account_id, focus in cohort.items():
        left = _left_on(company, account_id, as_of) if by_contract else None
        silent = silences.get(account_id)
        too_late = bool((left and left <= first) or (silent and silent < first))
        gone = (left and first < left <= last) or (silent and first <= silent <= last)
        rows.append(
            {
                "account_id": account_id,
                "contract_id": focus.id if focus else None,
                "too_late": too_late,
                "label": int(bool(gone) and not too_late),
                "left_on": min((day for day in (left, silent) if day), default=None),
                "label_known_at": last + timedelta(days=max(waits)),
            }
        )
    return rows


def _contract_cohort(company: Company, as_of: date) -> dict[str, Term | None]:
    """Accounts with a running contract, and the running one that ends next."""
    terms = known_terms(company, as_of)
    cohort: dict[str, Term | None] = {}
    for account_id in sorted({term.account for term in terms}):
        active = running(terms, account_id, as_of)
        if active:
            cohort[account_id] = min(active, key=lambda term: (term.end, term.id))
    return cohort


def _left_on(company: Company, account_id: str, as_of: date) -> date | None:
    """The day on which an active account left, in hindsight: walk from term to term."""
    grace = timedelta(days=company.settings["labels"]["churn"]["grace_days"])
    active = running(known_terms(company, as_of), account_id, as_of)
    hindsight = [t for t in known_terms(company, company.data_end) if t.account == account_id]
    covered_to = max(end_known(term.row, company.data_end) for term in active)
    moved = True
    while moved and covered_to < FOREVER:
        moved = False
        for term in hindsight:
            begun = max(term.start, known_day(term.row))
            if begun < term.end and begun <= covered_to + grace and term.end > covered_to:
                covered_to, moved = term.end, True
                break
    return None if covered_to == FOREVER else covered_to


def silent_from(company: Company, as_of: date) -> dict[str, date | None]:
    """Accounts active in the days before, and the first day of their silence within reach."""
    churn = company.settings["labels"]["churn"]
    rule, reach = churn["inactivity"], churn["lead_days"] + churn["horizon_days"]
    silent_days = rule["silent_days"]
    wait_for = max(silent_days, (churn["grace_days"] + 1) * ("contract" in churn["by"]))
    label_known = as_of + timedelta(days=reach + wait_for)
    seen_by = company.data_end if "measure" in rule else min(label_known, company.data_end)
    before = [as_of - timedelta(days=n) for n in range(1, silent_days + 1)]
    found: dict[str, date | None] = {}
    for account_id in sorted({row["account_id"] for row in company.tables["accounts"]}):
        seen = _activity(company, account_id, rule, on=as_of)
        ahead = _activity(company, account_id, rule, on=seen_by)
        if sum(seen.get(day, 0.0) for day in before) <= 0:
            continue  # was not active
        own_level = sum(seen.get(day, 0.0) for day in before) / silent_days
        found[account_id] = None
        for wait in range(reach + 1):
            first = as_of + timedelta(days=wait)
            days = [first + timedelta(days=n) for n in range(silent_days)]
            level = sum(ahead.get(day, 0.0) for day in days) / silent_days
            quiet = level < rule["below_share"] * own_level if "measure" in rule else level == 0
            if quiet:
                found[account_id] = first
                break
    return found


def _activity(
    company: Company,
    account_id: str,
    rule: dict[str, Any],  # Any: the section inactivity
    *,
    on: date,
) -> dict[date, float]:
    """How much was done on each day, as known on ``on``."""
    done: dict[date, float] = {}
    if "measure" in rule:
        for measure in known_measures(company, account_id, rule["measure"], on):
            done[measure["day"]] = done.get(measure["day"], 0.0) + measure["value"]
        return done
    for use in known_usage(company, account_id, on):
        if "events" not in rule or use["event"] in rule["events"]:
            done[use["day"]] = done.get(use["day"], 0.0) + use["count"]
    return done


def renewal_rows(company: Company, as_of: date) -> list[Row]:
    """The contracts still to be decided on the as-of date, and how they were decided."""
    renewal = company.settings["labels"]["renewal"]
    grace = renewal["grace_days"]
    terms = known_terms(company, as_of)
    hindsight = known_terms(company, company.data_end)
    rows = []
    for term in terms:
        decision, end = decision_date(term.row), term.row["end_date"]
        if decision is None or term.start > as_of:
            continue
        too_early = as_of < decision - timedelta(days=renewal["max_lead_days"])
        too_late = as_of > end + timedelta(days=grace)
        renews_itself = term.row["auto_renew"] and decision < as_of <= end
        decided = term.ended_early or term.under_notice or find_successor(term, terms, grace)
        if too_early or too_late or renews_itself or decided:
            continue
        by_then = _known_by(company, end + timedelta(days=grace), hindsight)
        successor = find_successor(_in_hindsight(company, term), by_then, grace)
        rows.append(
            {
                "account_id": term.account,
                "contract_id": term.id,
                "decision_date": decision,
                "overdue": as_of > decision,
                "label": int(successor is None),
                "outcome": _outcome(term, successor),
                "label_known_at": end + timedelta(days=grace + 1),
            }
        )
    return rows


def _known_by(company: Company, day: date, hindsight: list[Term]) -> list[Term]:
    """The terms in hindsight that were known by the end of a day, naming only such ones."""
    known = [row for row in contract_rows(company) if known_day(row) <= day]
    there = [term for term in hindsight if known_day(term.row) <= day]
    rows = naming([term.row for term in there], known)
    return [replace(term, row=row) for term, row in zip(there, rows, strict=True)]


def _in_hindsight(company: Company, term: Term) -> Term:
    end = end_known(term.row, company.data_end)
    return Term(term.id, term.account, term.start, end, False, False, term.row)


def _outcome(term: Term, successor: Term | None) -> str:
    """Lost, or the money before and after compared in the contract's own currency."""
    if successor is None:
        return "lost"
    before, after = arr_of(term.row), arr_of(successor.row)
    if not before or after is None or currency_of(term.row) != currency_of(successor.row):
        return "renewed"
    if after < 0.99 * before:
        return "reduced"
    return "expanded" if after > 1.01 * before else "flat"


def arr_of(row: Row) -> float | None:
    """A contract's ARR in its own currency; of a monthly amount twelve times that."""
    arr: float | None = row["arr"]
    if arr is None and row["mrr"] is not None:
        arr = 12 * row["mrr"]
    return arr


def currency_of(row: Row) -> str:
    """A contract's currency; without one it is in the reporting currency."""
    currency: str = row["currency"] or "USD"
    return currency
