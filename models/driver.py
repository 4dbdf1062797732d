"""What moved a prediction: contributions that add up to the published probability."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from models.calibration import sigmoid
from models.predictor import Predictor
from models.table import FloatArray


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


def explain(predictor: Predictor, features: pd.DataFrame) -> Explanation:
    """Probability of each row and what each feature contributed to it.

    Parameters
    ----------
    predictor : Predictor
        Of a fitted model or of a bundle.
    features : DataFrame, (n, at least k)
        NaN or None: missing.
    """
    calibration = predictor.calibration
    matrix = predictor.encoding.encode(features)
    raw = predictor.raw_contributions(matrix)
    contributions = calibration.slope * raw[:, :-1]
    expected = float(raw[0, -1]) if len(raw) else 0.0
    base = calibration.slope * expected + calibration.intercept
    return Explanation(sigmoid(base + contributions.sum(axis=1)), contributions, base)


def strongest(contributions: FloatArray, *, count: int = 5) -> list[list[int]]:
    """Places of each row's strongest contributions, the strongest first, those of 0 left out.

    Parameters
    ----------
    contributions : float, (n, k)
    count : int
        Most places per row.
    """
    size, rows = abs(contributions), range(len(contributions))
    picked = []
    for _ in range(min(count, contributions.shape[1])):  # a few passes are faster than sorting
        place = size.argmax(axis=1)
        picked.append(np.where(size[rows, place] > 0, place, -1))
        size[rows, place] = 0.0
    chosen = np.array(picked, dtype=np.intp).reshape(len(picked), len(contributions)).T.tolist()
    return [[place for place in places if place >= 0] for places in chosen]
