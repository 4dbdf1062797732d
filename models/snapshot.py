"""What one score run publishes: the scores of all accounts, and what they add up to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from models.account_score import (
    ABSTENTIONS,
    BASES,
    STATES,
    AccountScore,
    Basis,
    State,
    Tier,
)
from models.life import Life, Outcome

STALE_AFTER_DAYS = 8.0  # a snapshot a week, and a day of grace


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything one score run publishes.

    Parameters
    ----------
    as_of : date or None
        Features use only what was known before this midnight; None where nobody knows: they are of
        a table without dates.
    data_end : date or None
        Exclusive end of the data; None likewise.
    company : str
        As the config names it.
    currency : str or None
        Reporting currency; None when the company has no money columns.
    created_at : datetime
        With a time zone.
    models : mapping of str to mapping or None
        By model name: ``version``, ``horizon_days``, ``lead_days`` and what else describes it;
        None where no model is promoted.
    thresholds : mapping of str to float, or None
        ``high`` and ``medium``, shares 0-1; None when no tier was given.
    scores : tuple of AccountScore
        In any order, one per account.
    config_hash : str
        Of the resolved config.
    stale_after_days : float
        Age of the as-of date from which the snapshot is stale: as the config allows.
    backfilled : bool
        Whether it was made later for a past date, by models that knew no more than that date.
    documents : mapping of str to object
        JSON about the whole company by name, for the pages; each whole, so that none is shown to a
        key with a row filter.
    boards : mapping of str to object
        JSON by account id, or the same packed (`models.store_row.Packed`): what the account's page
        shows beside the score. Only the newest snapshot's are kept.
    lives : tuple of Life
        Every account that ever was a customer. Only the newest snapshot's are kept.
    outcomes : tuple of Outcome
        What of earlier snapshots became known by this one.
    rescored_id : str or None
        The snapshot of whose figures `AccountScore.rescored_probability` speaks; None where no
        account has one.
    capacity : int or None
        Accounts that the team can work on per run; None where it was not said.
    """

    as_of: date | None
    data_end: date | None
    company: str
    currency: str | None
    created_at: datetime
    models: Mapping[str, Mapping[str, object] | None]
    thresholds: Mapping[str, float] | None
    scores: tuple[AccountScore, ...]
    config_hash: str
    stale_after_days: float = STALE_AFTER_DAYS
    backfilled: bool = False
    documents: Mapping[str, object] = field(default_factory=dict)
    boards: Mapping[str, object] = field(default_factory=dict)
    lives: tuple[Life, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    rescored_id: str | None = None
    capacity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Money of a snapshot, in its reporting currency; None when no account's ARR is known.

    Parameters
    ----------
    arr_at_risk : dict of str to float or None
        By basis, for the bases that occur: they span different times and do not add up.
    arr_high_tier : float or None
        Whole ARR of the accounts in the high tier; None where no account has a tier.
    arr_notice_given : float or None
        ARR of the running contracts under notice, whatever the state of their account: lost, not
        at risk. 0 where there are none; None also where none of their amounts is known.
    """

    arr_at_risk: dict[str, float | None]
    arr_high_tier: float | None
    arr_notice_given: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotHeader:
    """A published snapshot without its accounts.

    Parameters
    ----------
    snapshot_id : str
        Short; sorts in the order of publishing.
    accounts : int
        Accounts in it.
    counts : dict of str to int
        Accounts by state, for every state.
    totals : Totals
        Money in the reporting currency.
    previous_id : str or None
        The snapshot of the same company that was served until this one was; it may have been
        removed since. None for the first.
    forced : tuple of str
        Why it would not have been published without being forced; empty when it passed.
    stale_after_days : float or None
        As in `Snapshot`; None in one that an older Keepwell published.
    claims : int or None
        Accounts with a probability; None in a snapshot that an older Keepwell published.
    backfilled, rescored_id, capacity
        As in `Snapshot`.
    as_of, data_end, company, currency, created_at, models, thresholds, config_hash
        As in `Snapshot`.
    """

    snapshot_id: str
    as_of: date | None
    data_end: date | None
    company: str
    currency: str | None
    created_at: datetime
    models: dict[str, dict[str, object] | None]
    thresholds: dict[str, float] | None
    config_hash: str
    accounts: int
    counts: dict[str, int]
    totals: Totals
    previous_id: str | None = None
    forced: tuple[str, ...] = ()
    stale_after_days: float | None = None
    backfilled: bool = False
    rescored_id: str | None = None
    capacity: int | None = None
    claims: int | None = None


class Countable(Protocol):
    """What is counted and summed of an account; as in `AccountScore`."""

    @property
    def state(self) -> State: ...  # noqa: D102
    @property
    def basis(self) -> Basis | None: ...  # noqa: D102
    @property
    def risk_tier(self) -> Tier | None: ...  # noqa: D102
    @property
    def arr(self) -> float | None: ...  # noqa: D102
    @property
    def arr_at_risk(self) -> float | None: ...  # noqa: D102
    @property
    def arr_under_notice(self) -> float | None: ...  # noqa: D102


def count_states(scores: Iterable[Countable]) -> dict[str, int]:
    """Accounts by state, 0 where a state does not occur."""
    counted = Counter(score.state for score in scores)
    return {state: counted[state] for state in STATES}


def count_abstentions(scores: Iterable[AccountScore]) -> dict[str, int]:
    """Accounts without a probability by the rule that withheld it, 0 where none was."""
    counted = Counter(score.abstained for score in scores)
    return {reason: counted[reason] for reason in ABSTENTIONS}


def total_money(scores: Iterable[Countable]) -> Totals:
    """Totals over the accounts whose ARR is known."""
    scores = tuple(scores)
    return Totals(
        arr_at_risk={
            basis: _sum(score.arr_at_risk for score in scores if score.basis == basis)
            for basis in BASES
            if any(score.basis == basis for score in scores)
        },
        arr_high_tier=_sum_arr(scores, [s for s in scores if s.risk_tier == "high"])
        if any(score.risk_tier is not None for score in scores)
        else None,
        arr_notice_given=_sum_notice(scores),
    )


def _sum_notice(scores: tuple[Countable, ...]) -> float | None:
    """ARR under notice: 0 when nobody gave any, None when none of its amounts is known."""
    known = _sum(score.arr_under_notice for score in scores)
    given = any(score.state == "notice_given" for score in scores)
    if known is None and not given:
        return _sum_arr(scores, [])
    return known


def _sum_arr(scores: tuple[Countable, ...], chosen: list[Countable]) -> float | None:
    """ARR of the chosen accounts: 0 when there are none, None when money is known nowhere."""
    if all(score.arr is None for score in scores):
        return None
    return _sum(score.arr for score in chosen) if chosen else 0.0


def _sum(amounts: Iterable[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return math.fsum(known) if known else None
