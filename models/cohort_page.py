"""Figures of the page on modules and cohorts, from the lives of the accounts that a key may see.

All of them take any lives, so that a row filter is applied before anything is counted. What cannot
be known yet is None, never 0.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Literal

from models.life import Life

Span = Literal["quarter", "half"]
_MONTHS: Mapping[Span, int] = {"quarter": 3, "half": 6}
YEAR_DAYS = 365
STAGES = ("onboarding", "midlife", "renewal")


def cohort_begin(day: date, span: Span) -> date:
    """First day of the quarter or half-year in which a life began."""
    months = _MONTHS[span]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def months_after(day: date, months: int) -> date:
    """The same day so many months later; the last of the month where it has no such day."""
    number = day.year * 12 + day.month - 1 + months
    year, month = divmod(number, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last = (following - date(year, month + 1, 1)).days
    return date(year, month + 1, min(day.day, last))


@dataclass(frozen=True, slots=True)
class Retention:
    """How many of a cohort were still customers.

    Parameters
    ----------
    begin : date
        First day of the cohort's quarter or half-year.
    accounts : int
        How many began in it.
    shares : tuple of float or None
        Share 0-1 that was still a customer when each of the asked months since its own start had
        passed; None until they have passed for every account of the cohort.
    """

    begin: date
    accounts: int
    shares: tuple[float | None, ...]


def retain_by_cohort(
    lives: Iterable[Life], as_of: date, *, span: Span = "quarter", months: Sequence[int]
) -> list[Retention]:
    """Retention of every cohort, the oldest first.

    Parameters
    ----------
    lives : iterable of Life
    as_of : date
        Of the snapshot: what was known before it.
    span : {'quarter', 'half'}
        Of a cohort.
    months : sequence of int
        Months since an account's start.
    """
    found = []
    for begin, cohort in _cohorts(lives, span):
        shares = (_share(cohort, partial(_kept, months=count, as_of=as_of)) for count in months)
        found.append(Retention(begin, len(cohort), tuple(shares)))
    return found


def _kept(life: Life, *, months: int, as_of: date) -> bool | None:
    day = months_after(life.started_on, months)
    if day >= as_of:
        return None
    return life.left_on is None or life.left_on > day


@dataclass(frozen=True, slots=True)
class Funnel:
    """From the start to value and on to the first year's end, for one cohort.

    Parameters
    ----------
    begin : date
        As in `Retention`.
    accounts : int
        How many began in it.
    value_by_day_30, value_by_day_90, customer_at_day_365 : float or None
        Share 0-1 of the cohort; None until known for all of its accounts.
    """

    begin: date
    accounts: int
    value_by_day_30: float | None
    value_by_day_90: float | None
    customer_at_day_365: float | None


def value_funnels(lives: Iterable[Life], as_of: date, *, span: Span = "quarter") -> list[Funnel]:
    """The funnel of every cohort, the oldest first; see `retain_by_cohort`."""

    def after_year(life: Life) -> bool | None:
        if (as_of - life.started_on).days <= YEAR_DAYS:
            return None
        return life.left_on is None or (life.left_on - life.started_on).days > YEAR_DAYS

    return [
        Funnel(
            begin,
            len(cohort),
            _share(cohort, lambda life: life.value_by_day_30),
            _share(cohort, lambda life: life.value_by_day_90),
            _share(cohort, after_year),
        )
        for begin, cohort in _cohorts(lives, span)
    ]


def _cohorts(lives: Iterable[Life], span: Span) -> list[tuple[date, list[Life]]]:
    found: dict[date, list[Life]] = {}
    for life in lives:
        found.setdefault(cohort_begin(life.started_on, span), []).append(life)
    return sorted(found.items())


def _share(cohort: Sequence[Life], told: Callable[[Life], bool | None]) -> float | None:
    """Share of those of whom it holds; None where it is not known of one of them."""
    answers = [told(life) for life in cohort]
    return None if None in answers else sum(map(bool, answers)) / len(answers)


@dataclass(frozen=True, slots=True)
class Adoption:
    """How far a module is taken up by today's customers.

    Parameters
    ----------
    module : str
    customers : int
        Of whom it is known.
    using : int
        Who used it in the 28 days before.
    dropped : int
        Who used it once, and not in these days.
    """

    module: str
    customers: int
    using: int
    dropped: int

    @property
    def never(self) -> int:
        """Who never used it."""
        return self.customers - self.using - self.dropped


def adopt_by_module(lives: Iterable[Life], modules: Sequence[str]) -> list[Adoption]:
    """Adoption of every module, in the given order.

    Parameters
    ----------
    lives : iterable of Life
    modules : sequence of str
        Those of the product, the ones that nobody uses included.
    """
    using: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    customers = 0
    for life in lives:
        if life.left_on is None and life.modules_used is not None:
            customers += 1
            using.update(life.modules_used)
            tried.update({*(life.modules_tried or ()), *life.modules_used})
    return [Adoption(name, customers, using[name], tried[name] - using[name]) for name in modules]


@dataclass(frozen=True, slots=True)
class Contacts:
    """The vendor's contacts at one stage in the last 52 weeks.

    Parameters
    ----------
    stage : str
        One of `STAGES`.
    contacts : int
    weeks : int
        Weeks that all accounts spent there.
    without : int
        Accounts that spent a quarter or more there and heard nothing.
    """

    stage: str
    contacts: int
    weeks: int
    without: int

    @property
    def per_quarter(self) -> float | None:
        """Contacts of an account in 13 weeks; None where nobody was there."""
        return 13 * self.contacts / self.weeks if self.weeks else None


def contact_by_stage(lives: Iterable[Life]) -> list[Contacts]:
    """Contacts at every stage; empty where they are not known."""
    told = [life.contacts for life in lives if life.contacts is not None]
    if not told:
        return []
    found = []
    for stage in STAGES:
        pairs = [contacts.get(stage, (0, 0)) for contacts in told]
        silent = sum(weeks >= 13 and not count for count, weeks in pairs)
        counted, weeks = (sum(pair[place] for pair in pairs) for place in (0, 1))
        found.append(Contacts(stage, counted, weeks, silent))
    return found


@dataclass(frozen=True, slots=True)
class Losses:
    """Accounts lost for one reason.

    Parameters
    ----------
    reason : str or None
        As people told it; None where nobody did.
    accounts : int
    arr : float or None
        What they last paid; None where that is not known of one of them.
    """

    reason: str | None
    accounts: int
    arr: float | None


def lose_by_reason(
    lives: Iterable[Life], reasons: Mapping[str, str], *, since: date | None = None
) -> list[Losses]:
    """Losses by reason, the most frequent first and those without a reason last.

    Parameters
    ----------
    lives : iterable of Life
    reasons : mapping of str to str
        By account id, the last one told; of accounts that are in no life they are left out.
    since : date, optional
        Only who left on or after it.
    """
    lost: dict[str | None, list[Life]] = {}
    for life in lives:
        if life.left_on is not None and (since is None or life.left_on >= since):
            lost.setdefault(reasons.get(life.account_id), []).append(life)
    found = [Losses(reason, len(group), _whole(group)) for reason, group in lost.items()]
    return sorted(found, key=lambda one: (one.reason is None, -one.accounts, one.reason or ""))


def _whole(lives: Sequence[Life]) -> float | None:
    known = [life.arr for life in lives if life.arr is not None]
    return math.fsum(known) if len(known) == len(lives) else None
