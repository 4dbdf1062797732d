"""Were we right? What became of the accounts that an earlier snapshot showed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from models.account_score import Basis, Tier
from models.life import Outcome

KNOWN_SHARE = 0.95  # of a snapshot's probabilities, from which on it is judged


class Claim(NamedTuple):
    """A probability that a snapshot published, with what row filters ask; as in `AccountScore`."""

    account_id: str
    external_id: str | None
    parent_id: str | None
    segment: str | None
    account_tier: str | None
    region: str | None
    owner: str | None
    basis: Basis
    loss_probability: float
    risk_tier: Tier | None
    arr_to_decide: float | None
    rank: int


class Act(NamedTuple):
    """That people said they worked on an account, and the day on which they did."""

    account_id: str
    day: date


Acts = frozenset[Act]


class Maturity(NamedTuple):
    """How much of a snapshot is known.

    Parameters
    ----------
    snapshot_id : str
    as_of : date
    backfilled : bool
        As in `Snapshot`.
    capacity : int or None
        As in `Snapshot`.
    claims, known : int
        Probabilities that it published, and those of which it is known what became of them.
    churn_days : int or None
        Days from the as-of date until the churn label's span ends; None where it was not told.
    """

    snapshot_id: str
    as_of: date
    backfilled: bool
    capacity: int | None
    claims: int
    known: int
    churn_days: int | None = None

    def judges_until(self, basis: Basis, known_on: date) -> date:
        """The day on which the span ends that a probability spoke of, as the labels have it."""
        if basis == "churn" and self.churn_days is not None:
            return self.as_of + timedelta(days=self.churn_days)
        return known_on


@dataclass(frozen=True, slots=True)
class Tally:
    """Some accounts of which it is known what became of them.

    Parameters
    ----------
    accounts, lost : int
    expected : float
        How many were expected to be lost: the sum of their probabilities.
    arr, arr_lost : float or None
        ARR that their probabilities spoke of, and the part that was lost; of accounts whose ARR is
        known, None where it is of none.
    """

    accounts: int
    lost: int
    expected: float
    arr: float | None
    arr_lost: float | None


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """What became of a snapshot's probabilities: observed, not an effect of anything.

    An account that was worked on and stayed may have been saved, or would have stayed anyway.

    Parameters
    ----------
    snapshot_id : str
    as_of : date
    backfilled : bool
        As in `Snapshot`.
    known_by : date
        From when all that is counted was known.
    unknown, high_unknown, top_unknown : int or None
        Accounts, of these in the high tier, and in the top, of which it is not known yet: counted
        nowhere else. Often those whose contracts end last.
    total : Tally
        All of them that are known.
    high, high_worked_on, high_left_alone : Tally
        Those in the high tier, and its two parts: whether people acted on them in between, as the
        company's table of interventions says or, where `said_counted`, as they put down here.
    said_counted : bool
        False where what people put down here could not be read.
    top : Tally or None
        The first of the ranking, as many as the team can work on; None where it was not said.
    """

    snapshot_id: str
    as_of: date
    backfilled: bool
    known_by: date
    unknown: int
    high_unknown: int
    top_unknown: int | None
    total: Tally
    high: Tally
    high_worked_on: Tally
    high_left_alone: Tally
    said_counted: bool
    top: Tally | None

    @property
    def arr_lost_in_top(self) -> float | None:
        """Share 0-1 of all ARR lost that stood in the top; None without any, or where unknown."""
        if self.top is None or not self.total.arr_lost or self.top.arr_lost is None:
            return None
        return self.top.arr_lost / self.total.arr_lost


def choose_judged(snapshots: Iterable[Maturity]) -> Maturity | None:
    """The latest as-of date of which nearly everything is known; None: it is too early.

    Nearly: 95 %, since a single contract with a long notice period must not hold a record up. A
    younger snapshot would be judged by the contracts that end first alone.
    """
    ripe = [one for one in snapshots if one.claims and one.known >= KNOWN_SHARE * one.claims]
    return max(ripe, key=lambda one: (one.as_of, one.snapshot_id), default=None)


def make_record(
    judged: Maturity,
    claims: Iterable[Claim],
    outcomes: Iterable[Outcome],
    *,
    acts: Acts | None,
    admits: Callable[[Claim], bool],
) -> TrackRecord:
    """The record of one snapshot for somebody who may see a part of the accounts.

    Parameters
    ----------
    judged : Maturity
        The snapshot.
    claims : iterable of Claim
        All that it published.
    outcomes : iterable of Outcome
        What became of them, as far as it is known.
    acts : frozenset of Act, or None
        What people put down here, any time; each counts for the probabilities in whose span it
        lies. None where that cannot be read.
    admits : callable
        The row filter. The top is that of the ranking which it lets through.
    """
    known = {one.account_id: one for one in outcomes}
    seen = sorted(filter(admits, claims), key=lambda one: one.rank)
    told = [one for one in seen if one.account_id in known]
    high = [one for one in told if one.risk_tier == "high"]
    said = _days_by_account(acts or ())

    def is_worked_on(one: Claim) -> bool:
        outcome = known[one.account_id]
        until = judged.judges_until(one.basis, outcome.known_on)
        days = said.get(one.account_id, ())
        return outcome.worked_on or any(judged.as_of <= day < until for day in days)

    acted = [one for one in high if is_worked_on(one)]
    alone = [one for one in high if not is_worked_on(one)]
    top = _Top.of(seen, known, judged.capacity)
    return TrackRecord(
        snapshot_id=judged.snapshot_id,
        as_of=judged.as_of,
        backfilled=judged.backfilled,
        known_by=max((known[one.account_id].known_on for one in told), default=judged.as_of),
        unknown=len(seen) - len(told),
        high_unknown=sum(one.risk_tier == "high" for one in seen) - len(high),
        top_unknown=top.unknown,
        total=_count(told, known),
        high=_count(high, known),
        high_worked_on=_count(acted, known),
        high_left_alone=_count(alone, known),
        said_counted=acts is not None,
        top=top.tally,
    )


def _days_by_account(acts: Iterable[Act]) -> dict[str, list[date]]:
    found: dict[str, list[date]] = {}
    for account_id, day in acts:
        found.setdefault(account_id, []).append(day)
    return found


class _Top(NamedTuple):
    """The first of a ranking: those that are known counted, and how many are not."""

    tally: Tally | None = None
    unknown: int | None = None

    @classmethod
    def of(
        cls, ranked: Sequence[Claim], known: Mapping[str, Outcome], capacity: int | None
    ) -> _Top:
        """Those that a team of a capacity works on; nothing where it is not known."""
        if capacity is None:
            return cls()
        first = ranked[:capacity]
        told = [one for one in first if one.account_id in known]
        return cls(_count(told, known), len(first) - len(told))


def _count(claims: Sequence[Claim], known: Mapping[str, Outcome]) -> Tally:
    lost = [one for one in claims if known[one.account_id].lost]
    has_money = any(one.arr_to_decide is not None for one in claims)
    return Tally(
        accounts=len(claims),
        lost=len(lost),
        expected=math.fsum(one.loss_probability for one in claims),
        arr=_sum(claims) if has_money else None,
        arr_lost=_sum(lost) if has_money else None,
    )


def _sum(claims: Sequence[Claim]) -> float:
    return math.fsum(one.arr_to_decide or 0.0 for one in claims)
