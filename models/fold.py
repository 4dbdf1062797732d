"""Rolling-origin folds: at each cut-off train on what was known then, and test on what follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.refusal import reason_not_to_train
from models.settings import ModelSettings
from models.split import judged_dates, known_by
from models.table import BoolArray, ModelTable


@dataclass(frozen=True, eq=False)
class Fold:
    """One cut-off.

    Parameters
    ----------
    cutoff : Timestamp
        First as-of date tested on; every training label was known by it.
    dates : DatetimeIndex
        The dates tested on, up to the next cut-off.
    train : bool, (n,)
        Mature rows of earlier dates whose label was known by the cut-off.
    """

    cutoff: pd.Timestamp
    dates: pd.DatetimeIndex
    train: BoolArray


def plan_folds(table: ModelTable, settings: ModelSettings) -> list[Fold]:
    """The folds of a table, in time order: every judged date that can be tested on is in one.

    Parameters
    ----------
    table : ModelTable
        All rows of one model.
    settings : ModelSettings
        The most folds, and how many positives training needs. With more dates than folds a fold
        tests on several dates.

    Returns
    -------
    list of Fold
        Empty when no date is left to test on.
    """
    dates = judged_dates(table)
    ready = (
        place
        for place, date in enumerate(dates)
        if not reason_not_to_train(table.part(known_by(table, date)), settings=settings.training)
    )
    tested = dates[next(ready, len(dates)) :]
    if len(tested) == 0:
        return []
    places = np.array_split(np.arange(len(tested)), min(settings.backtest.folds, len(tested)))
    return [
        Fold(tested[place[0]], tested[place], known_by(table, tested[place[0]])) for place in places
    ]


def judged_rows(table: ModelTable, dates: pd.DatetimeIndex) -> BoolArray:
    """Mature headline rows of the dates, (n,)."""
    return table.mature & table.headline & table.rows["as_of"].isin(dates).to_numpy(dtype=np.bool_)


def beside_rows(table: ModelTable, dates: pd.DatetimeIndex) -> BoolArray:
    """Mature rows of the dates that are not in the headline, (n,)."""
    return table.mature & ~table.headline & table.rows["as_of"].isin(dates).to_numpy(dtype=np.bool_)
