"""Rates of loss from past terms, where accounts of one parent are alike.

The log-odds of a term's loss are those of its kind, band of ARR and age, drawn to the overall ones,
plus what its parent (or else account) has of its own, plus what a quarter has of its own. The
middle one is a normal effect that is integrated over 15 points: its spread comes from the
likelihood, and each parent's own past moves it, so that who renewed ten times is likelier to do so
again. With one kind this is the logistic-normal form of the beta-geometric model of retention.

References
----------
Fader and Hardie, "How to project customer retention", Journal of Interactive Marketing 21 (2007).
Breslow and Clayton, "Approximate inference in generalized linear mixed models", JASA 88 (1993).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from features.errors import InvariantError
from models.past_term import IntArray, PastTerms
from models.table import FloatArray

POINTS = 15
Counts = Any  # past terms by parent and cell, as a dense or a sparse array; SciPy has no types
# Spread, in log-odds, of kinds, bands and ages about the overall rate before data speak.
KIND_SPREAD = 1.0
# Before data speak a parent's effect has about this spread, and a quarter's effect this one, which
# counts as much as four quarters.
PARENT_SPREAD, PARENT_DOUBT = 0.5, 0.7
QUARTER_SPREAD, QUARTER_WEIGHT = 0.2, 4.0
# A typical loss rate lies between 0.3 % and 73 % before data speak.
OVERALL, OVERALL_DOUBT = -2.0, 2.0
_STEPS, _CLOSE = 60, 1e-4


def sigmoid(log_odds: FloatArray) -> FloatArray:
    """Probability of log-odds, of any shape, without overflow."""
    half: FloatArray = 0.5 * (1.0 + np.tanh(0.5 * log_odds))
    return half


@cache
def normal_points() -> tuple[FloatArray, FloatArray]:
    """Points and weights, (15,) each, that integrate over a standard normal."""
    points, weights = np.polynomial.hermite_e.hermegauss(POINTS)
    weights = weights / weights.sum()
    for shared in (points, weights):
        shared.setflags(write=False)
    return points, weights


@dataclass(frozen=True, eq=False)
class LossRates:
    """Fitted log-odds of loss.

    Parameters
    ----------
    parameters : float, (2 + kinds + bands + ages,)
        Overall, logarithm of the parents' spread, kinds, bands, ages.
    covariance : float, square
        Of the parameters.
    design : float, (cells, 1 + kinds + bands + ages)
        Which of them make up each cell's log-odds.
    names : tuple of str
        Parents with a past.
    lost, kept : float, (parents + 1, cells)
        Past terms of each; the last row, for a parent without a past, is empty.
    quarter_spread : float
        Of a quarter's own effect, log-odds.
    """

    parameters: FloatArray
    covariance: FloatArray
    design: FloatArray
    names: tuple[str, ...]
    lost: FloatArray
    kept: FloatArray
    quarter_spread: float

    @property
    def parent_spread(self) -> float:
        """Standard deviation of what a parent has of its own, log-odds."""
        return float(np.exp(self.parameters[1]))

    @property
    def log_odds(self) -> FloatArray:
        """Of each cell at a parent's middle, (cells,)."""
        return cell_log_odds(self.design, self.parameters)

    @property
    def probability(self) -> FloatArray:
        """Loss probability of a term of each cell and of a parent without a past, (cells,)."""
        points, weights = normal_points()
        odds = self.log_odds[:, None] + self.parent_spread * points
        found: FloatArray = sigmoid(odds) @ weights
        return found

    def posterior(self, parameters: FloatArray, places: IntArray) -> FloatArray:
        """How likely each point is for parents, (n, 15), under parameters (k,), given their past.

        Parameters
        ----------
        parameters : float, (k,)
        places : int, (n,)
            As `places` gives them.
        """
        return self.posteriors(places)(parameters)

    def posteriors(self, places: IntArray) -> Callable[[FloatArray], FloatArray]:
        """From parameters to how likely each point is for these parents; see `posterior`."""
        lost, kept = csr_array(self.lost[places]), csr_array(self.kept[places])
        return lambda parameters: _posterior(self.design, parameters, lost, kept)

    def places(self, group: np.ndarray[tuple[int], np.dtype[np.object_]]) -> IntArray:
        """Row of ``lost`` and ``kept`` for each group, (n,)."""
        known = {name: place for place, name in enumerate(self.names)}
        return np.array([known.get(str(name), len(self.names)) for name in group], dtype=np.intp)


