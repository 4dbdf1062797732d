"""The oracle's money and arithmetic: rates, sums that must be whole, ratios."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from tests.property.company import Company, Row
from tests.property.oracle_contract import is_known
from tests.property.oracle_label import arr_of, currency_of


def ratio(part: float | None, whole: float | None) -> float | None:
    """One number over another; missing when either is, or when there is nothing to divide by."""
    return None if part is None or not whole else part / whole


def change(now: float | None, before: float | None) -> float | None:
    """The relative change; missing when there was nothing before."""
    share = ratio(now, before)
    return None if share is None else share - 1


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
