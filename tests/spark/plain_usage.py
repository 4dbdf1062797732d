"""Primitives of usage by a plain loop over the rows, and random rows to compare on."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from features.expression import Primitive

KINDS = {
    "save": {"module": "report", "core": True, "value_action": True},
    "view": {"module": "report", "view": True},
    "export": {"module": "data", "core": True, "hard_to_leave": True},
    "board": {"module": "data", "report": True, "view": True},
    "ping": {},
}
FIRST = date(2025, 1, 1)


@dataclass(frozen=True)
class Use:
    """A row of the rollup, or with ``session`` one of the sessions."""

    account: str
    user: str | None
    event: str
    day: date
    known: date
    events: float
    seconds: float | None
    session: str


@dataclass(frozen=True)
class Look:
    """An account on an as-of date, with the start of its first contract."""

    account: str
    as_of: date
    started: date | None


def random_uses(seed: int, accounts: int = 4, rows: int = 120) -> list[Use]:
    """Rows of a few accounts over some months, some of them late; the last account has none."""
    draw = random.Random(seed)
    uses = []
    for number in range(accounts - 1):
        for _ in range(rows // (number + 1) ** 2):
            day = FIRST + timedelta(days=draw.randrange(200))
            uses.append(
                Use(
                    account=f"a{number}",
                    user=draw.choice(["u1", "u2", "u3", None]),
                    event=draw.choice([*KINDS, "login"]),
                    day=day,
                    known=day + timedelta(days=draw.choice([0, 0, 0, 3, 40])),
                    events=float(draw.choice([1, 2, 5])),
                    seconds=draw.choice([None, 30.0, 90.0]),
                    session=draw.choice(["s1", "s2"]),
                )
            )
    return uses


def random_looks(seed: int, accounts: int = 4) -> list[Look]:
    """Each account on a few as-of dates, before, within and after its use."""
    draw = random.Random(seed)
    looks = []
    for number in range(accounts):
        started = draw.choice([None, FIRST + timedelta(days=draw.randrange(150))])
        looks += [
            Look(f"a{number}", FIRST + timedelta(days=days), started)
            for days in (-5, 1, 20, 60, 100, 150, 199, 200, 230)
        ]
    return looks


def is_same(found: float | None, expected: float | None) -> bool:
    """Whether two figures are equal up to the last digits, or both missing."""
    if found is None or expected is None:
        return found is expected
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)


class History:
    """What was known of an account on an as-of date."""

    def __init__(self, uses: Sequence[Use], look: Look) -> None:
        self.as_of, self.started = look.as_of, look.started
        self.uses = [
            use
            for use in uses
            if use.account == look.account and use.day < look.as_of and use.known < look.as_of
        ]

    def within(self, length: int, back: int = 0) -> list[Use]:
        """The rows of a window."""
        first = self.as_of - timedelta(days=back + length)
        last = self.as_of - timedelta(days=back)
        return [use for use in self.uses if first <= use.day < last]

    def is_kind(self, use: Use, kind: str) -> bool:
        """Whether the event of a row is of this kind."""
        return bool(KINDS.get(use.event, {}).get(kind))

    def module(self, use: Use) -> str | None:
        """The module of a row's event."""
        found = KINDS.get(use.event, {}).get("module")
        return str(found) if found else None

    def value(self, primitive: Primitive) -> float | None:
        """The primitive on this as-of date."""
        figure = getattr(self, primitive.name)
        found: float | None = figure(*primitive.arguments)
        return found

    def events(self, length: int, back: int = 0) -> float:
        return sum(use.events for use in self.within(length, back))

    def _events_of(self, kind: str, length: int, back: int) -> float:
        return sum(use.events for use in self.within(length, back) if self.is_kind(use, kind))

    def value_actions(self, length: int, back: int = 0) -> float:
        return self._events_of("value_action", length, back)

    def views(self, length: int, back: int = 0) -> float:
        return self._events_of("view", length, back)

    def seconds(self, length: int, back: int = 0) -> float:
        return sum(use.seconds or 0 for use in self.within(length, back))

    def sessions(self, length: int, back: int = 0) -> float:
        return len({(use.user, use.session, use.day) for use in self.within(length, back)})

    def module_events(self, name: str, length: int, back: int = 0) -> float:
        return sum(use.events for use in self.within(length, back) if self.module(use) == name)

    def active_days(self, length: int, back: int = 0) -> float:
        return len({use.day for use in self.within(length, back)})

    def _users(self, length: int, back: int = 0) -> set[str]:
        return {use.user for use in self.within(length, back) if use.user}

    def active_users(self, length: int, back: int = 0) -> float:
        return len(self._users(length, back))

    def user_days(self, length: int, back: int = 0) -> float:
        return len({(use.user, use.day) for use in self.within(length, back) if use.user})

    def top_user_events(self, length: int, back: int = 0) -> float:
        rows = self.within(length, back)
        users = self._users(length, back)
        return max((sum(r.events for r in rows if r.user == user) for user in users), default=0)

    def users_gained(self, length: int) -> float:
        return len(self._users(length) - self._users(length, length))

    def users_lost(self, length: int) -> float:
        return len(self._users(length, length) - self._users(length))

    def _features(self, kind: str, length: int, back: int) -> float:
        return len({u.event for u in self.within(length, back) if self.is_kind(u, kind)})

    def active_features(self, length: int, back: int = 0) -> float:
        return len({use.event for use in self.within(length, back)})

    def declared_features(self, length: int, back: int = 0) -> float:
        return len({use.event for use in self.within(length, back) if use.event in KINDS})

    def core_features(self, length: int, back: int = 0) -> float:
        return self._features("core", length, back)

    def hard_to_leave_features(self, length: int, back: int = 0) -> float:
        return self._features("hard_to_leave", length, back)

    def event_used(self, name: str, length: int, back: int = 0) -> float:
        return int(any(use.event == name for use in self.within(length, back)))

    def _modules(self, length: int, back: int = 0) -> set[str]:
        return {name for use in self.within(length, back) if (name := self.module(use))}

    def active_modules(self, length: int, back: int = 0) -> float:
        return len(self._modules(length, back))

    def modules_dropped(self, length: int) -> float:
        return len(self._modules(length, length) - self._modules(length))

    def module_concentration(self, length: int, back: int = 0) -> float | None:
        modules = self._modules(length, back)
        sizes = [self.module_events(name, length, back) for name in modules]
        return sum((size / sum(sizes)) ** 2 for size in sizes) if sizes else None

    def _days_since(self, days: list[date]) -> float | None:
        return (self.as_of - max(days)).days if days else None

    def days_since_use(self) -> float | None:
        return self._days_since([use.day for use in self.uses])

    def days_since_value(self) -> float | None:
        return self._days_since([use.day for use in self.uses if self.is_kind(use, "value_action")])

    @property
    def first_day(self) -> date | None:
        """The first known day of use."""
        return min((use.day for use in self.uses), default=None)

    def days_since_first_use(self) -> float | None:
        return (self.as_of - self.first_day).days if self.first_day else None

    def longest_silence(self, length: int) -> float | None:
        if self.first_day is None:
            return None
        used, longest, run = {use.day for use in self.uses}, 0, 0
        for age in range(length, 0, -1):
            day = self.as_of - timedelta(days=age)
            run = run + 1 if day > self.first_day and day not in used else 0
            longest = max(longest, run)
        return longest

    def _weeks(self, weeks: int) -> list[float]:
        return [self.events(7, 7 * week) for week in range(weeks)]

    def best_week(self, weeks: int) -> float:
        return max(self._weeks(weeks))

    def weekly_slope(self, weeks: int) -> float:
        ys = self._weeks(weeks)[::-1]
        mean_x, mean_y = (weeks - 1) / 2, sum(ys) / weeks
        above = sum((x - mean_x) * (y - mean_y) for x, y in enumerate(ys))
        return above / sum((x - mean_x) ** 2 for x in range(weeks))

    def weeks_declining(self, weeks: int) -> float:
        events, found = self._weeks(weeks), 0
        while found < weeks - 1 and events[found] < events[found + 1]:
            found += 1
        return found

    @property
    def start(self) -> date | None:
        """The start of the first contract, else the first known use."""
        return self.started or self.first_day

    def days_as_customer(self) -> float | None:
        return (self.as_of - self.start).days if self.start else None

    def value_to_date(self) -> float | None:
        if self.start is None:
            return None
        rows = [use for use in self.uses if self.is_kind(use, "value_action")]
        return sum(use.events for use in rows if use.day >= self.start)

    def days_to_first_value(self) -> float | None:
        days = [
            (use.day - self.start).days
            for use in self.uses
            if self.start and use.day >= self.start and self.is_kind(use, "value_action")
        ]
        return min(days, default=None)

    def active_weeks_of_first(self, weeks: int) -> float | None:
        if self.start is None:
            return None
        ages = [(use.day - self.start).days for use in self.uses]
        return len({age // 7 for age in ages if 0 <= age < 7 * weeks})
