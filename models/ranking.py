"""Rankings and how right they are: AUC within as-of dates and average precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.bootstrap import Bootstrap, Estimate, estimate
from models.table import FloatArray

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Order:
    """Rows sorted by a score within strata, cut into blocks of equal score.

    Parameters
    ----------
    rows : int, (n,)
        Rows by stratum, then by rising score.
    blocks : int, (b,)
        Where each block of ties starts in ``rows``.
    strata : int, (s,)
        Where each stratum starts in ``blocks``.
    """

    rows: IntArray
    blocks: IntArray
    strata: IntArray

    def by_block(self, values: FloatArray) -> FloatArray:
        """Sums of row values in each block; (..., n) to (..., b)."""
        ordered = values[..., self.rows]
        if len(self.blocks) == len(self.rows):
            return ordered
        sums: FloatArray = np.add.reduceat(ordered, self.blocks, axis=-1)
        return sums


def order_rows(score: FloatArray, stratum: npt.NDArray[np.generic] | None = None) -> Order:
    """Rows by stratum and rising score.

    Parameters
    ----------
    score : float, (n,)
        Without NaN.
    stratum : (n,), optional
        As-of dates; None: all rows are compared with each other.
    """
    if stratum is None:
        code = np.zeros(len(score), dtype=np.intp)
    else:
        code = np.unique(stratum, return_inverse=True)[1]
    rows = np.lexsort((score, code))
    new_stratum = np.diff(code[rows], prepend=-1) != 0
    ranked = score[rows]
    new_block = new_stratum.copy()
    new_block[1:] |= ranked[1:] != ranked[:-1]
    blocks = np.flatnonzero(new_block)
    return Order(rows, blocks, np.flatnonzero(new_stratum[blocks]))


def weighted_auc(label: FloatArray, weight: FloatArray, order: Order) -> FloatArray:
    """Share of the pairs within a stratum that are ranked right, a tie counting half.

    Parameters
    ----------
    label : float, (n,)
        0 or 1.
    weight : float, (..., n)
        How often each row counts.
    order : Order
        Of the score.

    Returns
    -------
    float, (...)
        NaN where no stratum has both classes.
    """
    positive = order.by_block(weight * label)
    negative = order.by_block(weight * (1.0 - label))
    below = np.cumsum(negative, axis=-1) - negative
    size = np.diff(np.append(order.strata, len(order.blocks)))
    below -= np.repeat(below[..., order.strata], size, axis=-1)
    right = (positive * (below + 0.5 * negative)).sum(axis=-1)
    pairs = (
        np.add.reduceat(positive, order.strata, axis=-1)
        * np.add.reduceat(negative, order.strata, axis=-1)
    ).sum(axis=-1)
    return divide(right, pairs)


def weighted_average_precision(label: FloatArray, weight: FloatArray, order: Order) -> FloatArray:
    """Mean precision at each positive, ties as one step, strata not told apart.

    Parameters
    ----------
    label, weight, order
        As for `weighted_auc`; ``order`` without strata.

    Returns
    -------
    float, (...)
        NaN without a positive.
    """
    positive = order.by_block(weight * label)[..., ::-1]
    everyone = order.by_block(weight)[..., ::-1]
    precision = divide(np.cumsum(positive, axis=-1), np.cumsum(everyone, axis=-1))
    caught = np.where(positive > 0, positive * precision, 0.0).sum(axis=-1)
    return divide(caught, positive.sum(axis=-1))


def divide(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """Quotients, NaN where the divisor is 0."""
    quotient = np.full(np.shape(bottom), np.nan)
    np.divide(top, bottom, out=quotient, where=bottom > 0)
    return quotient


@dataclass(frozen=True, eq=False)
class Ranked:
    """A figure of a ranking with its replicates, so that two rankings can be compared in pairs."""

    value: float
    replicates: FloatArray

    @property
    def estimate(self) -> Estimate:
        """The figure with its interval."""
        return estimate(self.value, self.replicates)

    def minus(self, other: Ranked) -> Estimate:
        """The difference, replicate by replicate of the same draws."""
        return estimate(self.value - other.value, self.replicates - other.replicates)


def rank_auc(
    label: FloatArray,
    score: FloatArray,
    as_of: npt.NDArray[np.generic],
    bootstrap: Bootstrap,
) -> Ranked:
    """AUC from pairs within the same as-of date, pooled over dates.

    Pairs across dates are left out: a base rate that drifts with time would pass for skill.

    Parameters
    ----------
    label, score : float, (n,)
        Label 0 or 1, and what the rows are ranked by.
    as_of : datetime64, (n,)
        As-of dates.
    bootstrap : Bootstrap
        Of the same rows.
    """
    if len(label) == 0:
        return _unknown(bootstrap)
    order = order_rows(score, as_of)
    value = float(weighted_auc(label, np.ones_like(label), order))
    if not np.isfinite(value):
        return _unknown(bootstrap)
    return Ranked(value, bootstrap.replicates(lambda w: weighted_auc(label, w, order)))


def rank_average_precision(label: FloatArray, score: FloatArray, bootstrap: Bootstrap) -> Ranked:
    """Average precision over all rows; parameters as for `rank_auc`."""
    if not label.any():
        return _unknown(bootstrap)
    order = order_rows(score)
    value = float(weighted_average_precision(label, np.ones_like(label), order))
    return Ranked(
        value, bootstrap.replicates(lambda w: weighted_average_precision(label, w, order))
    )


def _unknown(bootstrap: Bootstrap) -> Ranked:
    return Ranked(float("nan"), np.full(len(bootstrap.counts), np.nan))
