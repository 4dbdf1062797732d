"""The health score of many rows at once: factors scored, what is missing left out, sides weighed.

Nothing is learnt: a score is arithmetic over figures that were known before the row's as-of date,
and a rank is one among the rows of the same date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.health import SIDES, Side
from models.health_settings import CONDITIONS, FactorSettings, HealthSettings, ProfileSettings
from models.ranking import IntArray
from models.table import BoolArray, FloatArray

LEAST_RANKED = 20  # known values of a date; a rank among fewer says little
_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class ProfilePart:
    """The rows of one profile.

    Parameters
    ----------
    name : str
        Of the profile.
    rows : int, (m,)
        Their places among all rows.
    factors : tuple of FactorSettings
        The k that these columns can give.
    scores : float, (m, k)
        0-100, high is good; NaN unknown.
    weights : float, (m, k)
        Shares 0-1 that add up to 1 in a row, or are all 0 where nothing is known.
    """

    name: str
    rows: IntArray
    factors: tuple[FactorSettings, ...]
    scores: FloatArray
    weights: FloatArray


@dataclass(frozen=True, eq=False)
class HealthScores:
    """The health of n rows.

    Parameters
    ----------
    score : float, (n,)
        0-100, high is good; NaN where too little is known.
    outcome, experience : float, (n,)
        The two sides; NaN where nothing of a side is known.
    coverage : float, (n,)
        Known share 0-1 of what the row's profile weighs.
    parts : tuple of ProfilePart
        Every row is in one of them.
    """

    score: FloatArray
    outcome: FloatArray
    experience: FloatArray
    coverage: FloatArray
    parts: tuple[ProfilePart, ...]


def score_health(
    features: pd.DataFrame,
    traits: pd.DataFrame,
    as_of: npt.NDArray[np.generic],
    *,
    settings: HealthSettings,
) -> HealthScores:
    """The health of rows.

    Parameters
    ----------
    features : DataFrame, (n, k)
        What the company can have; NaN is unknown. A factor of another feature is left out.
    traits : DataFrame, (n, ...)
        The columns of ``CONDITIONS`` that are known; others are unknown of every row.
    as_of : (n,)
        Rows of the same date are ranked among each other.
    settings : HealthSettings
    """
    count = len(features)
    found = {name: np.full(count, np.nan) for name in ("score", *SIDES)}
    coverage = np.zeros(count)
    key = _is_one_of(traits, "account_tier", settings.key_accounts)
    usual = np.where(key, settings.key_outcome_weight, settings.outcome_weight)
    columns = _Columns(features, as_of)
    parts = []
    for profile, rows in _share_out(traits, count, settings.in_order):
        factors = tuple(one for one in profile.factors if columns.has(one))
        scores = columns.scores(factors)[rows]
        own = profile.outcome_weight
        weighed = _weigh(scores, factors, usual[rows] if own is None else np.full(len(rows), own))
        coverage[rows] = weighed.coverage
        enough = (weighed.coverage > 0) & (weighed.coverage >= settings.min_coverage - _SLACK)
        total = (weighed.weights * np.nan_to_num(scores)).sum(axis=1)
        found["score"][rows] = np.where(enough, np.clip(total, 0.0, 100.0), np.nan)
        for name in SIDES:
            found[name][rows] = weighed.sides[name]
        parts.append(ProfilePart(profile.name, rows, factors, scores, weighed.weights))
    return HealthScores(**found, coverage=coverage, parts=tuple(parts))


class _Columns:
    """The scores of factors, each computed once for all profiles."""

    def __init__(self, features: pd.DataFrame, as_of: npt.NDArray[np.generic]) -> None:
        self._features, self._as_of = features, as_of
        self._known: dict[FactorSettings, FloatArray] = {}

    def has(self, factor: FactorSettings) -> bool:
        """Whether the company can have it."""
        name = factor.feature
        return name in self._features and pd.api.types.is_numeric_dtype(self._features[name].dtype)

    def scores(self, factors: tuple[FactorSettings, ...]) -> FloatArray:
        """Their scores 0-100, (n, k); NaN unknown."""
        for one in factors:
            if one not in self._known:
                column = self._features[one.feature]
                self._known[one] = _score_factor(column, self._as_of, one)
        found = [self._known[one] for one in factors]
        return np.column_stack(found) if found else np.empty((len(self._features), 0))


def _share_out(
    traits: pd.DataFrame, count: int, profiles: Sequence[ProfileSettings]
) -> list[tuple[ProfileSettings, IntArray]]:
    """The rows of each profile that has any: a row has the first one that fits it."""
    free = np.ones(count, dtype=np.bool_)
    found = []
    for profile in profiles:
        fits = free.copy()
        for name in CONDITIONS:
            if wanted := getattr(profile, name):
                fits &= _is_one_of(traits, name, wanted)
        free &= ~fits
        if fits.any():
            found.append((profile, np.flatnonzero(fits)))
    return found


def _is_one_of(traits: pd.DataFrame, name: str, wanted: Sequence[str]) -> BoolArray:
    """Whether each row's value is one of some, in any case; never where it is unknown."""
    if name not in traits:
        return np.zeros(len(traits), dtype=np.bool_)
    folded = {text.strip().casefold() for text in wanted}
    codes, values = pd.factorize(traits[name])
    fits = [str(value).strip().casefold() in folded for value in values]
    return np.asarray([*fits, False], dtype=np.bool_)[codes]  # unknown is -1, the last one


