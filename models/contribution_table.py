"""Contributions of few rows to shallow trees, looked up: worked out once when a model is loaded.

As in `models.contribution`, a tree treats all rows alike that fall on the same sides of its splits.
Here LightGBM is asked about every such kind beforehand, by made-up rows, so that a request only
finds out which kind each of its rows is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.contribution import (
    Node,
    can_be_told,
    goes_left,
    kinds_of,
    splits_of,
    threshold_of,
)

if TYPE_CHECKING:
    import lightgbm as lgb

    from models.table import BoolArray, FloatArray

MOST_EXAMPLES = 200  # made-up rows of one tree


@dataclass(frozen=True, eq=False)
class ContributionTable:
    """What each tree adds to each feature, for every kind of row.

    Parameters
    ----------
    feature, threshold : (s,)
        Of each numeric split, all trees in a row; of others NaN.
    missing_left : bool, (s,)
        Whether a numeric split sends NaN to the left.
    other : tuple of (int, float (m,))
        Place of each split by category, with the codes that go left.
    places : int, (d, t)
        Where the splits of each tree that has any stand: its first, its second …; s where it has
        no more of them.
    cells : float, (c,)
        Contributions; NaN for kinds that no row is of.
    cell_begins, tree, target : int, (u,)
        Of each feature used by a tree: where its cells begin, which tree, which feature; sorted by
        feature.
    target_begins : int, (v,)
        Where each feature begins in these.
    expected : float
        Expected value of the raw output.
    width : int
        Features, k.
    """

    feature: npt.NDArray[np.intp]
    threshold: FloatArray
    missing_left: BoolArray
    other: tuple[tuple[int, FloatArray], ...]
    places: npt.NDArray[np.intp]
    cells: FloatArray
    cell_begins: npt.NDArray[np.intp]
    tree: npt.NDArray[np.intp]
    target: npt.NDArray[np.intp]
    target_begins: npt.NDArray[np.intp]
    expected: float
    width: int

    def look_up(self, matrix: FloatArray) -> FloatArray | None:
        """As ``predict(pred_contrib=True)`` to rounding, (n, k + 1); None where that has to do.

        Parameters
        ----------
        matrix : float, (n, k)
            Encoded features, NaN missing.
        """
        # Feature by feature, since a split looks at one: its rows then lie side by side.
        values = np.ascontiguousarray(matrix.T)[self.feature]
        left = np.zeros((len(values) + 1, len(matrix)), dtype=bool)  # the last: of no split
        left[:-1] = values <= self.threshold[:, None]  # never of NaN
        left[:-1] |= np.isnan(values) & self.missing_left[:, None]
        for place, codes in self.other:
            left[place] = (values[place, :, None] == codes).any(axis=1)
        # As `kinds_of` numbers them.
        kind = sum(left[places].astype(np.intp) << bit for bit, places in enumerate(self.places))
        told = self.cells[kind[self.tree] + self.cell_begins[:, None]]
        found = np.zeros((self.width + 1, len(matrix)))
        found[self.target[self.target_begins]] = np.add.reduceat(told, self.target_begins, axis=0)
        found[-1] = self.expected
        return None if np.isnan(found).any() else np.ascontiguousarray(found.T)


def make_table(booster: lgb.Booster) -> ContributionTable | None:
    """The table of a booster; None where its trees have too many splits, or there are no splits.

    Parameters
    ----------
    booster : lightgbm.Booster
        One tree per round.
    """
    trees = [list(splits_of(info["tree_structure"])) for info in booster.dump_model()["tree_info"]]
    every = [split for splits in trees for split in splits]
    if not every or not all(map(can_be_told, trees)):
        return None
    width = booster.num_feature()
    cells: list[FloatArray] = []
    uses: list[tuple[int, int, int]] = []  # feature, tree among those with splits, first cell
    expected, size, planted = 0.0, 0, 0
    for number, splits in enumerate(trees):
        examples = _examples(splits, width)
        if examples is None:
            return None
        answer = _ask(booster, number, examples)
        expected += float(answer[0, -1])
        if not splits:
            continue
        kind = kinds_of(splits, examples)
        for place in sorted({split["split_feature"] for split in splits}):
            column = np.full(1 << len(splits), np.nan)
            column[kind] = answer[:, place]
            cells.append(column)
            uses.append((place, planted, size))
            size += len(column)
        planted += 1
    target, tree, cell_begins = np.array(sorted(uses), dtype=np.intp).T
    numeric = [split["decision_type"] == "<=" for split in every]
    return ContributionTable(
        feature=np.array([split["split_feature"] for split in every], dtype=np.intp),
        threshold=np.array(
            [
                threshold_of(split) if plain else np.nan
                for split, plain in zip(every, numeric, strict=True)
            ]
        ),
        missing_left=np.array(
            [
                plain and bool(goes_left(split, np.array([np.nan]))[0])
                for split, plain in zip(every, numeric, strict=True)
            ]
        ),
        other=tuple(
            (place, np.array([float(code) for code in split["threshold"].split("||")]))
            for place, (split, plain) in enumerate(zip(every, numeric, strict=True))
            if not plain
        ),
        places=_places([len(splits) for splits in trees if splits]),
        cells=np.concatenate(cells),
        cell_begins=cell_begins,
        tree=tree,
        target=target,
        target_begins=np.flatnonzero(np.diff(target, prepend=-1)),
        expected=expected,
        width=width,
    )


def _places(lengths: Sequence[int]) -> npt.NDArray[np.intp]:
    """Where the splits of trees stand that follow one another, (longest, t)."""
    rank = np.arange(max(lengths))[:, None]
    return np.where(rank < lengths, np.cumsum([0, *lengths[:-1]]) + rank, sum(lengths))


def _ask(booster: lgb.Booster, tree: int, examples: FloatArray) -> FloatArray:
    return np.asarray(
        booster.predict(
            examples, pred_contrib=True, start_iteration=tree, num_iteration=1, num_threads=1
        )
    )


def _examples(splits: Sequence[Node], width: int) -> FloatArray | None:
    """A row for every way through a tree, (m, k); None where there are too many."""
    by_feature: dict[int, list[Node]] = {}
    for split in splits:
        by_feature.setdefault(split["split_feature"], []).append(split)
    values = [list(_values(found)) for found in by_feature.values()]
    if math.prod(map(len, values)) > MOST_EXAMPLES:
        return None
    ways = list(itertools.product(*values))
    examples = np.zeros((len(ways), width))
    if by_feature:
        examples[:, list(by_feature)] = ways
    return examples


def _values(splits: Sequence[Node]) -> Iterator[float]:
    """Values of one feature that take every way there is through its splits."""
    if splits[0]["decision_type"] == "==":
        yield math.nan
        codes = {float(code) for split in splits for code in split["threshold"].split("||")}
        yield from sorted(codes)
        yield max(codes) + 1.0
        return
    thresholds = sorted({threshold_of(split) for split in splits})
    if len(splits) > 1 or math.isinf(thresholds[-1]):
        yield math.nan  # else it goes the way of a number
    thresholds = [threshold for threshold in thresholds if math.isfinite(threshold)] or [0.0]
    # Not the thresholds themselves: LightGBM takes what is nearer to 0 than 1e-35 for 0.
    yield thresholds[0] - abs(thresholds[0]) - 1.0
    yield from (low / 2 + high / 2 for low, high in pairwise(thresholds))
    yield thresholds[-1] + abs(thresholds[-1]) + 1.0
