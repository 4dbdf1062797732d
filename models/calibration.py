"""Log-odds calibration: ``logit(p) = slope * raw + intercept``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.table import FloatArray

MAX_STEPS = 100
TOLERANCE = 1e-10
ROUNDING = 1e-12  # a sum of thousands of terms differs by so much without having risen
EPSILON = 1e-12


def sigmoid(log_odds: FloatArray) -> FloatArray:
    """Probabilities of log-odds, without overflow."""
    small = np.exp(-np.abs(log_odds))
    return np.where(log_odds >= 0, 1.0, small) / (1.0 + small)


def logit(probability: FloatArray) -> FloatArray:
    """Log-odds of probabilities, those at 0 and 1 moved in by 1e-12."""
    inside = np.clip(probability, EPSILON, 1.0 - EPSILON)
    return np.log(inside) - np.log1p(-inside)


@dataclass(frozen=True)
class Calibration:
    """The line from a booster's raw output to the log-odds of the published probability.

    Parameters
    ----------
    slope : float
        Not above 0 means that the raw output does not rank: a null verdict.
    intercept : float
        Log-odds at a raw output of 0.
    """

    slope: float
    intercept: float

    @property
    def ranks(self) -> bool:
        """Whether a higher raw output means a higher probability."""
        return self.slope > 0

    def log_odds(self, raw: FloatArray) -> FloatArray:
        """Log-odds of the probability, same shape as ``raw``."""
        return self.slope * raw + self.intercept

    def probability(self, raw: FloatArray) -> FloatArray:
        """Probability 0-1, same shape as ``raw``."""
        return sigmoid(self.log_odds(raw))


def fit_calibration(raw: FloatArray, label: FloatArray) -> Calibration:
    """The calibration of raw outputs that the booster did not train on.

    Parameters
    ----------
    raw : float, (n,)
        Out-of-fold output in log-odds.
    label : float, (n,)
        0 or 1, both present.

    References
    ----------
    Platt, J. (1999). Probabilistic outputs for support vector machines. His targets, a little
    inside 0 and 1, keep the line finite when the classes are apart and leave the mean as it is.
    """
    positives = float(label.sum())
    negatives = float(len(label)) - positives
    target = np.where(label > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    line = fit_line(raw, target)
    if line is None:
        return Calibration(0.0, float(logit(np.array(label.mean()))))
    return Calibration(*line)


def fit_line(x: FloatArray, target: FloatArray) -> tuple[float, float] | None:
    """Slope and intercept of a logistic regression on one variable, by Newton's method.

    Parameters
    ----------
    x : float, (n,)
        The variable.
    target : float, (n,)
        Probabilities, or labels 0 and 1.

    Returns
    -------
    (slope, intercept) or None
        None when there is no finite answer: ``x`` is constant or the classes are apart.
    """
    spread = float(x.std())
    if not spread > EPSILON:
        return None
    center = float(x.mean())
    design = np.column_stack([(x - center) / spread, np.ones_like(x)])
    theta: FloatArray = np.array([0.0, float(logit(np.array(target.mean())))])
    loss = _log_loss(design @ theta, target)
    for _ in range(MAX_STEPS):
        step = _newton_step(design, theta, target)
        if step is None:
            return None
        if float(np.abs(step).max()) < TOLERANCE:
            slope = float(theta[0]) / spread
            return slope, float(theta[1]) - slope * center
        theta, loss = _descend(design, theta, target, step, loss=loss)
    return None


def _log_loss(log_odds: FloatArray, target: FloatArray) -> float:
    return float((np.logaddexp(0.0, log_odds) - target * log_odds).sum())


def _newton_step(design: FloatArray, theta: FloatArray, target: FloatArray) -> FloatArray | None:
    probability = sigmoid(design @ theta)
    weight = probability * (1.0 - probability)
    curvature = design.T @ (design * weight[:, None])
    if not np.linalg.det(curvature) > EPSILON:
        return None
    slope = design.T @ (target - probability)
    return np.asarray(np.linalg.solve(curvature, slope), dtype=np.float64)


def _descend(
    design: FloatArray, theta: FloatArray, target: FloatArray, step: FloatArray, *, loss: float
) -> tuple[FloatArray, float]:
    """The step, halved until the loss does not rise."""
    for _ in range(30):
        new_loss = _log_loss(design @ (theta + step), target)
        if new_loss <= loss + ROUNDING * abs(loss):
            return theta + step, new_loss
        step = np.asarray(step / 2)
    return theta, loss