def _score_factor(
    column: pd.Series, as_of: npt.NDArray[np.generic], factor: FactorSettings
) -> FloatArray:
    """Scores 0-100, (n,); NaN where the value is unknown, or too few are known for a rank."""
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if factor.bad is not None and factor.good is not None:
        share = (values - factor.bad) / (factor.good - factor.bad)
        return np.asarray(100.0 * np.clip(share, 0.0, 1.0))
    by_date = pd.Series(values).groupby(as_of)
    count = by_date.transform("count").to_numpy(dtype=np.float64)
    rank = by_date.rank(method="average").to_numpy(dtype=np.float64)
    below = 100.0 * (rank - 0.5) / np.where(count >= LEAST_RANKED, count, np.nan)
    return below if factor.percentile == "high" else 100.0 - below


@dataclass(frozen=True, eq=False)
class _Side:
    """A side of m rows: the weights of its k known factors, which add up to 1, and what it scores.

    ``coverage`` is the known share of what the side weighs in the company's profile.
    """

    weights: FloatArray
    score: FloatArray
    coverage: FloatArray


def _side(scores: FloatArray, own: FloatArray) -> _Side:
    """One side; ``own``, (k,), are its factors' weights, 0 for those of the other side."""
    known = ~np.isnan(scores)
    told = known @ own
    weights = known * own / np.where(told > 0, told, 1.0)[:, None]
    score = (weights * np.nan_to_num(scores)).sum(axis=1)
    return _Side(weights, np.where(told > 0, score, np.nan), told / (own.sum() or 1.0))


@dataclass(frozen=True, eq=False)
class _Weighed:
    weights: FloatArray
    sides: Mapping[Side, FloatArray]
    coverage: FloatArray


def _weigh(
    scores: FloatArray, factors: tuple[FactorSettings, ...], outcome_weight: FloatArray
) -> _Weighed:
    """The weight of every known factor, what the sides score, and how much is known.

    A side of which nothing is known leaves its weight to the other one, not its coverage.

    Parameters
    ----------
    scores : float, (m, k)
    factors : tuple of FactorSettings, k of them
    outcome_weight : float, (m,)
        Share 0-1 of the outcome side.
    """
    shares = {"outcome": outcome_weight, "experience": 1.0 - outcome_weight}
    sides = {
        name: _side(scores, np.array([one.weight if one.side == name else 0.0 for one in factors]))
        for name in SIDES
    }
    there = {
        name: np.where(np.isnan(side.score), 0.0, shares[name]) for name, side in sides.items()
    }
    whole = sum(there.values())
    weights = sum(
        side.weights * (there[name] / np.where(whole > 0, whole, 1.0))[:, None]
        for name, side in sides.items()
    )
    coverage = sum(shares[name] * side.coverage for name, side in sides.items())
    return _Weighed(
        np.asarray(weights),
        {name: side.score for name, side in sides.items()},
        np.asarray(coverage),
    )
