"""What one score run found about an account, and the order in which people read accounts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple, get_args

from models.alert import Alert
from models.growth import GrowthReason
from models.health import Health

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


class Driver(NamedTuple):
    """One reason behind an account's probability of loss; a tuple, as there are many of them.

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
    playbook : str or None
        What to do about it; None for one that lowers the risk, where no playbook of the
        configuration fits, and in a snapshot of an older Keepwell.
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
    playbook: str | None = None

    @property
    def direction(self) -> Direction:
        """Whether the driver raises or lowers the probability of loss."""
        return "raises" if self.contribution > 0 else "lowers"

    def explanation(self) -> dict[str, object]:
        """What it says of the probability, as JSON: all of it but what to do."""
        told = {name: getattr(self, name) for name in self._fields if name != "playbook"}
        return told | {"direction": self.direction}


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
    health : Health or None
        None where none of its factors is known.
    north_star : float or None
        The configured measure of value, as of the as-of date; None when it is not known.
    north_star_change : float or None
        Its change to the span before, as a share (-0.5: half); None when that cannot be told.
    alerts : tuple of Alert
        The most severe first; those closed in this run last.
    playbooks : tuple of str
        Names of the two or three that fit the account, the most fitting first.
    growth : tuple of GrowthReason
        Why the account is ready to grow; empty where it is not.
    rescored_probability : float or None
        What the current model says of the account's figures of the snapshot before, share 0-1; None
        where the model is the same, or the account was not in it on this basis.
    rescored_contributions : dict of str to float
        Log-odds by feature group behind it; empty likewise.
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
    health: Health | None = None
    north_star: float | None = None
    north_star_change: float | None = None
    alerts: tuple[Alert, ...] = ()
    playbooks: tuple[str, ...] = ()
    growth: tuple[GrowthReason, ...] = ()
    rescored_probability: float | None = None
    rescored_contributions: dict[str, float] = field(default_factory=dict)
    rank: int | None = field(default=None, compare=False)

    @property
    def health_score(self) -> float | None:
        """0-100, high is good; None where too little is known."""
        return None if self.health is None else self.health.score

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
