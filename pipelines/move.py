"""The accounts whose risk tier moves when other models are in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from features.dataset import ModelName
from models.predictor import Predictor
from models.snapshot import STATES_AT_RISK
from models.tier import Thresholds, Tier, assign_tier
from pipelines.population import Population, lead_prediction, predict


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
    before: tuple[Mapping[ModelName, Predictor], Thresholds],
    after: tuple[Mapping[ModelName, Predictor], Thresholds],
) -> list[TierMove]:
    """Accounts that have a tier under both and not the same one, the largest move first.

    Parameters
    ----------
    population : Population
    before, after : (predictors, Thresholds)
        Tiers are those of a first run: nothing of earlier runs holds them.
    """
    old, new = (_losses(population, predictors) for predictors, _ in (before, after))
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


def _losses(population: Population, predictors: Mapping[ModelName, Predictor]) -> dict[str, float]:
    predictions = predict(population, predictors)
    found = {}
    for state in population.accounts:
        if state["state"] in STATES_AT_RISK:
            loss = lead_prediction(state, predictions)[1]
            if loss is not None:
                found[str(state["account_id"])] = loss
    return found
