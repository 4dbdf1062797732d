"""What the page on modules and cohorts counts, from the lives that a reader may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from models.cohort_page import (
    YEAR_DAYS,
    Adoption,
    Contacts,
    Funnel,
    Retention,
    Span,
    adopt_by_module,
    cohort_begin,
    contact_by_stage,
    retain_by_cohort,
    value_funnels,
)
from models.life import Life

MONTHS = (3, 6, 12, 18, 24, 36)
SURPRISING = 3.0  # losses to expect where none is seen: chance alone does that 5 times of 100
MOST_COHORTS = 16  # more of them, and they become half-years


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Figures of a snapshot under one row filter.

    Parameters
    ----------
    as_of : date
    customers, left : int
        Accounts that are customers, and that were.
    adoption : sequence of Adoption
        The most used module first; empty where usage tells none.
    span : {'quarter', 'half'}
        Of the cohorts.
    retention : sequence of Retention
        By `MONTHS`, the newest cohort first; at most `MOST_COHORTS`.
    usual : sequence of float or None
        Retention over all shown cohorts of which it is known, by `MONTHS`, without `survivors`.
    first_loss : date or None
        When the first of these accounts left.
    survivors : frozenset of date
        Beginnings of cohorts of which `SURPRISING` accounts or more would have left before the
        first loss at the pace since: the tables may hold only those that stayed.
    funnels : sequence of Funnel
        Of the same cohorts.
    older : int
        Accounts of cohorts that are left out.
    contacts : sequence of Contacts
        Empty where they are not known.
    lost : sequence of Life
        Who left in the last `YEAR_DAYS`.
    warnings : mapping of str to int
        Accounts by rule of warnings that stand.
    """

    as_of: date
    customers: int
    left: int
    adoption: Sequence[Adoption]
    span: Span
    retention: Sequence[Retention]
    usual: Sequence[float | None]
    first_loss: date | None
    survivors: frozenset[date]
    funnels: Sequence[Funnel]
    older: int
    contacts: Sequence[Contacts]
    lost: Sequence[Life]
    warnings: Mapping[str, int]


def study(
    lives: Sequence[Life], as_of: date, modules: Iterable[str], marks: Iterable[str | None]
) -> Study:
    """The figures of some lives.

    Parameters
    ----------
    lives : sequence of Life
        Those that the reader may see.
    as_of : date
        Of the snapshot.
    modules : iterable of str
        All of the product.
    marks : iterable of str or None
        Rules of the warnings that stand on each of the accounts, see `models.alert.mark_open`.
    """
    left = sum(life.left_on is not None for life in lives)
    span: Span = "quarter"
    if len({cohort_begin(life.started_on, span) for life in lives}) > MOST_COHORTS:
        span = "half"
    retention = retain_by_cohort(lives, as_of, span=span, months=MONTHS)
    kept = retention[-MOST_COHORTS:]
    adoption = adopt_by_module(lives, sorted(modules))
    since = as_of - timedelta(YEAR_DAYS)
    first = min((life.left_on for life in lives if life.left_on is not None), default=None)
    survivors = _find_survivors(lives, as_of, first, span)
    compared = [one for one in kept if one.begin not in survivors]
    return Study(
        as_of=as_of,
        customers=len(lives) - left,
        left=left,
        adoption=sorted(adoption, key=lambda one: (-one.using, one.module)),
        span=span,
        retention=kept[::-1],
        usual=[_pool(compared, place) for place in range(len(MONTHS))],
        first_loss=first,
        survivors=survivors,
        funnels=value_funnels(lives, as_of, span=span)[-MOST_COHORTS:][::-1],
        older=sum(one.accounts for one in retention[:-MOST_COHORTS]),
        contacts=contact_by_stage(lives),
        lost=[life for life in lives if life.left_on is not None and life.left_on >= since],
        warnings=_count_rules(marks),
    )


def _find_survivors(
    lives: Sequence[Life], as_of: date, first: date | None, span: Span
) -> frozenset[date]:
    """Cohorts of whom nobody left before a day, although at the later pace some would have."""
    if first is None:
        return frozenset()
    days = sum(
        max(0, ((life.left_on or as_of) - max(life.started_on, first)).days) for life in lives
    )
    # Without the first loss itself, which is where the span was made to begin.
    pace = (sum(life.left_on is not None for life in lives) - 1) / max(1, days)
    expected: dict[date, float] = {}
    for life in lives:
        begin = cohort_begin(life.started_on, span)
        before = max(0, (first - life.started_on).days)
        expected[begin] = expected.get(begin, 0.0) + pace * before
    return frozenset(begin for begin, losses in expected.items() if losses >= SURPRISING)


def _pool(cohorts: Sequence[Retention], place: int) -> float | None:
    known = [(one.accounts, share) for one in cohorts if (share := one.shares[place]) is not None]
    accounts = sum(count for count, _ in known)
    return sum(count * share for count, share in known) / accounts if accounts else None


def _count_rules(marks: Iterable[str | None]) -> Mapping[str, int]:
    rules = Counter(rule for mark in marks if mark for rule in set(mark.strip("|").split("|")))
    return dict(rules.most_common())


def find_modules(lives: Iterable[Life], listed: Iterable[str] = ()) -> set[str]:
    """The product's modules: those listed, and those that anybody ever used.

    Parameters
    ----------
    lives : iterable of Life
        Of all accounts: what a product has is no matter of row filters.
    listed : iterable of str
        As a board names them, also what nobody uses.
    """
    found = set(listed)
    for life in lives:
        found.update(life.modules_tried or (), life.modules_used or ())
    return found
