"""What one score run found about every account, and the order in which people read it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol, get_args

State = Literal[
    "to_decide",
    "renewed",
    "notice_given",
    "auto_renewed",
    "no_term",
    "in_grace",
    "too_little_history",
]
Basis = Literal["renewal", "churn"]
Tier = Literal["high", "medium", "low"]
Direction = Literal["raises", "lowers"]
Abstention = Literal["too_little_history", "interval_too_wide"]

STATES: tuple[State, ...] = get_args(State)
BASES: tuple[Basis, ...] = get_args(Basis)
TIERS: tuple[Tier, ...] = get_args(Tier)
ABSTENTIONS: tuple[Abstention, ...] = get_args(Abstention)
_SMALL = 1e-8  # log-odds
STATES_AT_RISK: frozenset[State] = frozenset({"to_decide", "no_term", "in_grace"})


@dataclass(frozen=True, slots=True)
class Driver:
    """One reason behind an account's probability of loss.

    Parameters
    ----------
    feature : str
        Name in the feature catalogue.
    group : str
        Group of the feature in the catalogue.
    text : str
        The reason in plain words.
    value : float, str or None
        What the feature was, as a plain Python value; None when it was not known.
    unit : str or None
        Unit of `value`; None when it has none.
    contribution : float
        Log-odds; above 0 raises the probability of loss.
    previous : float, str or None
        What the feature was one longest window earlier, as known then; None when that was not
        known or the account was no customer then.
    peer_low, peer_high : float or None
        Quartiles of the feature among the account's peers today: those of its segment where there
        are at least 20, else all. None for categories.
    points : float or None
        Share of probability that the contribution stands for (0.05: five points of 100). All
        features' points add up exactly to the account's probability less that of the base. None in
        a snapshot of an older Keepwell, as are the three before.
    """

    feature: str
    group: str
    text: str
    value: float | str | None
    unit: str | None
    contribution: float
    previous: float | str | None = None
    peer_low: float | None = None
    peer_high: float | None = None
    points: float | None = None

    @property
    def direction(self) -> Direction:
        """Whether the driver raises or lowers the probability of loss."""
        return "raises" if self.contribution > 0 else "lowers"


@dataclass(frozen=True, slots=True)
class GroupContribution:
    """What a group of features does to an account's probability of loss.

    Parameters
    ----------
    group : str
        In the feature catalogue.
    contribution : float
        Log-odds; with the base's they add up to those of the probability.
    points : float
        Share of probability; they add up to the probability less the base's.
    """

    group: str
    contribution: float
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountScore:
    """One account in one snapshot. What does not apply or is not known is None, never 0.

    Parameters
    ----------
    account_id : str
        Not empty.
    state : str
        One of `STATES`; only `STATES_AT_RISK` carry ARR at risk.
    external_id, name, parent_id, segment, account_tier, region, owner : str or None
        As the accounts table gives them.
    currency : str or None
        Of every amount: the reporting currency.
    arr : float or None
        Current ARR of the account.
    arr_under_notice : float or None
        The part of `arr` in running contracts whose notice is known: lost, not at risk. None when
        there is none, or when its amount is not known.
    arr_to_decide : float or None
        The part of `arr` that `loss_probability` speaks of.
    basis : str or None
        Model behind `loss_probability`: ``renewal`` or ``churn``.
    contract_id : str or None
        The next contract to decide; None without one.
    decision_date, renewal_date : date or None
        Last day to decide on that contract, and its exclusive end.
    churn_probability, renewal_likelihood, loss_probability : float or None
        Shares 0-1.
    loss_probability_low, loss_probability_high : float or None
        Ends of the interval of `loss_probability`, which lies inside; None when it was not told.
    abstained : str or None
        One of `ABSTENTIONS`: why there is no probability, although the state would have one, or
        because of the state. Then there is no tier, no ARR at risk and no interval either.
    arr_at_risk : float or None
        Expected loss: `arr_to_decide` times `loss_probability`.
    risk_tier : str or None
        One of `TIERS`, from `loss_probability` alone.
    tier_runs_below : int
        Score runs in a row in which `loss_probability` lay below the threshold of `risk_tier`.
    drivers : tuple of Driver
        Strongest first; empty without a probability.
    contributions : dict of str to float
        Log-odds by feature group; with `base_log_odds` they add up to those of the probability.
    base_log_odds : float or None
        Log-odds of the model's average account.
    rank : int or None
        Place in the snapshot's ranking from 1, set by the store; no part of equality.
    """

    account_id: str
    state: State
    external_id: str | None = None
    name: str | None = None
    parent_id: str | None = None
    segment: str | None = None
    account_tier: str | None = None
    region: str | None = None
    owner: str | None = None
    currency: str | None = None
    arr: float | None = None
    arr_under_notice: float | None = None
    arr_to_decide: float | None = None
    basis: Basis | None = None
    contract_id: str | None = None
    decision_date: date | None = None
    renewal_date: date | None = None
    churn_probability: float | None = None
    renewal_likelihood: float | None = None
    loss_probability: float | None = None
    loss_probability_low: float | None = None
    loss_probability_high: float | None = None
    abstained: Abstention | None = None
    arr_at_risk: float | None = None
    risk_tier: Tier | None = None
    tier_runs_below: int = 0
    drivers: tuple[Driver, ...] = ()
    contributions: dict[str, float] = field(default_factory=dict)
    base_log_odds: float | None = None
    rank: int | None = field(default=None, compare=False)

    @property
    def loss_probability_interval(self) -> tuple[float, float] | None:
        """Both ends of the interval, or None when it was not told."""
        low, high = self.loss_probability_low, self.loss_probability_high
        return None if low is None or high is None else (low, high)

    @property
    def base_probability(self) -> float | None:
        """Share 0-1 of the model's average account, from which the contributions start."""
        if self.base_log_odds is None:
            return None
        return 1.0 / (1.0 + math.exp(-self.base_log_odds))

    @property
    def groups(self) -> tuple[GroupContribution, ...]:
        """The contributions by group, the strongest first, with their points of probability."""
        start, end = self.base_probability, self.loss_probability
        if start is None or end is None:
            return ()
        distance = math.fsum(self.contributions.values())
        # One rate for all, as `models.driver.point_rate` says; the readers of a snapshot have no
        # NumPy.
        rate = (end - start) / distance if abs(distance) > _SMALL else start * (1.0 - start)
        ordered = sorted(self.contributions.items(), key=lambda item: (-abs(item[1]), item[0]))
        return tuple(GroupContribution(name, value, value * rate) for name, value in ordered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything one score run publishes.

    Parameters
    ----------
    as_of : date
        Features use only what was known before this midnight.
    data_end : date
        Exclusive end of the data.
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
    """

    as_of: date
    data_end: date
    company: str
    currency: str | None
    created_at: datetime
    models: Mapping[str, Mapping[str, object] | None]
    thresholds: Mapping[str, float] | None
    scores: tuple[AccountScore, ...]
    config_hash: str


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
    as_of, data_end, company, currency, created_at, models, thresholds, config_hash
        As in `Snapshot`.
    """

    snapshot_id: str
    as_of: date
    data_end: date
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


def ranking_key(score: AccountScore) -> tuple[bool, float, bool, float, str]:
    """Sort key of the one ranking: ARR at risk, then loss probability, then account id.

    Both numbers fall from high to low with None last; ids rise by code point.
    """
    return (
        score.arr_at_risk is None,
        -(score.arr_at_risk or 0.0),
        score.loss_probability is None,
        -(score.loss_probability or 0.0),
        score.account_id,
    )


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
