"""Random records of a company's dealings with an account, dense around the edges of windows.

Each row comes from a seed of its own, so that hypothesis can take rows away one by one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

Row = dict[str, Any]  # Any: a cell is a date, a number, a text, a flag or missing
Maker = Callable[[random.Random, "Days", str], Row]
_AGES = (-3, -1, 0, 1, 2, 27, 28, 29, 30, 31, 56, 90, 91, 92, 181, 182, 183, 364, 365, 366)
_AFTER_START = (-1, 0, 1, 29, 30, 31, 90, 91, 92)
TABLES = ("tickets", "surveys", "touchpoints", "invoices", "milestones")


class Days:
    """Days at the edges of what counts: before as-of dates and after an account's starts."""

    def __init__(self, dates: Sequence[date], starts: Sequence[date]) -> None:
        self._dates = [day - timedelta(days=age) for day in dates for age in _AGES]
        self._starts = [day + timedelta(days=age) for day in starts for age in _AFTER_START]

    def pick(self, chance: random.Random) -> date:
        """A day of either sort."""
        near_start = self._starts and chance.random() < 0.3
        return chance.choice(self._starts if near_start else self._dates)

    def after(self, chance: random.Random, day: date) -> date:
        """The same or a later day."""
        later = [other for other in self._dates if other >= day]
        soon = day + timedelta(days=chance.choice((0, 1, 7, 30)))
        return chance.choice([*later, soon, soon])


def _known_at(chance: random.Random, days: Days, day: date) -> date | None:
    """When the row was known: mostly on its day, else late, now and then before."""
    if chance.random() < 0.6:
        return None
    return day - timedelta(days=8) if chance.random() < 0.2 else days.after(chance, day)


def _ticket(chance: random.Random, days: Days, account_id: str) -> Row:
    opened = days.pick(chance)
    return {
        "ticket_id": f"{account_id}-{chance.randrange(10**12)}",
        "account_id": account_id,
        "opened_at": opened,
        "resolved_at": chance.choice([None, days.after(chance, opened)]),
        "severity": chance.choice(["High", "p1", "low", "urgent", None]),
        "escalated": chance.choice([True, True, False, None]),
        "csat": chance.choice([None, 1.0, 2.0, 5.0]),
        "known_at": _known_at(chance, days, opened),
    }


def _survey(chance: random.Random, days: Days, account_id: str) -> Row:
    day = days.pick(chance)
    return {
        "account_id": account_id,
        "user_id": chance.choice(["u1", "u2", "u3", None]),
        "ts": day,
        "kind": chance.choice(
            ["nps", "NPS", "nps", "csat", "csat", "ces", "csm_sentiment", "csm_sentiment"]
        ),
        "value": float(chance.choice([0, 1, 2, 3, 6, 7, 9])),
        "known_at": _known_at(chance, days, day),
    }


def _touchpoint(chance: random.Random, days: Days, account_id: str) -> Row:
    day = days.pick(chance)
    return {
        "account_id": account_id,
        "ts": day,
        "kind": chance.choice(["qbr", "training", "call", "QBR", "email"]),
        "initiated_by": chance.choice(["vendor", "Vendor", "customer", None]),
        "outcome": None,
        "known_at": _known_at(chance, days, day),
    }


def _invoice(chance: random.Random, days: Days, account_id: str) -> Row:
    issued = days.pick(chance)
    due = chance.choice([None, days.after(chance, issued), days.after(chance, issued)])
    return {
        "account_id": account_id,
        "issued_at": issued,
        "due_at": due,
        "paid_at": chance.choice([None, days.after(chance, issued)]),
        "amount": chance.choice([None, 10.0, 20.0, 40.0]),
        "known_at": _known_at(chance, days, issued),
    }


def _milestone(chance: random.Random, days: Days, account_id: str) -> Row:
    planned = chance.choice([None, days.pick(chance), days.pick(chance)])
    return {
        "account_id": account_id,
        "kind": chance.choice(["onboarding", "Goal", "goal", "other"]),
        "name": None,
        "planned_at": planned,
        "reached_at": chance.choice([None, days.pick(chance)]),
        "known_at": chance.choice([None, None, days.pick(chance)]),
    }


_MAKERS: dict[str, Maker] = {
    "tickets": _ticket,
    "surveys": _survey,
    "touchpoints": _touchpoint,
    "invoices": _invoice,
    "milestones": _milestone,
}


def record_rows(
    table: str, account_id: str, dates: Sequence[date], starts: Sequence[date]
) -> st.SearchStrategy[list[Row]]:
    """Up to six rows of an account in one of ``TABLES``."""
    days = Days(dates, starts)

    def make(seed: int) -> Row:
        return _MAKERS[table](random.Random(f"{table}{account_id}{seed}"), days, account_id)

    return st.lists(st.integers(0, 2**31), max_size=6, unique=True).map(
        lambda seeds: [make(seed) for seed in seeds]
    )
