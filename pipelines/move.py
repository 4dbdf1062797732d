"""The accounts whose risk tier moves when other models are in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from features.dataset import ModelName
from features.settings import AbstentionSettings
from models.account_score import STATES_AT_RISK
from models.tier import Thresholds, Tier, assign_tier
from pipelines.population import Model, Population, lead_prediction, predict


@dataclass(frozen=True)
class TierMove:
    """One account: its tier and loss probability, 0-1, under the models before and after."""

    account_id: str
    tier_before: Tier
    tier_after: Tier
    loss_before: float
    loss_after: float

    def to_json(self) -> dict[str, object]:
        """Names as in ``keepwell run --json``."""
        return asdict(self)


def find_moves(
    population: Population,
    before: tuple[Mapping[ModelName, Model], Thresholds],
    after: tuple[Mapping[ModelName, Model], Thresholds],
    *,
    rules: AbstentionSettings,
) -> list[TierMove]:
    """Accounts that have a tier under both and not the same one, the largest move first.

    Parameters
    ----------
    population : Population
    before, after : (models, Thresholds)
        Tiers are those of a first run: nothing of earlier runs holds them.
    rules : AbstentionSettings
        Accounts that get no probability have no tier.
    """
    old, new = (_losses(population, models, rules) for models, _ in (before, after))
    moves = [
        TierMove(
            account,
            assign_tier(old[account], before[1])[0],
            assign_tier(new[account], after[1])[0],
            old[account],
            new[account],
        )
        for account in old.keys() & new.keys()
    ]
    moved = [move for move in moves if move.tier_before != move.tier_after]
    return sorted(moved, key=lambda m: (-abs(m.loss_after - m.loss_before), m.account_id))


def _losses(
    population: Population, models: Mapping[ModelName, Model], rules: AbstentionSettings
) -> dict[str, float]:
    predictions = predict(population, models, rules=rules)
    found = {}
    for state in population.accounts:
        if state["state"] in STATES_AT_RISK:
            lead = lead_prediction(state, predictions)
            if lead is not None and lead[1].abstained is None:
                found[str(state["account_id"])] = lead[1].probability
    return found
