"""What moved a prediction: contributions that add up to the published probability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.calibration import sigmoid

if TYPE_CHECKING:  # scoring of given rows does without pandas
    import pandas as pd

    from models.predictor import Predictor
    from models.ranking import IntArray
    from models.table import FloatArray

NOWHERE = -1
_SMALL = 1e-8  # log-odds; below it the slope at one end is that of the whole way


class Explanation(NamedTuple):
    """Probabilities taken apart.

    Parameters
    ----------
    probability : float, (n,)
        Share 0-1, as published.
    contributions : float, (n, k)
        Log-odds that each feature adds, in the order of ``encoding.columns``.
    base : float
        Log-odds of a row of which nothing is known; with a row's contributions it adds up to the
        log-odds of its probability.
    """

    probability: FloatArray
    contributions: FloatArray
    base: float

    @property
    def points(self) -> FloatArray:
        """Contributions in probability, (n, k); they add up to it less the base's."""
        return np.asarray(self.contributions * self.rates[:, None])

    @property
    def rates(self) -> FloatArray:
        """Probability that one unit of log-odds stands for, (n,), see `point_rate`."""
        return point_rate(self.base, self.contributions.sum(axis=1))


def explain(predictor: Predictor, features: pd.DataFrame) -> Explanation:
    """Probability of each row and what each feature contributed to it.

    Parameters
    ----------
    predictor : Predictor
        Of a fitted model or of a bundle.
    features : DataFrame, (n, at least k)
        NaN or None: missing.
    """
    return explain_encoded(predictor, predictor.encoding.encode(features))


def explain_encoded(predictor: Predictor, matrix: pd.DataFrame) -> Explanation:
    """As `explain`, of rows that are encoded already, float, (n, k)."""
    calibration = predictor.calibration
    raw = predictor.raw_contributions(matrix)
    contributions = calibration.slope * raw[:, :-1]
    expected = float(raw[0, -1]) if len(raw) else 0.0
    base = calibration.slope * expected + calibration.intercept
    return Explanation(sigmoid(base + contributions.sum(axis=1)), contributions, base)


def point_rate(base: float | FloatArray, distance: FloatArray) -> FloatArray:
    """Probability that one unit of log-odds stands for on the way from the base to a row.

    It is the mean slope of the logistic curve between the two, the same for all of a row's
    contributions. Multiplied with it they keep sign and order, and add up exactly to the row's
    probability less that of the base; taking one contribution away from the end instead would not
    add up.

    Parameters
    ----------
    base : float, or float (n,)
        Log-odds of the base.
    distance : float, (n,)
        Sum of a row's contributions, log-odds.

    References
    ----------
    Aumann, R. and Shapley, L. (1974). Values of Non-Atomic Games: a payoff along the straight way
    from nothing to all.
    """
    start = np.asarray(sigmoid(np.asarray(base, dtype=np.float64)))
    near = np.abs(distance) < _SMALL
    far = np.where(near, 1.0, distance)
    return np.where(near, start * (1.0 - start), (sigmoid(base + far) - start) / far)


def sum_groups(contributions: FloatArray, groups: Sequence[str]) -> tuple[list[str], FloatArray]:
    """Names of the groups in order of appearance, and each row's sum by group, (n, n_groups).

    Parameters
    ----------
    contributions : float, (n, k)
    groups : sequence of str, (k,)
        Group of each feature.
    """
    names = list(dict.fromkeys(groups))
    place = {name: number for number, name in enumerate(names)}
    member = np.zeros((len(groups), len(names)))
    member[np.arange(len(groups)), [place[group] for group in groups]] = 1.0
    return names, np.asarray(contributions @ member)


def strongest(contributions: FloatArray, *, count: int = 5) -> IntArray:
    """Places of each row's strongest contributions, (n, at most count), the strongest first.

    `NOWHERE` after the last that is not 0.

    Parameters
    ----------
    contributions : float, (n, k)
    count : int
        Most places per row.
    """
    size = np.abs(contributions, order="C")  # row by row, as they are looked through
    rows = np.arange(len(size))
    found = np.full((len(size), min(count, size.shape[1])), NOWHERE)
    for rank in range(found.shape[1]):  # a few passes are faster than sorting
        place = size.argmax(axis=1)
        found[:, rank] = np.where(size[rows, place] > 0, place, NOWHERE)
        size[rows, place] = 0.0
    return found
