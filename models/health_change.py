"""What moved a health score, where it is heading, and where it disagrees with the risk."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple

from models.account_score import AccountScore, Driver
from models.health import Health, HealthFactor

How = Literal["moved", "appeared", "disappeared"]
Direction = Literal["rising", "falling", "steady"]
Kind = Literal["healthy_but_likely_lost", "unhealthy_but_likely_kept"]

TREND_DAYS = 28
# Less is what a rank among others moves by itself from week to week.
STEADY = 3.0  # points
# With the standard thresholds: most of what is weighed is nearer to good than to bad, or to bad
# than to good. Between the two nothing is claimed, and so is nothing of the medium tier.
HEALTHY = 70.0
UNHEALTHY = 40.0
MIDDLE = 50.0
LEAST_COVERAGE = 0.5  # what rests on less than half of its profile contradicts nothing
SHOWN = 3


class FactorChange(NamedTuple):
    """What one factor did to the health score.

    Parameters
    ----------
    feature : str
        In the feature catalogue.
    how : str
        ``moved``, or ``appeared`` and ``disappeared`` for a value that became known or unknown.
    points : float
        Of the score of 100; above 0 raised it.
    before, after : HealthFactor or None
        None where it was not known.
    """

    feature: str
    how: How
    points: float
    before: HealthFactor | None
    after: HealthFactor | None


@dataclass(frozen=True, slots=True)
class HealthChange:
    """Why a health score is another one than before.

    Parameters
    ----------
    points : float
        The score less the one before: the sum of the factors' points and `reweighed`.
    factors : tuple of FactorChange
        The strongest first; only those that moved it.
    reweighed : float
        Points from other weights of what stayed: since something appeared or disappeared, or
        another profile or configuration holds.
    other_profile : bool
        Whether another profile holds now.
    """

    points: float
    factors: tuple[FactorChange, ...]
    reweighed: float
    other_profile: bool


def explain_change(before: Health, after: Health) -> HealthChange:
    """Which factors moved the score, by how many points; the parts add up to the difference.

    A factor that is known both times moved it by its step times the mean of its two weights. One
    that appeared or disappeared did by its distance from the mean of both scores, times its weight:
    a known value like the others moves nothing. The rest is `reweighed`.
    """
    centre = (before.score + after.score) / 2.0
    old = {factor.feature: factor for factor in before.factors}
    new = {factor.feature: factor for factor in after.factors}
    changes = []
    for feature in [*new, *(name for name in old if name not in new)]:
        one, other = old.get(feature), new.get(feature)
        if one is not None and other is not None:
            points = (other.score - one.score) * (one.weight + other.weight) / 2.0
            changes.append(FactorChange(feature, "moved", points, one, other))
        elif other is not None:
            points = (other.score - centre) * other.weight
            changes.append(FactorChange(feature, "appeared", points, None, other))
        elif one is not None:
            points = (centre - one.score) * one.weight
            changes.append(FactorChange(feature, "disappeared", points, one, None))
    total = after.score - before.score
    rest = total - math.fsum(change.points for change in changes)
    told = sorted(
        (change for change in changes if change.points != 0.0),
        key=lambda change: (-abs(change.points), change.feature),
    )
    return HealthChange(total, tuple(told), rest, before.profile != after.profile)


class Trend(NamedTuple):
    """How the health score went.

    Parameters
    ----------
    direction : str
        ``steady`` where it moved by less than three points.
    points : float
        The newest score less that of `since`.
    since : date
        The last as-of date at least four weeks before the newest that has a score.
    """

    direction: Direction
    points: float
    since: date


def find_trend(
    history: Iterable[tuple[date | None, float | None]], *, days: int = TREND_DAYS
) -> Trend | None:
    """The trend of an account's health scores.

    Parameters
    ----------
    history : iterable of (date, float)
        As-of date and health score in each snapshot, in any order; None is not known.
    days : int
        Least distance between the two that are compared.

    Returns
    -------
    Trend or None
        None without two scores so far apart, or where the newest snapshot has none.
    """
    dated = sorted(
        ((day, score) for day, score in history if day is not None), key=lambda one: one[0]
    )
    newest, now = dated[-1] if dated else (None, None)
    if newest is None or now is None:
        return None
    begin = newest - timedelta(days=days)
    earlier = [(day, then) for day, then in dated if day <= begin and then is not None]
    if not earlier:
        return None
    since, then = earlier[-1]
    points = now - then
    if abs(points) < STEADY:
        return Trend("steady", points, since)
    return Trend("rising" if points > 0 else "falling", points, since)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Health and risk say the opposite of an account.

    Parameters
    ----------
    kind : str
        ``healthy_but_likely_lost`` or ``unhealthy_but_likely_kept``.
    health_score, loss_probability : float
        0-100 and 0-1.
    factors : tuple of HealthFactor
        Up to three that make the health what it is, the strongest first.
    drivers : tuple of Driver
        Up to three that make the risk what it is, the strongest first.
    """

    kind: Kind
    health_score: float
    loss_probability: float
    factors: tuple[HealthFactor, ...]
    drivers: tuple[Driver, ...]


def find_disagreement(score: AccountScore) -> Disagreement | None:
    """Where an account is healthy and in the high tier, or unhealthy and in the low one; else None.

    Parameters
    ----------
    score : AccountScore
        Nothing is said without a probability, or of a health score of little coverage.
    """
    health, loss = score.health, score.loss_probability
    if health is None or loss is None or health.coverage < LEAST_COVERAGE:
        return None
    if health.score >= HEALTHY and score.risk_tier == "high":
        factors = _strongest(health.factors, 1.0)
        drivers = [one for one in score.drivers if one.contribution > 0]
        kind: Kind = "healthy_but_likely_lost"
    elif health.score < UNHEALTHY and score.risk_tier == "low":
        factors = _strongest(health.factors, -1.0)
        drivers = [one for one in score.drivers if one.contribution < 0]
        kind = "unhealthy_but_likely_kept"
    else:
        return None
    return Disagreement(kind, health.score, loss, factors, tuple(drivers[:SHOWN]))


def _strongest(factors: Sequence[HealthFactor], sign: float) -> tuple[HealthFactor, ...]:
    """The factors that pull furthest from the middle, up (1) or down (-1)."""
    pulls = [(sign * (one.score - MIDDLE) * one.weight, one) for one in factors]
    told = sorted((pull for pull in pulls if pull[0] > 0), key=lambda pull: -pull[0])
    return tuple(one for _, one in told[:SHOWN])
