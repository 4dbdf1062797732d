"""The oracle's contracts: plain loops over lists of terms."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from tests.property.company import Company, Row

FOREVER = date(9999, 12, 31)


@dataclass(frozen=True)
class Term:
    """A contract as it was known before a day."""

    id: str
    account: str
    start: date
    end: date  # exclusive; FOREVER for an evergreen
    ended_early: bool
    under_notice: bool
    row: Row


def is_known(day: date | None, on: date) -> bool:
    """Whether something of this day was known on the midnight ``on``."""
    return day is not None and day < on


def contract_rows(company: Company) -> list[Row]:
    """The contract rows; of agreements the terms into which they are cut."""
    rows = list(company.tables["contracts"])
    if company.settings["contracts"]["rows"] == "agreement":
        rows = [term for row in rows for term in _cut_agreement(row, company.data_end)]
    return rows


def naming(rows: Iterable[Row], known: Iterable[Row]) -> list[Row]:
    """The rows; those that renew none of their account's other known contracts renew none."""
    there = {(row["account_id"], row["contract_id"]) for row in known}
    return [
        {**row, "renews": row["renews"]}
        if row["renews"] != row["contract_id"] and (row["account_id"], row["renews"]) in there
        else {**row, "renews": None}
        for row in rows
    ]


def known_day(row: Row) -> date:
    """The day from which a contract counts."""
    day: date = row["known_at"] or row["signed_at"] or row["start_date"]
    return day


def _cut_agreement(row: Row, data_end: date) -> list[Row]:
    stops = [day for day in (row["terminated_at"], row["end_date"], data_end) if day is not None]
    stop = min(stops)
    starts = [row["start_date"]]
    while (start := add_months(row["start_date"], row["term_months"] * len(starts))) <= stop:
        if row["end_date"] is not None and start >= row["end_date"]:
            break
        starts.append(start)
    terms: list[Row] = []
    for number, start in enumerate(starts):
        next_start = add_months(row["start_date"], row["term_months"] * (number + 1))
        first = number == 0
        known = known_day(row)
        terms.append(
            {
                **row,
                "contract_id": f"{row['contract_id']}#{number + 1}",
                "start_date": start,
                "end_date": min(next_start, row["end_date"] or FOREVER),
                "renews": row["renews"] if first else f"{row['contract_id']}#{number}",
                "auto_renew": True if row["auto_renew"] is None else row["auto_renew"],
                "terminated_at": row["terminated_at"] if next_start >= stop else None,
                "signed_at": row["signed_at"] if first else None,
                "known_at": known if first else max(known, start - timedelta(days=1)),
            }
        )
    return terms


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def known_terms(company: Company, on: date) -> list[Term]:
    """The contracts known before ``on``, each with the end known by then."""
    terms = []
    known = [row for row in contract_rows(company) if is_known(known_day(row), on)]
    for row in naming(known, known):
        end = end_known(row, on)
        if row["start_date"] >= end:
            continue  # of zero length: valid, and never active
        terms.append(
            Term(
                id=row["contract_id"],
                account=row["account_id"],
                start=row["start_date"],
                end=end,
                ended_early=is_known(row["terminated_at"], on),
                under_notice=is_known(row["notice_given_at"], on),
                row=row,
            )
        )
    return terms


def end_known(row: Row, on: date) -> date:
    """The end of a contract as known on ``on``."""
    end: date = row["end_date"] or FOREVER
    if is_known(row["terminated_at"], on):
        end = min(end, row["terminated_at"])
    return end


def find_successor(term: Term, terms: Iterable[Term], grace: int) -> Term | None:
    """The contract that follows a term: the one that names it, else the account's next."""
    candidates = []
    for other in terms:
        if other.account != term.account or other.id == term.id or term.end == FOREVER:
            continue
        if other.start > term.end + timedelta(days=grace):
            continue
        names_it = other.row["renews"] == term.id
        names_none = other.row["renews"] is None
        if names_it or (names_none and other.start > term.start and other.end > term.end):
            candidates.append((not names_it, other.start, other.end, other.id, other))
    return min(candidates)[-1] if candidates else None


def find_predecessor(term: Term, terms: Iterable[Term], grace: int) -> Term | None:
    """The contract before a term: the one it names, else the last begun that led up to it."""
    candidates = []
    for other in terms:
        if other.account != term.account or other.id == term.id:
            continue
        if term.row["renews"] is not None:
            leads_up = term.row["renews"] == other.id
        else:
            gap_ends = FOREVER if other.end == FOREVER else other.end + timedelta(days=grace)
            leads_up = other.start < term.start <= gap_ends
        if leads_up:
            candidates.append((other.start, other.id, other))
    return max(candidates)[-1] if candidates else None


def decision_date(row: Row) -> date | None:
    """The agreed end less the notice period; None for an evergreen."""
    if row["end_date"] is None:
        return None
    day: date = row["end_date"] - timedelta(days=row["notice_days"] or 0)
    return day


def running(terms: Iterable[Term], account_id: str, as_of: date) -> list[Term]:
    """The account's terms that run on the as-of date."""
    return [t for t in terms if t.account == account_id and t.start <= as_of < t.end]