def cell_log_odds(design: FloatArray, parameters: FloatArray) -> FloatArray:
    """Log-odds of every cell, (..., cells), of parameters (..., k)."""
    chosen = np.delete(parameters, 1, axis=-1)
    found: FloatArray = chosen @ design.T
    return found


def fit_rates(past: PastTerms) -> LossRates:
    """Loss rates from mature past terms, with how sure they are.

    Parameters
    ----------
    past : PastTerms
        At least one.
    """
    design = _design(past.kinds.shape)
    names, code = np.unique(past.group.astype(str), return_inverse=True)
    lost, kept = _counts(past, code, len(names), len(design))
    # A parent has terms in few cells.
    parameters, covariance = _maximise(design, csr_array(lost), csr_array(kept))
    nothing = np.zeros((1, len(design)))
    return LossRates(
        parameters=parameters,
        covariance=covariance,
        design=design,
        names=tuple(str(name) for name in names),
        lost=np.vstack([lost, nothing]),
        kept=np.vstack([kept, nothing]),
        quarter_spread=_quarter_spread(past, code, len(names), design, parameters),
    )


def _design(shape: tuple[int, ...]) -> FloatArray:
    """Which effects make up each cell: the overall one, then one of each part."""
    places = np.unravel_index(np.arange(int(np.prod(shape))), shape)
    parts = [np.eye(count)[place] for count, place in zip(shape, places, strict=True)]
    return np.hstack([np.ones((len(places[0]), 1)), *parts])


def _counts(
    past: PastTerms, code: IntArray, groups: int, cells: int
) -> tuple[FloatArray, FloatArray]:
    """Terms lost and kept, (groups, cells) each."""
    place = code * cells + past.cell
    size = groups * cells
    every = np.bincount(place, minlength=size).astype(np.float64)
    lost = np.bincount(place, weights=past.lost.astype(np.float64), minlength=size)
    shape = (groups, cells)
    return np.asarray(lost.reshape(shape)), np.asarray((every - lost).reshape(shape))


def _prior(count: int) -> tuple[FloatArray, FloatArray]:
    """Middle and precision of each parameter before data speak."""
    middle, spread = np.zeros(count), np.full(count, KIND_SPREAD)
    middle[:2] = OVERALL, np.log(PARENT_SPREAD)
    spread[:2] = OVERALL_DOUBT, PARENT_DOUBT
    return middle, 1.0 / spread**2


def _posterior(
    design: FloatArray, parameters: FloatArray, lost: Counts, kept: Counts
) -> FloatArray:
    """How likely each point is for each group, (groups, 15)."""
    return _weigh(design, parameters, lost, kept)[1]


def _weigh(
    design: FloatArray, parameters: FloatArray, lost: Counts, kept: Counts
) -> tuple[float, FloatArray, FloatArray]:
    """Log posterior of the parameters, the groups' weights, and loss rates (cells, 15)."""
    points, weights = normal_points()
    odds = cell_log_odds(design, parameters)[:, None] + np.exp(parameters[1]) * points
    of_lost, of_kept = -np.logaddexp(0.0, -odds), -np.logaddexp(0.0, odds)
    joint = lost @ of_lost + kept @ of_kept + np.log(weights)
    top = joint.max(axis=1, keepdims=True)
    likely = np.exp(joint - top)
    total = likely.sum(axis=1, keepdims=True)
    middle, precision = _prior(len(parameters))
    value = float((np.log(total) + top).sum() - 0.5 * precision @ (parameters - middle) ** 2)
    return value, likely / total, np.exp(of_lost)


