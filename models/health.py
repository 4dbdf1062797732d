"""The health score of an account: what it is made of, as it is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

Side = Literal["outcome", "experience"]
SIDES: tuple[Side, ...] = get_args(Side)


class HealthFactor(NamedTuple):
    """One figure that the health score is made of.

    Parameters
    ----------
    feature : str
        Name in the feature catalogue.
    side : str
        ``outcome`` or ``experience``.
    score : float
        0-100, high is good.
    weight : float
        Share 0-1 of the whole health score, after what is missing was left out; the weights of an
        account add up to 1, and `score` times `weight` to its health score.
    value : float
        What the feature was.
    unit : str or None
        Of `value`.
    text : str
        The value in plain words.
    """

    feature: str
    side: Side
    score: float
    weight: float
    value: float
    unit: str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How well an account does, from its figures and the configured weights; no prediction.

    Parameters
    ----------
    score : float
        0-100, high is good.
    outcome, experience : float or None
        The two parts, 0-100; None where none of a part's factors is known.
    coverage : float
        Share 0-1 of the profile's weight whose factors are known.
    profile : str
        Name of the profile in the configuration that fits the account.
    factors : tuple of HealthFactor
        Heaviest first; only those known.
    """

    score: float
    outcome: float | None
    experience: float | None
    coverage: float
    profile: str
    factors: tuple[HealthFactor, ...]
