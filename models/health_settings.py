"""What a user may set about the health score, and the profile that stands where nothing is set."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.health import Side

NORTH_STAR = "value_actions_28d"
STANDARD = "standard"
# What a profile may ask of an account.
CONDITIONS = ("account_tier", "segment", "industry", "stage")


class _Settings(BaseModel):
    """A frozen section of the configuration in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FactorSettings(_Settings):
    """One figure that a profile is made of."""

    feature: str = Field(description="A number in the feature catalogue.")
    side: Side = Field(description="The part of the score that it counts in.")
    weight: float = Field(
        default=1.0, gt=0, allow_inf_nan=False, description="Within its side, beside the others."
    )
    bad: float | None = Field(
        default=None, allow_inf_nan=False, description="Value at which it scores 0."
    )
    good: float | None = Field(
        default=None, allow_inf_nan=False, description="Value at which it scores 100."
    )
    percentile: Literal["high", "low"] | None = Field(
        default=None, description="Instead: its rank among all customers, this end being good."
    )

    @model_validator(mode="after")
    def _one_scale(self) -> Self:
        given = [end for end in (self.bad, self.good) if end is not None]
        if bool(given) == (self.percentile is not None):
            raise ValueError("give either bad and good, or percentile")
        if len(given) == 1:
            raise ValueError("give both bad and good")
        if given and self.bad == self.good:
            raise ValueError("bad and good must differ: the score is linear between them")
        return self


class ProfileSettings(_Settings):
    """What health is for some accounts."""

    name: str = Field(min_length=1, max_length=60, description="Shown beside the score.")
    account_tier: tuple[str, ...] = Field(default=(), description="Only these; empty: any.")
    segment: tuple[str, ...] = Field(default=(), description="Likewise.")
    industry: tuple[str, ...] = Field(default=(), description="Likewise.")
    stage: tuple[str, ...] = Field(default=(), description="Likewise, the lifecycle stage.")
    outcome_weight: float | None = Field(
        default=None, ge=0, le=1, description="Share of outcomes; experience has the rest."
    )
    factors: tuple[FactorSettings, ...] = Field(
        default=(), description="Empty: those of the standard profile."
    )

    @property
    def is_for_all(self) -> bool:
        """Whether every account fits."""
        return not any(getattr(self, name) for name in CONDITIONS)


class HealthSettings(_Settings):
    """How the health score is made."""

    north_star: str = Field(
        default=NORTH_STAR, description="The feature that tells best how much value is had."
    )
    outcome_weight: float = Field(default=0.8, ge=0, le=1, description="Share of outcomes.")
    key_outcome_weight: float = Field(
        default=0.7, ge=0, le=1, description="The same for key accounts."
    )
    key_accounts: tuple[str, ...] = Field(
        default=("key", "strategic", "enterprise"),
        description="Account tiers that are key accounts, in any case.",
    )
    min_coverage: float = Field(
        default=0.3, ge=0, le=1, description="Known share below which there is no score."
    )
    profiles: tuple[ProfileSettings, ...] = Field(
        default=(), description="The first that fits; none fits: the standard one."
    )

    @model_validator(mode="after")
    def _can_all_be_reached(self) -> Self:
        names = [profile.name for profile in self.profiles]
        if len(set(names)) < len(names) or STANDARD in names[:-1]:
            raise ValueError(f"profiles need names of their own, {STANDARD} for the last one only")
        for profile in self.profiles[:-1]:
            if profile.is_for_all:
                raise ValueError(
                    f"profile {profile.name} fits every account, so none after it is ever used: "
                    "put it last"
                )
        return self

    @property
    def in_order(self) -> tuple[ProfileSettings, ...]:
        """The profiles as they are tried, each with its factors; the last fits every account."""
        closed = self.profiles and self.profiles[-1].is_for_all
        tried = self.profiles if closed else (*self.profiles, ProfileSettings(name=STANDARD))
        return tuple(
            one if one.factors else one.model_copy(update={"factors": STANDARD_FACTORS})
            for one in tried
        )


def _scaled(feature: str, side: Side, weight: float, bad: float, good: float) -> FactorSettings:
    return FactorSettings(feature=feature, side=side, weight=weight, bad=bad, good=good)


# Chosen, not learnt: what practice calls plainly bad and plainly good. Ratings are on the usual
# scales (NPS 0-10, the others 1-5). Effort is left out: on some scales high is good, on some bad.
STANDARD_FACTORS = (
    FactorSettings(feature="value_per_user_28d", side="outcome", weight=2, percentile="high"),
    FactorSettings(feature="active_days_28d", side="outcome", weight=1, percentile="high"),
    _scaled("value_vs_usual", "outcome", 2, -0.5, 0.0),
    _scaled("events_vs_usual", "outcome", 1, -0.5, 0.0),
    _scaled("days_since_value", "outcome", 2, 28, 3),
    _scaled("core_share_28d", "outcome", 2, 0.1, 0.7),
    _scaled("modules_share_91d", "outcome", 1, 0.1, 0.6),
    _scaled("login_ratio_28d", "outcome", 2, 0.2, 0.8),
    _scaled("activation_ratio", "outcome", 1, 0.3, 0.9),
    _scaled("goals_reached_share", "outcome", 2, 0.0, 1.0),
    _scaled("onboarding_reached_share", "outcome", 1, 0.0, 1.0),
    _scaled("milestones_late", "outcome", 1, 3, 0),
    _scaled("days_to_first_value", "outcome", 1, 90, 14),
    _scaled("nps_latest", "experience", 2, 3, 9),
    _scaled("csat_mean_182d", "experience", 2, 2.5, 4.5),
    _scaled("ticket_csat_91d", "experience", 1, 2.5, 4.5),
    _scaled("csm_sentiment_latest", "experience", 2, 2, 4.5),
    _scaled("escalations_open", "experience", 2, 2, 0),
    _scaled("tickets_open", "experience", 1, 6, 0),
    _scaled("days_since_vendor_contact", "experience", 1, 90, 14),
    _scaled("product_fit", "experience", 2, 0.3, 0.8),
)