def _gradient(design: FloatArray, parameters: FloatArray, lost: Counts, kept: Counts) -> FloatArray:
    points, _ = normal_points()
    _, weights, rate = _weigh(design, parameters, lost, kept)
    # Lost terms less expected ones, by cell and point, over all groups.
    surplus = lost.T @ weights - rate * ((lost + kept).T @ weights)
    by_cell = surplus.sum(axis=1)
    spread = np.exp(parameters[1]) * (surplus * points).sum()
    middle, precision = _prior(len(parameters))
    slope = np.insert(design.T @ by_cell, 1, spread)
    found: FloatArray = slope - precision * (parameters - middle)
    return found


def _curvature(
    design: FloatArray, parameters: FloatArray, lost: Counts, kept: Counts
) -> FloatArray:
    """Negative second derivatives of the log posterior, by differences of the gradient."""
    step = 1e-4
    columns = [
        _gradient(design, parameters - shift, lost, kept)
        - _gradient(design, parameters + shift, lost, kept)
        for shift in step * np.eye(len(parameters))
    ]
    matrix = np.stack(columns) / (2 * step)
    found: FloatArray = 0.5 * (matrix + matrix.T)
    return found


def _maximise(design: FloatArray, lost: Counts, kept: Counts) -> tuple[FloatArray, FloatArray]:
    """The likeliest parameters and their covariance, by damped Newton steps."""
    parameters = _prior(design.shape[1] + 1)[0]
    value = _weigh(design, parameters, lost, kept)[0]
    for _ in range(_STEPS):
        slope = _gradient(design, parameters, lost, kept)
        step = _solve(_curvature(design, parameters, lost, kept)) @ slope
        size = 1.0
        while size > 1e-6:
            trial = parameters + size * step
            found = _weigh(design, trial, lost, kept)[0]
            if found >= value:
                break
            size /= 2
        else:
            break
        parameters, gained, value = trial, found - value, found
        if gained < _CLOSE:
            break
    if not np.isfinite(parameters).all():
        raise InvariantError("the rates of loss did not converge")
    return parameters, _solve(_curvature(design, parameters, lost, kept))


def _solve(curvature: FloatArray) -> FloatArray:
    """Inverse of a curvature, made positive where it is not."""
    values, vectors = np.linalg.eigh(curvature)
    found: FloatArray = (vectors / np.maximum(np.abs(values), 1e-3)) @ vectors.T
    return found


def _quarter_spread(
    past: PastTerms, code: IntArray, groups: int, design: FloatArray, parameters: FloatArray
) -> float:
    """Spread of a quarter's own effect, by what each quarter lost beyond its parents' pasts.

    Moments of the first order: the surplus of a quarter is its effect times the variance of its
    losses, plus chance.
    """
    quarter = np.floor(past.end / 3).astype(np.intp)
    lost, kept = np.zeros((groups, len(design))), np.zeros((groups, len(design)))
    surplus, variance = [], []
    spread = np.exp(parameters[1]) * normal_points()[0]
    rate = sigmoid(cell_log_odds(design, parameters)[:, None] + spread)
    for number in np.unique(quarter):
        here = quarter == number
        weights = _posterior(design, parameters, lost, kept)
        chance = (weights[code[here]] * rate[past.cell[here]]).sum(axis=1)
        surplus.append(past.lost[here].sum() - chance.sum())
        variance.append((chance * (1 - chance)).sum())
        one = _counts(_part(past, here), code[here], groups, len(design))
        lost, kept = lost + one[0], kept + one[1]
    extra = (np.square(surplus) - np.array(variance)).sum()
    scale = np.square(variance).sum()
    own = max(0.0, extra / scale) if scale > 0 else 0.0
    seen = len(surplus)
    mixed = (QUARTER_WEIGHT * QUARTER_SPREAD**2 + seen * own) / (QUARTER_WEIGHT + seen)
    return float(np.sqrt(mixed))


def _part(past: PastTerms, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> PastTerms:
    return replace(
        past,
        **{
            each.name: getattr(past, each.name)[chosen]
            for each in fields(past)
            if each.name != "kinds"
        },
    )
