"""How much a ranking moves from one as-of date to the next."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.bootstrap import draw_groups
from models.figure import both
from models.ranking import Ranked, divide
from models.settings import ModelSettings
from models.table import FloatArray, ModelTable
from models.tier import Thresholds, Tier, assign_tier, choose_thresholds


@dataclass(frozen=True, eq=False)
class Stability:
    """The moves of accounts, or contracts, that were seen on two dates in a row.

    Parameters
    ----------
    steps : int
        Pairs of dates in a row.
    rank_correlation : float
        Spearman's, of the probabilities on both dates, mean over the steps; NaN without any.
    tier_changes : Ranked
        Share of those seen on both dates whose tier changed, by the rule that keeps tiers from
        flapping; with replicates over parents, so that two models can be compared.
    """

    steps: int
    rank_correlation: float
    tier_changes: Ranked

    def to_json(self) -> dict[str, object]:
        """Names as in ``keepwell backtest --json``."""
        correlation = self.rank_correlation
        return {
            "steps": self.steps,
            "rank_correlation": None if np.isnan(correlation) else correlation,
            **both("tier_changes", self.tier_changes.estimate),
        }


def measure_stability(
    table: ModelTable, probability: FloatArray, thresholds: Thresholds, settings: ModelSettings
) -> Stability:
    """The moves from date to date under one model.

    Parameters
    ----------
    table : ModelTable
        Rows of several dates; labels are not needed. Followed from date to date are accounts, or
        the contracts of a renewal model.
    probability : float, (n,)
        Of one model for all rows.
    thresholds : Thresholds
        Of the tiers.
    settings : ModelSettings
        Replicates and seed.
    """
    rows = table.rows
    key = rows["contract_id" if table.model == "renewal" else "account_id"]
    wide = pd.DataFrame({"key": key, "as_of": rows["as_of"], "p": probability}).pivot(
        index="key", columns="as_of", values="p"
    )
    group = pd.Series(rows["group_id"].to_numpy(), index=key.to_numpy()).groupby(level=0).first()
    changed, seen = _count_changes(wide, thresholds)
    draws = draw_groups(
        group.reindex(wide.index).to_numpy(dtype=np.object_),
        replicates=settings.training.replicates,
        seed=settings.training.seed,
    )
    moved, all_seen = (draws.counts @ draws.group_sums(np.column_stack([changed, seen]))).T
    share = float(changed.sum() / seen.sum()) if seen.sum() else np.nan
    steps = list(itertools.pairwise(wide.columns))
    correlations = [_spearman(wide[before], wide[after]) for before, after in steps]
    return Stability(
        steps=len(steps),
        rank_correlation=float(np.nanmean(correlations)) if correlations else np.nan,
        tier_changes=Ranked(share, divide(moved, all_seen)),
    )


def first_thresholds(
    table: ModelTable, probability: FloatArray, settings: ModelSettings
) -> Thresholds:
    """The configuration's thresholds, or such that the high tier fits the team on the first date.

    Parameters
    ----------
    table : ModelTable
        Rows of several dates.
    probability : float, (n,)
        Of the same rows.
    settings : ModelSettings
    """
    if settings.tiers.high is not None and settings.tiers.medium is not None:
        return Thresholds(high=settings.tiers.high, medium=settings.tiers.medium)
    first = (table.rows["as_of"] == table.rows["as_of"].min()).to_numpy()
    return choose_thresholds(probability[first].tolist(), settings.team.capacity)


def _spearman(before: pd.Series, after: pd.Series) -> float:
    """Rank correlation of those that are in both."""
    both = before.notna() & after.notna()
    return float(before[both].rank().corr(after[both].rank()))


def _count_changes(wide: pd.DataFrame, thresholds: Thresholds) -> tuple[FloatArray, FloatArray]:
    """How often each key's tier changed, and on how many steps it could have."""
    changed, seen = np.zeros(len(wide)), np.zeros(len(wide))
    for place, values in enumerate(wide.to_numpy(dtype=np.float64)):
        tier: Tier | None = None
        runs = 0
        for value in values:
            if np.isnan(value):
                tier, runs = None, 0
                continue
            new, runs = assign_tier(float(value), thresholds, previous=tier, runs_below=runs)
            seen[place] += tier is not None
            changed[place] += tier is not None and new != tier
            tier = new
    return changed, seen
