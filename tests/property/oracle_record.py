"""The oracle's records: the rows of a table known on a day, and the account's first start."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from tests.property.company import Company, Row
from tests.property.oracle_contract import is_known, known_terms
from tests.property.oracle_use import last_day_covered

_OWN_DATE = {"tickets": "opened_at", "invoices": "issued_at"}


def known_rows(company: Company, table: str, account_id: str, on: date) -> list[Row]:
    """The account's rows of a table that count on the midnight ``on``."""
    mine = [row for row in company.tables[table] if row["account_id"] == account_id]
    return [row for row in mine if is_known(row["known_at"] or row[_OWN_DATE[table]], on)]


def known_days(company: Company, table: str, account_id: str, on: date) -> list[Row]:
    """The same of a table whose rows stand for a period; ``day`` is its last day."""
    rows = []
    for row in company.tables[table]:
        day = last_day_covered(row["ts"], company.settings["time"]["grain"])
        known = max(day, row["known_at"] or row["ts"])
        if row["account_id"] == account_id and is_known(known, on):
            rows.append({**row, "day": day, "kind": row["kind"].lower()})
    return rows


def first_start(company: Company, account_id: str, on: date) -> date | None:
    """The start of the account's first contract, known and begun by then."""
    terms = [term for term in known_terms(company, on) if term.account == account_id]
    return min((term.start for term in terms if term.start <= on), default=None)


def ago(day: date | None, on: date) -> int | None:
    """Whole days from a day to the midnight ``on``."""
    return None if day is None else (on - day).days


def is_in(day: date | None, on: date, length: int, back: int = 0) -> bool:
    """Whether a day is one of the ``length`` days that end ``back`` days ago."""
    age = ago(day, on)
    return age is not None and back < age <= back + length


def mean(values: Iterable[float]) -> float | None:
    """The mean, missing of nothing."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else None
