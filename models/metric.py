"""How true probabilities are, and the AUC of any score, with intervals by group."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.bootstrap import Bootstrap, Estimate, draw_groups, estimate
from models.calibration import fit_line, logit, sigmoid
from models.figure import UNKNOWN
from models.ranking import divide, rank_auc
from models.table import FloatArray


def auc_with_interval(
    label: npt.ArrayLike,
    score: npt.ArrayLike,
    as_of: npt.ArrayLike,
    group: npt.ArrayLike,
    *,
    replicates: int = 400,
    seed: int = 0,
) -> Estimate:
    """AUC within as-of dates of any score, with its bootstrap interval over groups.

    Parameters
    ----------
    label, score : array-like of float, (n,)
        Label 0 or 1 and the score, without NaN; high means likely 1.
    as_of : array-like of datetime64, (n,)
        As-of dates.
    group : array-like of str, (n,)
        Parent, or else account.
    replicates, seed : int
        Of the bootstrap.
    """
    draws = draw_groups(np.asarray(group, dtype=object), replicates=replicates, seed=seed)
    return rank_auc(
        np.asarray(label, dtype=np.float64),
        np.asarray(score, dtype=np.float64),
        pd.DatetimeIndex(pd.Series(as_of)).to_numpy(),
        draws,
    ).estimate


def calibration_slope(label: FloatArray, probability: FloatArray, bootstrap: Bootstrap) -> Estimate:
    """Slope of the labels' log-odds on the predicted log-odds; 1 is right, below 1 too sure.

    The replicates take one Newton step from the estimate with each draw's weights, whose score
    and curvature are sums over groups: as good as refitting where rows are many, and free.

    Parameters
    ----------
    label, probability : float, (n,)
        Label 0 or 1, and predicted probability.
    bootstrap : Bootstrap
        Of the same rows.

    References
    ----------
    Moulton, L. and Zeger, S. (1991). Bootstrapping generalized linear models.
    """
    x = logit(probability)
    line = fit_line(x, label)
    if line is None:
        return UNKNOWN
    fitted = sigmoid(line[0] * x + line[1])
    weight = fitted * (1.0 - fitted)
    miss = label - fitted
    terms = np.column_stack([miss * x, miss, weight * x * x, weight * x, weight])
    gx, g1, hxx, hx, h1 = (bootstrap.counts @ bootstrap.group_sums(terms)).T
    step = divide(h1 * gx - hx * g1, hxx * h1 - hx * hx)
    return estimate(line[0], line[0] + step)


def calibration_intercept(
    label: FloatArray, probability: FloatArray, bootstrap: Bootstrap
) -> Estimate:
    """Log-odds to add to every prediction so that its mean is right; 0 is right, NaN unknown.

    The replicates take one Newton step, as those of `calibration_slope`.

    Parameters
    ----------
    label, probability : float, (n,)
    bootstrap : Bootstrap
        Of the same rows.

    References
    ----------
    Van Calster, B. et al. (2016). A calibration hierarchy for risk models was defined
    ("calibration-in-the-large": the slope held at 1).
    """
    share = float(label.mean()) if len(label) else 0.0
    if not 0.0 < share < 1.0:
        return UNKNOWN
    x = logit(probability)
    shift = _shift_to(share, x)
    fitted = sigmoid(x + shift)
    terms = np.column_stack([label - fitted, fitted * (1.0 - fitted)])
    miss, weight = (bootstrap.counts @ bootstrap.group_sums(terms)).T
    return estimate(shift, shift + divide(miss, weight))


def _shift_to(share: float, log_odds: FloatArray) -> float:
    """What must be added to the log-odds so that their mean probability is the share."""
    low, high = -50.0, 50.0
    while high - low > 1e-10:
        middle = (low + high) / 2
        if float(sigmoid(log_odds + middle).mean()) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def arr_ratio(
    label: FloatArray, probability: FloatArray, arr: FloatArray, bootstrap: Bootstrap
) -> Estimate:
    """The ARR that was lost over the loss that was expected of it; 1 is right, above 1 too little.

    Parameters
    ----------
    label, probability : float, (n,)
    arr : float, (n,)
        Reporting currency; rows of unknown ARR (NaN) are left out.
    bootstrap : Bootstrap
        Of the same rows.
    """
    known = np.nan_to_num(arr)
    sums = np.column_stack([known * label, known * probability])
    lost, expected = (bootstrap.counts @ bootstrap.group_sums(sums)).T
    total = sums.sum(axis=0)
    return estimate(float(divide(total[0], total[1])), divide(lost, expected))


def brier(label: FloatArray, probability: FloatArray, bootstrap: Bootstrap) -> Estimate:
    """Mean squared error of the probabilities, 0-1; NaN without rows."""
    return _mean((label - probability) ** 2, bootstrap)


def brier_skill(
    label: FloatArray, probability: FloatArray, prior: FloatArray, bootstrap: Bootstrap
) -> Estimate:
    """One less the Brier score over that of the prior: 1 is perfect, 0 no better than the prior.

    Parameters
    ----------
    label, probability : float, (n,)
    prior : float, (n,)
        What would be said without a model: the share of positives known at training.
    bootstrap : Bootstrap
        Of the same rows.
    """
    if not len(label):
        return UNKNOWN
    errors = np.column_stack([(label - probability) ** 2, (label - prior) ** 2])
    model, reference = errors.sum(axis=0)
    drawn_model, drawn_reference = (bootstrap.counts @ bootstrap.group_sums(errors)).T
    value = 1.0 - float(model / reference) if reference > 0 else np.nan
    return estimate(value, 1.0 - divide(drawn_model, drawn_reference))


def log_loss(label: FloatArray, probability: FloatArray, bootstrap: Bootstrap) -> Estimate:
    """Mean negative log-likelihood, in nats; NaN without rows."""
    x = logit(probability)
    return _mean(np.logaddexp(0.0, x) - label * x, bootstrap)


def _mean(values: FloatArray, bootstrap: Bootstrap) -> Estimate:
    if not len(values):
        return UNKNOWN
    sums = bootstrap.group_sums(np.column_stack([values, np.ones_like(values)]))
    total, rows = (bootstrap.counts @ sums).T
    return estimate(float(values.mean()), divide(total, rows))
