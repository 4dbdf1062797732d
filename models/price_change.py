"""How the ARR of a kept term changes: past changes, drawn again with weights.

A change is drawn from the term's own cell, else from its kind and age, else from its kind,
else from all: the fewer past terms, the more often it is lent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.past_term import IntArray, PastTerms
from models.table import BoolArray, FloatArray

# A pool with this many past changes is used for half of the draws, the next wider one for the rest.
SHRINK = 2.0
_MOST_ALIKE = 0.9
# Before data speak a quarter's effect has this spread, which counts as much as four quarters.
QUARTER_SPREAD, QUARTER_WEIGHT = 0.4, 4.0
# A change counts half as much as one that is so many quarters younger.
HALF_LIFE = 2.0


@dataclass(frozen=True, eq=False)
class Changes:
    """Past changes in pools, ascending within each.

    Parameters
    ----------
    change, arr, next_length : float, (n,)
        Of kept terms: ARR after over ARR before, ARR before, length of the term that followed.
    next_kind, group : int, (n,)
        Its kind; the place of its parent among ``groups`` parents.
    quarter : int, (n,)
        The calendar quarter of the term's end, counted from the first one.
    pools : tuple of int arrays
        Places of the changes in each pool.
    lend : int, (4, cells)
        The pools from which the changes of each cell are drawn, from narrow to wide.
    groups : int
    alike : float
        Correlation of the changes within a parent, 0 to 0.9.
    quarter_spread : float
        How far a quarter moves the ranks of all changes, log-odds.
    """

    change: FloatArray
    arr: FloatArray
    next_length: FloatArray
    next_kind: IntArray
    group: IntArray
    quarter: IntArray
    pools: tuple[IntArray, ...]
    lend: IntArray
    groups: int
    alike: float
    quarter_spread: float


def collect_changes(past: PastTerms) -> Changes:
    """The changes of kept terms whose money is known before and after."""
    kept = np.flatnonzero(~past.lost & np.isfinite(past.change * past.arr))
    kept = kept[np.argsort(past.change[kept], kind="stable")]
    cell, lend = past.cell[kept], _lending(past.kinds.shape)
    names, group = np.unique(past.group[kept].astype(str), return_inverse=True)
    pools = [
        np.flatnonzero(level[cell] == number)
        for level in lend
        for number in range(level[0], level.max() + 1)
    ]
    quarter = np.floor(past.end[kept] / 3).astype(np.intp)
    quarter -= quarter.min() if len(quarter) else 0
    return Changes(
        change=past.change[kept],
        arr=past.arr[kept],
        next_length=past.next_length[kept],
        next_kind=past.next_kind[kept],
        group=group,
        quarter=quarter,
        pools=tuple(pools),
        lend=lend,
        groups=len(names),
        alike=_intraclass(past.change[kept], group),
        quarter_spread=_quarter_spread(past.change[kept], cell, quarter),
    )


def _quarter_spread(change: FloatArray, cell: IntArray, quarter: IntArray) -> float:
    """Spread, log-odds, with which quarters move the rank of a change within its cell.

    Were all ranks moved by a small s, their mean would move by s / 6: the mean of u (1 - u).
    """
    rank = np.full(len(change), 0.5)
    for number in np.unique(cell):
        here = np.flatnonzero(cell == number)
        value = change[here]
        ordered = np.sort(value)
        below, upto = (np.searchsorted(ordered, value, side=s) for s in ("left", "right"))
        rank[here] = (below + upto) / (2 * len(value))
    count = np.bincount(quarter)
    seen = count > 0
    moved = 6.0 * np.bincount(quarter, weights=rank - 0.5)[seen] / count[seen]
    chance = 36.0 * rank.var() / count[seen] if len(rank) else moved
    extra = np.maximum(0.0, np.square(moved) - chance).sum()
    mixed = (QUARTER_WEIGHT * QUARTER_SPREAD**2 + extra) / (QUARTER_WEIGHT + seen.sum())
    return float(np.sqrt(mixed))


def _lending(shape: tuple[int, int, int]) -> IntArray:
    """For each cell its pools, from narrow to wide, (4, cells)."""
    cells = np.arange(int(np.prod(shape)))
    kinds, _, ages = shape
    kind, _, age = np.unravel_index(cells, shape)
    first = np.cumsum([0, len(cells), kinds * ages, kinds])
    levels = (cells, kind * ages + age, kind, np.zeros_like(cells))
    return np.stack([start + level for start, level in zip(first, levels, strict=True)])


def _intraclass(change: FloatArray, group: IntArray) -> float:
    """Intraclass correlation of the changes' logarithms by analysis of variance, 0 to 0.9."""
    if not len(change):
        return 0.0
    value = np.log(np.clip(change, 0.01, 100.0))
    size = np.bincount(group)
    within_df, between_df = len(value) - len(size), len(size) - 1
    if within_df < 1 or between_df < 1:
        return 0.0
    mean = np.bincount(group, weights=value) / size
    within = np.square(value - mean[group]).sum() / within_df
    between = (size * np.square(mean - value.mean())).sum() / between_df
    typical = (len(value) - np.square(size).sum() / len(value)) / between_df
    scale = between + (typical - 1) * within
    return float(np.clip((between - within) / scale, 0.0, _MOST_ALIKE)) if scale > 0 else 0.0


