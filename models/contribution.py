"""Contributions of many rows to shallow trees: LightGBM's own, worked out once per way through.

What a tree contributes to a row depends only on which side of each of its splits the row falls. A
tree of 4 leaves has 3 splits, so at most 8 kinds of rows: LightGBM is asked about one row of each
kind, and the others get its answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import lightgbm as lgb

    from models.table import BoolArray, FloatArray

# With more splits there are more kinds of rows than it pays to tell apart.
MOST_SPLITS = 7
LEAST_ROWS = 500
INFINITE = 1e300  # as LightGBM writes it
Node = dict[str, Any]  # Any: LightGBM's dump of a tree, JSON


def shallow_contributions(booster: lgb.Booster, matrix: FloatArray) -> FloatArray | None:
    """As ``predict(pred_contrib=True)`` to rounding, (n, k + 1); None where that is to be asked.

    Parameters
    ----------
    booster : lightgbm.Booster
        One tree per round.
    matrix : float, (n, k)
        Encoded features, NaN missing.
    """
    trees = [list(splits_of(info["tree_structure"])) for info in booster.dump_model()["tree_info"]]
    if len(matrix) < LEAST_ROWS or not all(map(can_be_told, trees)):
        return None
    columns = np.asfortranarray(matrix)
    found = np.zeros((len(matrix), matrix.shape[1] + 1), order="F")
    for number, splits in enumerate(trees):
        kind = kinds_of(splits, columns)
        example = np.zeros(1 << len(splits), dtype=np.intp)
        example[kind] = np.arange(len(kind))
        answer = np.asarray(
            booster.predict(
                matrix[example],
                pred_contrib=True,
                start_iteration=number,
                num_iteration=1,
                num_threads=1,
            )
        )
        for place in {split["split_feature"] for split in splits}:
            found[:, place] += answer[:, place][kind]
        found[:, -1] += answer[0, -1]  # the tree's expected value, of every row
    return found


def splits_of(node: Node) -> Iterator[Node]:
    """The splits at and below a node of LightGBM's dump."""
    if "split_index" in node:
        yield node
        yield from splits_of(node["left_child"])
        yield from splits_of(node["right_child"])


def can_be_told(splits: list[Node]) -> bool:
    """Whether the tree is shallow, and each split of a sort that `goes_left` knows."""
    return len(splits) <= MOST_SPLITS and all(
        split["decision_type"] == "==" or split["missing_type"] in ("NaN", "None")
        for split in splits
    )


def kinds_of(splits: list[Node], columns: FloatArray) -> npt.NDArray[np.intp]:
    """Which way each row takes, (n,): a bit for each split, set where it goes left."""
    kind = np.zeros(len(columns), dtype=np.intp)
    for place, split in enumerate(splits):
        left = goes_left(split, columns[:, split["split_feature"]])
        kind |= left.astype(np.intp) << place
    return kind


def threshold_of(split: Node) -> float:
    """The largest value that goes left at a split of numbers; infinite where all but NaN do."""
    threshold = float(split["threshold"])
    return math.inf if threshold >= INFINITE else threshold


def goes_left(split: Node, values: FloatArray) -> BoolArray:
    """Whether each value goes left, as LightGBM decides it."""
    if split["decision_type"] == "==":
        return np.isin(values, [float(code) for code in split["threshold"].split("||")])
    threshold = threshold_of(split)
    left: BoolArray = values <= threshold  # never of NaN
    if split["default_left"] if split["missing_type"] == "NaN" else threshold >= 0:
        left |= np.isnan(values)
    return left
