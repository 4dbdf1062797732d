"""Which rows train and which rows judge, by as-of date and by when labels became known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.table import BoolArray, ModelTable

TEST_SHARE = 0.2
# A renewal label is known soon after the contract's end, so of a young date only the rows about to
# end are mature, and those are the easy ones. A date judges once nearly all of its rows can; not
# all of them, so that a single contract with a long notice period does not hold it up.
MATURE_SHARE = 0.95


@dataclass(frozen=True, eq=False)
class Split:
    """The training and the test rows of a table.

    Parameters
    ----------
    test_from : date or None
        First as-of date tested on; None when no row is left to test on.
    train, test : bool, (n,)
        A training row's label was known by ``test_from``; a test row is a mature headline row of
        a judged date. Rows whose labels came too late for the one and whose dates are too young
        for the other are in neither.
    beside : bool, (n,)
        Mature rows of the dates tested on that are not in the headline: shown apart.
    """

    test_from: date | None
    train: BoolArray
    test: BoolArray
    beside: BoolArray


def judged_dates(table: ModelTable) -> pd.DatetimeIndex:
    """As-of dates on which at least 95 % of the headline rows are mature, ascending.

    Rows that never get a label, such as those of accounts that left within the lead time, count
    neither way.
    """
    label_known_at = table.rows["label_known_at"]
    assert table.data_end is not None  # rows with dates have one
    never = ~table.mature & (label_known_at <= pd.Timestamp(table.data_end)).to_numpy(np.bool_)
    counted = table.headline & ~never
    share = pd.Series(table.mature[counted]).groupby(table.rows["as_of"][counted].to_numpy()).mean()
    return pd.DatetimeIndex(share.index[share >= MATURE_SHARE])


def split_rows(table: ModelTable, *, test_from: date | None = None) -> Split:
    """Training and test rows, no training label known later than the first date tested on.

    Parameters
    ----------
    table : ModelTable
        All rows of one model.
    test_from : date, optional
        The judged dates from here on (inclusive) are tested on; default: the last fifth of them,
        rounded up, when there are two or more.
    """
    dates = judged_dates(table)
    if test_from is not None:
        dates = dates[dates >= pd.Timestamp(test_from)]
    else:
        dates = dates[-math.ceil(len(dates) * TEST_SHARE) :] if len(dates) > 1 else dates[:0]
    as_of = table.rows["as_of"]
    nothing = np.zeros(len(table), dtype=np.bool_)
    if len(dates) == 0:
        return Split(None, nothing, nothing, nothing)
    tested = table.mature & as_of.isin(dates).to_numpy(dtype=np.bool_)
    return Split(
        test_from=dates[0].date(),
        train=known_by(table, dates[0]),
        test=tested & table.headline,
        beside=tested & ~table.headline,
    )


def known_by(table: ModelTable, date: pd.Timestamp) -> BoolArray:
    """Mature rows of earlier as-of dates whose label was known by a date, (n,)."""
    known = (table.rows["label_known_at"] <= date).to_numpy(dtype=np.bool_)
    earlier = (table.rows["as_of"] < date).to_numpy(dtype=np.bool_)
    return table.mature & known & earlier
