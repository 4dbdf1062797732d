"""What a user may set about splitting, training, tiers and costs; keys of the configuration."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from features.settings import AbstentionSettings
from models.bound import Bound
from models.health_settings import HealthSettings
from models.snapshot import STALE_AFTER_DAYS
from models.webhook_address import AllowList

LEAST_REFITS = 5


class _Settings(BaseModel):
    """A frozen section of the configuration in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SplitSettings(_Settings):
    """Where the rows that judge a model begin."""

    test_from: date | None = Field(
        default=None,
        description="First as-of date tested on; default: the last fifth of the judged dates.",
    )


class BacktestSettings(_Settings):
    """How a recipe is judged over time."""

    folds: int = Field(
        default=12,
        ge=2,
        description="Most cut-offs from which a model is trained on what was known then.",
    )


class PromotionSettings(_Settings):
    """When a challenger replaces the champion."""

    metric: Literal["auc", "average_precision"] = Field(
        default="auc", description="The main metric, by which both are compared."
    )
    margin: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="By how much a refresh of the same recipe may be worse on that metric.",
    )


class TeamSettings(_Settings):
    """Who acts on the ranking."""

    capacity: int = Field(
        default=20, ge=1, description="Accounts that can be worked on per run: the high tier."
    )


class CostSettings(_Settings):
    """What acting on an account costs and brings, for expected profit."""

    contact: float = Field(
        default=0.0, ge=0, description="Cost of working on one account, reporting currency."
    )
    save_rate: float = Field(
        default=0.0, ge=0, le=1, description="Share of the lost ARR that working on it saves."
    )


class InterventionSettings(_Settings):
    """Who is left alone, so that the effect of working on accounts can be told."""

    hold_out_share: float = Field(
        default=0.0, ge=0, le=0.5, description="Share of parents, else accounts, left alone."
    )
    hold_out_from: date | None = Field(
        default=None, description="First as-of date on which the hold-out was kept."
    )
    seed: int = Field(default=0, ge=0, description="Another one draws another hold-out.")


class TierSettings(_Settings):
    """Fixed thresholds of the risk tiers; without them training chooses by capacity."""

    high: float | None = Field(
        default=None, gt=0, le=1, description="Loss probability from which the tier is high."
    )
    medium: float | None = Field(
        default=None, gt=0, le=1, description="Loss probability from which the tier is medium."
    )

    @model_validator(mode="after")
    def _both_and_in_order(self) -> Self:
        if (self.high is None) != (self.medium is None):
            raise ValueError("give both high and medium, or neither")
        if self.high is not None and self.medium is not None and self.medium > self.high:
            raise ValueError("medium must not be above high")
        return self


class TrainingSettings(_Settings):
    """How a model is fitted and how surely it is judged."""

    seed: int = Field(default=0, ge=0, description="Seed of folds, trees and bootstrap.")
    threads: int = Field(default=1, ge=1, description="Threads of LightGBM.")
    folds: int = Field(
        default=10,
        ge=2,
        description="Account folds for stopping and calibration; each class needs twice as many.",
    )
    max_trees: int = Field(default=600, ge=1, description="Most trees that a model may have.")
    patience: int = Field(
        default=30, ge=1, description="Trees without progress after which boosting stops."
    )
    learning_rate: float = Field(default=0.05, gt=0, le=1, description="Weight of one tree.")
    leaves: int = Field(default=4, ge=2, description="Most leaves of one tree.")
    replicates: int = Field(
        default=400, ge=50, description="Bootstrap replicates behind every interval."
    )
    refits: int = Field(
        default=12, ge=0, description="Refits behind the interval of each probability; 0: none."
    )
    min_train_positives: int = Field(
        default=30, ge=2, description="Fewer positive training rows skip the model."
    )
    min_test_positives: int = Field(
        default=10, ge=2, description="Fewer positive test rows skip the model."
    )

    @field_validator("refits")
    @classmethod
    def _none_or_enough(cls, refits: int) -> int:
        if 0 < refits < LEAST_REFITS:
            raise ValueError(f"give at least {LEAST_REFITS}, or 0 for none")
        return refits


class TuningSettings(_Settings):
    """How long to search for better parameters of the trees."""

    trials: int = Field(
        default=0, ge=0, le=1000, description="Parameters tried, the default first; 0: no search."
    )


class PublishSettings(_Settings):
    """How far a snapshot may be from the served one before it is held back."""

    max_fewer: float = Field(
        default=0.2, ge=0, le=1, description="Share by which accounts may be fewer."
    )
    max_more: float = Field(default=1.0, ge=0, description="Share by which they may be more.")
    max_missing: float = Field(
        default=0.2, ge=0, le=1, description="Share of the served accounts that may be gone."
    )
    max_withheld: float = Field(
        default=0.2, ge=0, le=1, description="Share of the open accounts that may lose theirs."
    )
    max_mean_shift: float = Field(
        default=0.1, ge=0, le=1, description="How far the mean loss probability may move."
    )
    allowed_accounts: int = Field(
        default=5, ge=0, description="So many accounts never close a gate by themselves."
    )


class RetentionSettings(_Settings):
    """How long snapshots are kept; the served one and the one before always are."""

    snapshots: int | None = Field(default=60, ge=1, description="So many of the newest stay.")
    days: int | None = Field(default=None, ge=1, description="Older ones go.")


class WebhookSettings(_Settings):
    """Where webhooks may go beside the open internet."""

    allow_private: tuple[str, ...] = Field(
        default=(), description="Hosts, addresses and networks inside that may be targets."
    )

    @field_validator("allow_private")
    @classmethod
    def _can_be_read(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        AllowList(entries)
        return entries


class ServingSettings(_Settings):
    """What the service has to know of a snapshot; it travels with it, for no YAML is read there."""

    stale_after_days: float = Field(
        default=STALE_AFTER_DAYS,
        gt=0,
        allow_inf_nan=False,
        description="Age from which answers say stale.",
    )


class WarningSettings(_Settings):
    """What of the shipped early warnings is turned off or judged otherwise."""

    leave_out: tuple[str, ...] = Field(default=(), description="Rules that are not evaluated.")
    thresholds: dict[str, dict[str, Bound]] = Field(
        default={}, description="By rule and feature: the bound in place of the shipped one."
    )
    runs_to_close: int = Field(
        default=2, ge=1, le=10, description="Score runs in a row without it close a warning."
    )


class ModelSettings(_Settings):
    """Everything about models that a configuration holds."""

    split: SplitSettings = SplitSettings()
    backtest: BacktestSettings = BacktestSettings()
    promotion: PromotionSettings = PromotionSettings()
    team: TeamSettings = TeamSettings()
    costs: CostSettings = CostSettings()
    tiers: TierSettings = TierSettings()
    interventions: InterventionSettings = InterventionSettings()
    training: TrainingSettings = TrainingSettings()
    tuning: TuningSettings = TuningSettings()
    abstention: AbstentionSettings = AbstentionSettings()
    health: HealthSettings = HealthSettings()
    publish: PublishSettings = PublishSettings()
    retention: RetentionSettings = RetentionSettings()
    webhooks: WebhookSettings = WebhookSettings()
    serving: ServingSettings = ServingSettings()
    warnings: WarningSettings = WarningSettings()
