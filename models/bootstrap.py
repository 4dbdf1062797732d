"""Bootstrap over groups: whole parents are drawn, since their accounts depend on each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.table import BoolArray, FloatArray

CELLS_AT_ONCE = 2_000_000
LEVEL = 0.95
LEAST_SHARE = 0.5


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; NaN where it cannot be told."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """How often each row is drawn in each replicate.

    Parameters
    ----------
    group : int, (n,)
        Each row's group, as a place in ``counts``.
    counts : float, (replicates, groups)
        How often a group is drawn.
    """

    group: npt.NDArray[np.intp]
    counts: FloatArray

    def part(self, chosen: BoolArray) -> Bootstrap:
        """The same draws for some of the rows; ``chosen`` is bool, (n,)."""
        return replace(self, group=self.group[chosen])

    def weights(self) -> Iterator[FloatArray]:
        """Row weights, (some replicates, n) at a time, so that memory stays small."""
        at_once = max(1, CELLS_AT_ONCE // max(1, len(self.group)))
        for start in range(0, len(self.counts), at_once):
            yield self.counts[start : start + at_once, self.group]

    def replicates(self, measure: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """A measure in each replicate, (replicates,).

        Parameters
        ----------
        measure : callable
            From weights (r, n) to figures (r,); NaN where a replicate has none.
        """
        return np.concatenate([measure(weight) for weight in self.weights()])

    def group_sums(self, values: FloatArray) -> FloatArray:
        """Sums of row values by group; (n, k) to (groups, k)."""
        sums = np.zeros((self.counts.shape[1], values.shape[1]))
        np.add.at(sums, self.group, values)
        return sums


def draw_groups(
    group: npt.NDArray[np.object_], *, replicates: int, seed: int, share: float = 1.0
) -> Bootstrap:
    """A bootstrap that draws as many groups as there are, with replacement.

    Parameters
    ----------
    group : object, (n,)
        Name of each row's group.
    replicates, seed : int
        How many draws, and where the generator starts.
    share : float
        0-1. Below 1 so many fewer groups are drawn, each counting the more, which widens the
        intervals: for figures that vary more than their rows tell.
    """
    names, codes = np.unique(group.astype(str), return_inverse=True)
    generator = np.random.default_rng(seed)
    chance = np.full(len(names), 1.0 / max(1, len(names)))
    drawn = max(1, round(share * len(names))) if len(names) else 0
    counts = generator.multinomial(drawn, chance, size=replicates)
    return Bootstrap(codes, counts.astype(np.float64) * (len(names) / max(1, drawn)))


def estimate(value: float, replicates: FloatArray) -> Estimate:
    """A figure with the percentile interval of its replicates.

    Parameters
    ----------
    value : float
        The figure on the rows themselves.
    replicates : float, (r,)
        NaN where a draw gave none; with more than half of them so, there is no interval.
    """
    finite = replicates[np.isfinite(replicates)]
    if not np.isfinite(value) or len(finite) < LEAST_SHARE * len(replicates):
        return Estimate(float(value), float("nan"), float("nan"))
    tail = (1.0 - LEVEL) / 2
    low, high = np.quantile(finite, [tail, 1.0 - tail])
    return Estimate(float(value), float(low), float(high))
