"""Whether values that are missing, or rows that are there at all, give the label away."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd

from models.separation import Labelled, flag_auc, label_rows, pooled_auc, rate_elsewhere, two_sided
from models.table import BoolArray, ModelTable

MOST_AUC = 0.95
# Rows that are nearly all of the rarer class; how many there must be to be sure, and what share of
# that class for it to be given away: a few customers who fell silent and left give nothing away.
PURE = 0.95
LEAST_ROWS = 20
LEAST_GROUPS = 10
LEAST_SHARE = 0.05
MOST_CHANCE = 1e-6
# A date with fewer rows than this share of the fullest date's is off the common grid.
SPARSE = 0.05


def flag_tells(flag: BoolArray, rows: Labelled, *, yes: str, no: str) -> str | None:
    """How a yes or no of each row gives its label away, in words; None when it does not.

    Parameters
    ----------
    flag : bool, (n,)
    rows : Labelled
    yes, no : str
        What the rows of each side are, such as ``with a value``.
    """
    return _tells_by_rank(flag, rows) or _tells_by_class(flag, rows, yes=yes, no=no)


def _tells_by_rank(flag: BoolArray, rows: Labelled) -> str | None:
    auc = flag_auc(flag, rows)
    return f"AUC {auc:.3f}{rows.within}" if auc > MOST_AUC else None


def _tells_by_class(flag: BoolArray, rows: Labelled, *, yes: str, no: str) -> str | None:
    """Whether one side is (nearly) all of the rarer class, in more groups than by chance."""
    positive = float(rows.label.mean())
    rarer, rate = (1.0, positive) if positive < 0.5 else (0.0, 1.0 - positive)
    for side, words in ((flag, yes), (~flag, no)):
        count = int(side.sum())
        if not LEAST_ROWS <= count < len(flag):
            continue
        found = float((rows.label[side] == rarer).sum())
        share, groups = found / count, rows.groups(side)
        if share < PURE or found < LEAST_SHARE * rate * len(flag):
            continue
        if groups >= LEAST_GROUPS and rate**groups < MOST_CHANCE:
            return (
                f"of the {count:,} rows {words} {100 * share:.0f} % have label {rarer:.0f}, "
                f"of all rows {100 * rate:.0f} %"
            )
    return None


def telling_gaps(
    features: pd.DataFrame, rows: Labelled, *, agreed: Collection[str]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """The features, together those that are missing in the same rows, whose gaps tell the label.

    Parameters
    ----------
    features : DataFrame, (n, k)
        NaN or None: missing.
    rows : Labelled
        The same rows.
    agreed : collection of str
        Features told by dates agreed beforehand: whether a decision is near may honestly rank the
        rows, so these are stopped only where one side is of one class.

    Yields
    ------
    (tuple of str, str)
        Features, and how their being missing tells it.
    """
    missing = features.isna().to_numpy()
    packed = np.packbits(missing, axis=0)
    patterns: dict[bytes, list[int]] = {}
    for place in np.flatnonzero(missing.any(axis=0) & ~missing.all(axis=0)):
        patterns.setdefault(packed[:, place].tobytes(), []).append(int(place))
    for places in patterns.values():
        flag, names = missing[:, places[0]], tuple(str(features.columns[at]) for at in places)
        found = _tells_by_class(flag, rows, yes="without a value", no="with a value")
        if found is None and not set(names) <= set(agreed):
            found = _tells_by_rank(flag, rows)
        if found is not None:
            yield names, found


def telling_rows(table: ModelTable) -> str | None:
    """How the mere presence of rows tells the label, in one sentence; None when it does not.

    Looked at are the as-of dates (which date it is, how many rows stand on it, the share of
    positives among the other groups) and whether an account was seen a whole label span earlier,
    as everyone was who was a customer then. Survivors have more rows than leavers on any honest
    grid, so the number of an account's rows is no evidence.

    Parameters
    ----------
    table : ModelTable
        All as-of rows; only mature headline rows of both classes can tell.
    """
    table = table.part(table.mature & table.headline)
    if min(_groups_of(table, 0.0), _groups_of(table, 1.0)) < LEAST_GROUPS:
        return None
    rows = label_rows(table)
    date_auc = _best_date_auc(rows)
    if date_auc > MOST_AUC:
        return (
            f"the as-of date alone tells the label (AUC {date_auc:.3f} over all rows): who left is "
            "observed on other dates than who stayed; observe everyone on the same dates"
        )
    crowd = np.bincount(rows.stratum)[rows.stratum]
    found = flag_tells(
        crowd < SPARSE * crowd.max(),
        rows,
        yes="on dates with few others",
        no="on the common dates",
    )
    if found is not None:
        return (
            f"which dates have rows tells the label ({found}): who left is observed on dates of "
            "its own; observe everyone on the same dates"
        )
    found = _first_sight(table, rows)
    if found is not None:
        return (
            f"whether an account was observed before tells the label ({found}): observe everyone "
            "on every as-of date since becoming a customer, not only when leaving"
        )
    return None


def _groups_of(table: ModelTable, label: float) -> int:
    return len(set(table.group[table.label == label]))


def _best_date_auc(rows: Labelled) -> float:
    crowd = np.bincount(rows.stratum)[rows.stratum].astype(np.float64)
    return max(
        two_sided(pooled_auc(rows.stratum.astype(np.float64), rows.label)),
        two_sided(pooled_auc(crowd, rows.label)),
        pooled_auc(rate_elsewhere(rows.stratum, rows), rows.label),
    )


def _first_sight(table: ModelTable, rows: Labelled) -> str | None:
    """How it tells the label that an account was not seen a label's span ago, though it could be.

    It could when it was a customer by then (tenure; unknown: taken as long enough) and the grid
    reaches back that far.
    """
    frame = table.rows
    span = (table.horizon_days or 0) + (table.lead_days or 0)
    as_of, tenure = frame["as_of"], frame["tenure_days"].to_numpy(dtype=np.float64)
    first = frame.groupby("account_id")["as_of"].transform("min")
    days = (as_of - first).dt.days.to_numpy()
    reach = (as_of - as_of.min()).dt.days.to_numpy()
    asked: BoolArray = (reach >= span) & ~(tenure < span)
    if len(np.unique(rows.label[asked])) < 2:
        return None
    chosen = label_rows(table.part(asked))
    unseen: BoolArray = days[asked] < span
    return flag_tells(
        unseen, chosen, yes="of accounts not observed before", no="of accounts observed before"
    )