@dataclass(frozen=True, eq=False)
class ChangeDraws:
    """The changes with weights for some draws: each parent weighs more or less in each."""

    changes: Changes
    cumulative: tuple[FloatArray, ...]

    def pick(
        self, draw: IntArray, cell: IntArray, rank: FloatArray, lend: FloatArray
    ) -> tuple[IntArray, BoolArray]:
        """A past change for each of n renewals, and whether it is one of its own kind, (n,) each.

        The change is its place, -1 where there is none to draw from. One from other kinds
        tells the change of ARR, not the next term's length.

        Parameters
        ----------
        draw, cell : int, (n,)
        rank : float, (n,), 0-1
            Which change of the pool, by size.
        lend : float, (n,), 0-1
            Chance that decides from which of its pools.
        """
        changes = self.changes
        size = np.array([len(pool) for pool in changes.pools], dtype=np.float64)
        weight = (size / (size + SHRINK))[changes.lend[:, cell]]
        weight[-1] = 1.0
        # The share of draws that stay in this pool or a narrower one.
        stays = 1.0 - np.cumprod(1.0 - weight, axis=0)
        level = (lend >= stays).sum(axis=0).clip(max=len(stays) - 1)
        pool = changes.lend[level, cell]
        own = level < len(stays) - 1
        found = np.full(len(cell), -1, dtype=np.intp)
        for number in np.unique(pool):
            here = pool == number
            members, cumulative = changes.pools[number], self.cumulative[number]
            if len(members):
                place = np.searchsorted(cumulative, draw[here] + rank[here]) - (
                    draw[here] * len(members)
                )
                found[here] = members[np.clip(place, 0, len(members) - 1)]
        return found, own & (found >= 0)


def weigh_changes(changes: Changes, draws: int, generator: np.random.Generator) -> ChangeDraws:
    """Weights by the Bayesian bootstrap over parents and, crossed with it, over quarters.

    References
    ----------
    Rubin, "The Bayesian bootstrap", Annals of Statistics 9 (1981).
    Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007).
    """
    quarters = int(changes.quarter.max(initial=0)) + 1
    of_parent = generator.exponential(size=(draws, max(1, changes.groups)))
    of_quarter = generator.exponential(size=(draws, quarters))
    of_quarter *= 0.5 ** ((quarters - 1 - np.arange(quarters)) / HALF_LIFE)
    cumulative = []
    for pool in changes.pools:
        if not len(pool):
            cumulative.append(np.zeros(0))
            continue
        weight = of_parent[:, changes.group[pool]] * of_quarter[:, changes.quarter[pool]]
        # By money, so that a pool changes the ARR of its terms by as much as it did.
        summed = np.cumsum(weight * changes.arr[pool], axis=1)
        share = summed / summed[:, -1:]
        cumulative.append((share + np.arange(draws)[:, None]).ravel())
    return ChangeDraws(changes, tuple(cumulative))
