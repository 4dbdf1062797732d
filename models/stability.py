"""How much a ranking moves from one as-of date to the next."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd

from models.bootstrap import Bootstrap, draw_groups
from models.figure import both
from models.ranking import Ranked, divide, order_rows
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
    rank_correlation : Ranked
        Spearman's, of the probabilities on both dates, mean over the steps; NaN without any.
    tier_changes : Ranked
        Share of those seen on both dates whose tier changed, by the rule that keeps tiers from
        flapping; with replicates over parents, so that two models can be compared.
    """

    steps: int
    rank_correlation: Ranked
    tier_changes: Ranked

    def to_json(self) -> dict[str, object]:
        """Names as in ``keepwell backtest --json``."""
        return {
            "steps": self.steps,
            **both("rank_correlation", self.rank_correlation.estimate),
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
    wide, draws = _by_date(table, probability, settings)
    return Stability(
        steps=max(0, wide.shape[1] - 1),
        rank_correlation=_correlate_ranks(wide.to_numpy(dtype=np.float64), draws),
        tier_changes=_change_tiers(wide, thresholds, draws),
    )


def measure_tier_changes(
    table: ModelTable, probability: FloatArray, thresholds: Thresholds, settings: ModelSettings
) -> Ranked:
    """The same changes of tier alone, see `measure_stability`: it takes a part of the time."""
    wide, draws = _by_date(table, probability, settings)
    return _change_tiers(wide, thresholds, draws)


def _by_date(
    table: ModelTable, probability: FloatArray, settings: ModelSettings
) -> tuple[pd.DataFrame, Bootstrap]:
    """Probabilities by account or contract and date, NaN where not seen, and draws of parents."""
    rows = table.rows
    key = rows["contract_id" if table.model == "renewal" else "account_id"]
    wide = pd.DataFrame({"key": key, "as_of": rows["as_of"], "p": probability}).pivot(
        index="key", columns="as_of", values="p"
    )
    group = pd.Series(rows["group_id"].to_numpy(), index=key.to_numpy()).groupby(level=0).first()
    draws = draw_groups(
        group.reindex(wide.index).to_numpy(dtype=np.object_),
        replicates=settings.training.replicates,
        seed=settings.training.seed,
    )
    return wide, draws


def _change_tiers(wide: pd.DataFrame, thresholds: Thresholds, draws: Bootstrap) -> Ranked:
    """Share of the steps on which a tier changed."""
    changed, seen = _count_changes(wide, thresholds)
    moved, all_seen = (draws.counts @ draws.group_sums(np.column_stack([changed, seen]))).T
    share = float(changed.sum() / seen.sum()) if seen.sum() else np.nan
    return Ranked(share, divide(moved, all_seen))


def _correlate_ranks(probability: FloatArray, draws: Bootstrap) -> Ranked:
    """Mean over the steps of the rank correlation; (n, dates) to a figure with replicates."""
    values, replicates = [], []
    for before, after in pairwise(probability.T):
        seen = np.isfinite(before) & np.isfinite(after)
        correlate = partial(_spearman, before[seen], after[seen])
        values.append(float(correlate(np.ones((1, int(seen.sum()))))[0]))
        replicates.append(draws.part(seen).replicates(correlate))
    if not np.isfinite(values).any():
        return Ranked(np.nan, np.full(len(draws.counts), np.nan))
    return Ranked(float(np.nanmean(values)), _mean_known(np.array(replicates)))


def _mean_known(values: FloatArray) -> FloatArray:
    """Mean over the first axis of what is known, NaN where nothing is; (k, r) to (r,)."""
    known = np.isfinite(values)
    return divide(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0).astype(np.float64))


def _spearman(before: FloatArray, after: FloatArray, weight: FloatArray) -> FloatArray:
    """Rank correlation where each row counts as often as it was drawn, ties at their mean rank.

    Parameters
    ----------
    before, after : float, (n,)
        Without NaN.
    weight : float, (r, n)

    Returns
    -------
    float, (r,)
        NaN where all rows that were drawn are tied, or none was drawn.
    """
    one, other = (_centred_ranks(values, weight) for values in (before, after))
    spread = np.sqrt((weight * one**2).sum(axis=-1) * (weight * other**2).sum(axis=-1))
    return divide((weight * one * other).sum(axis=-1), spread)


def _centred_ranks(values: FloatArray, weight: FloatArray) -> FloatArray:
    """Ranks less their mean, (r, n)."""
    order = order_rows(values)
    block = order.by_block(weight)
    # The middle of a block of ties, up to a constant that centring takes away.
    middle = np.cumsum(block, axis=-1) - 0.5 * block
    size = np.diff(np.append(order.blocks, len(values)))
    rank = np.empty(weight.shape)
    rank[..., order.rows] = np.repeat(middle, size, axis=-1)
    mean = divide((weight * rank).sum(axis=-1), weight.sum(axis=-1))
    return rank - np.nan_to_num(mean)[..., None]


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
