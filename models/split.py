"""Which rows train and which rows judge, by as-of date and by when labels became known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.table import BoolArray, ModelTable

TEST_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Split:
    """The training and the test rows of a table.

    Parameters
    ----------
    test_from : date or None
        First as-of date tested on; None when no row is left to test on.
    train, test : bool, (n,)
        A training row's label was known by ``test_from``; a test row is mature and counts in the
        metrics. Rows between the two, whose labels came too late, are in neither.
    """

    test_from: date | None
    train: BoolArray
    test: BoolArray


def default_test_from(table: ModelTable) -> pd.Timestamp | None:
    """First of the last fifth of the mature as-of dates; None when there are fewer than two."""
    dates = np.sort(table.rows.loc[table.mature & table.headline, "as_of"].unique())
    if len(dates) < 2:
        return None
    return pd.Timestamp(dates[-math.ceil(len(dates) * TEST_SHARE)])


def split_rows(table: ModelTable, *, test_from: date | None = None) -> Split:
    """Training and test rows, no training label known later than the first date tested on.

    Parameters
    ----------
    table : ModelTable
        All rows of one model.
    test_from : date, optional
        First as-of date to test on (inclusive); default: the last fifth of the mature dates.
    """
    start = default_test_from(table) if test_from is None else pd.Timestamp(test_from)
    as_of = table.rows["as_of"]
    nothing = np.zeros(len(table), dtype=np.bool_)
    if start is None:
        return Split(None, nothing, nothing)
    test = table.mature & table.headline & (as_of >= start).to_numpy(dtype=np.bool_)
    if not test.any():
        return Split(None, nothing, nothing)
    first = as_of[test].min()
    known = (table.rows["label_known_at"] <= first).to_numpy(dtype=np.bool_)
    earlier = (as_of < first).to_numpy(dtype=np.bool_)
    return Split(first.date(), table.mature & known & earlier, test)
