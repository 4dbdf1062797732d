"""Where figures of accounts lie within their bounds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from models.bound import Bound
from models.table import BoolArray


def holds(bound: Bound, column: pd.Series) -> BoolArray:
    """Where the figure lies within its bound, (n,).

    Parameters
    ----------
    bound : Bound
    column : Series, (n,)
        Numbers with NaN, or text with None where the bound is of categories.
    """
    if bound.missing:
        return np.asarray(column.isna(), dtype=np.bool_)
    if bound.among:
        return np.asarray(column.isin(bound.among), dtype=np.bool_)
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    found: BoolArray = ~np.isnan(values)
    # A comparison with NaN is false by itself.
    if bound.at_least is not None:
        found &= values >= bound.at_least
    if bound.above is not None:
        found &= values > bound.above
    if bound.at_most is not None:
        found &= values <= bound.at_most
    if bound.below is not None:
        found &= values < bound.below
    return found


def all_hold(bounds: Mapping[str, Bound], features: pd.DataFrame) -> BoolArray:
    """Where all of the bounds hold, (n,); nowhere when a feature is not there.

    Parameters
    ----------
    bounds : mapping of feature name to Bound
    features : DataFrame, (n, n_features)
    """
    found = np.ones(len(features), dtype=np.bool_)
    for name, bound in bounds.items():
        if name not in features:
            return np.zeros(len(features), dtype=np.bool_)
        found &= holds(bound, features[name])
    return found
