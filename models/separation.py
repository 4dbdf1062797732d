"""How far a single column tells the label, by rows of the same as-of date."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.ranking import order_rows, weighted_auc
from models.table import BoolArray, FloatArray, ModelTable
from models.training import assign_folds

FOLDS = 5
# A rank correlation of so few groups can reach any figure by chance.
LEAST_GROUPS = 25


@dataclass(frozen=True, eq=False)
class Labelled:
    """Rows whose label is known, with what all columns are compared by.

    Parameters
    ----------
    label : float, (n,)
        0 or 1.
    stratum : int, (n,)
        Place of each row's as-of date among all dates.
    group : int, (n,)
        Place of each row's parent, or else account, among all of them.
    fold : int, (n,)
        Whole groups, so that a category's rate is read off other groups than it is tried on.
    """

    label: FloatArray
    stratum: npt.NDArray[np.intp]
    group: npt.NDArray[np.intp]
    fold: npt.NDArray[np.intp]

    def by_date(self, chosen: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Positives and negatives among the chosen rows, by as-of date; (dates,) each."""
        dates = int(self.stratum.max()) + 1
        everyone = np.bincount(self.stratum[chosen], minlength=dates).astype(np.float64)
        positive = np.zeros(dates) + np.bincount(
            self.stratum[chosen], self.label[chosen], minlength=dates
        )
        return positive, everyone - positive

    @property
    def within(self) -> str:
        """Among which rows an AUC compares, as a phrase's end; empty where all bear one date."""
        return " within as-of dates" if self.stratum.max(initial=0) > 0 else ""

    def groups(self, chosen: BoolArray) -> int:
        """How many groups the chosen rows are of."""
        return len(np.unique(self.group[chosen]))


def label_rows(table: ModelTable) -> Labelled:
    """The rows of a table whose labels are all known, of both classes."""
    group = np.unique(table.group.astype(str), return_inverse=True)[1]
    stratum = np.unique(table.rows["as_of"].to_numpy(), return_inverse=True)[1]
    fold = assign_folds(table.group, table.label, folds=FOLDS, seed=0)
    return Labelled(table.label, stratum, group, fold)


def number_auc(values: FloatArray, rows: Labelled) -> float:
    """The AUC of a number within as-of dates, the better of both directions.

    Missing values are tried as the lowest, as the highest and, where enough groups of both classes
    have a value, left out; the best counts, since a tree can take each way.

    Parameters
    ----------
    values : float, (n,)
        NaN: missing.
    rows : Labelled

    Returns
    -------
    float
        0.5-1; NaN where no date has both classes.
    """
    present = ~np.isnan(values)
    positive, negative = rows.by_date(present)
    pairs = float(positive @ negative)
    right, alone = 0.0, float("nan")
    if pairs:
        order = order_rows(values[present], rows.stratum[present])
        label = rows.label[present]
        alone = float(weighted_auc(label, np.ones_like(label), order))
        right = alone * pairs
    if present.all():
        return two_sided(alone)
    no_positive, no_negative = rows.by_date(~present)
    ties = 0.5 * float(no_positive @ no_negative)
    every_pair = float((positive + no_positive) @ (negative + no_negative))
    found = [
        two_sided((right + ties + float(extra)) / every_pair) if every_pair else float("nan")
        for extra in (no_positive @ negative, positive @ no_negative)
    ]
    classes = (present & (rows.label == 1.0), present & (rows.label == 0.0))
    if two_sided(alone) > max(found) and min(map(rows.groups, classes)) >= LEAST_GROUPS:
        found.append(two_sided(alone))
    return max(found)


def category_auc(codes: npt.NDArray[np.intp], rows: Labelled) -> float:
    """The AUC within as-of dates of each category's share of positives among other groups.

    The share is drawn towards the mean by one row, so that a category of its own for every account
    says nothing.

    Parameters
    ----------
    codes : int, (n,)
        Category of each row, from 0; missing is a category as well.
    rows : Labelled

    Returns
    -------
    float
        0-1; NaN where no date has both classes.
    """
    return _auc(rate_elsewhere(codes, rows), rows.label, rows.stratum)


def rate_elsewhere(codes: npt.NDArray[np.intp], rows: Labelled) -> FloatArray:
    """Share of positives in each row's category among the groups of the other folds, (n,)."""
    size = int(codes.max()) + 1
    cell = rows.fold * size + codes
    positive = np.bincount(cell, rows.label, minlength=FOLDS * size).reshape(FOLDS, size)
    everyone = np.bincount(cell, minlength=FOLDS * size).reshape(FOLDS, size)
    mean = float(rows.label.mean())
    rate = (positive.sum(axis=0) - positive + mean) / (everyone.sum(axis=0) - everyone + 1.0)
    return np.asarray(rate[rows.fold, codes], dtype=np.float64)


def flag_auc(flag: BoolArray, rows: Labelled) -> float:
    """The AUC of a yes or no within as-of dates, the better of both directions."""
    yes_positive, yes_negative = rows.by_date(flag)
    no_positive, no_negative = rows.by_date(~flag)
    pairs = float((yes_positive + no_positive) @ (yes_negative + no_negative))
    ties = float(yes_positive @ yes_negative + no_positive @ no_negative)
    right = float(yes_positive @ no_negative) + 0.5 * ties
    return two_sided(right / pairs) if pairs else float("nan")


def pooled_auc(score: FloatArray, label: FloatArray) -> float:
    """The AUC over all rows, whatever their date."""
    return _auc(score, label, None)


def two_sided(auc: float) -> float:
    """The AUC, or that of the opposite order when it is better."""
    return max(auc, 1.0 - auc)


def _auc(score: FloatArray, label: FloatArray, stratum: npt.NDArray[np.intp] | None) -> float:
    return float(weighted_auc(label, np.ones_like(label), order_rows(score, stratum)))
