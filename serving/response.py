"""What the API says of accounts: a field that is not declared here never leaves."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from models.account_score import Abstention, Basis, Direction, State, Tier
from models.alert import AlertStatus, Severity
from models.health import Side
from models.score_change import ChangeKind
from models.snapshot import SnapshotHeader

Share = float  # 0-1


class Answer(BaseModel):
    """Base of all answers: built from our own records, silent about values when it fails."""

    model_config = ConfigDict(from_attributes=True, frozen=True, hide_input_in_errors=True)


class DriverAnswer(Answer):
    """One reason behind the probability of loss."""

    feature: str = Field(description="Name in the feature catalogue")
    group: str = Field(description="Group in the feature catalogue")
    text: str = Field(description="The reason in plain words")
    value: float | str | None = Field(description="What the feature was; null when not known")
    unit: str | None
    previous: float | str | None = Field(
        description="The account's own value one longest window earlier; null when not known"
    )
    peer_low: float | None = Field(
        description="Lower quartile among its peers today: its segment when that has at least 20 "
        "accounts, else all; null for a category, and where fewer than 20 of them have a value"
    )
    peer_high: float | None = Field(description="Upper quartile among the same peers")
    direction: Direction = Field(description="What it does to the probability of loss")
    contribution: float = Field(description="Log-odds; above 0 raises the probability of loss")
    points: float | None = Field(
        description="The same in probability (0.05: five points of 100). Those of all features "
        "add up to loss_probability less base_probability"
    )


class GroupAnswer(Answer):
    """What a group of the feature catalogue does to the probability of loss."""

    group: str = Field(description="Group in the feature catalogue")
    contribution: float = Field(description="Log-odds")
    points: float = Field(description="In probability; they add up as those of drivers do")


class HealthFactorAnswer(Answer):
    """One figure that the health score is made of."""

    feature: str = Field(description="Name in the feature catalogue")
    side: Side = Field(description="The part of the score that it counts in")
    factor_score: float = Field(description="0-100, high is good")
    weight: Share = Field(
        description="Of the whole, after what is not known was left out; factor_score times weight "
        "add up to health_score"
    )
    value: float = Field(description="What the feature was")
    unit: str | None
    text: str = Field(description="The value in plain words")


class HealthAnswer(Answer):
    """What health_score is made of: figures and configured weights, no prediction."""

    outcome: float | None = Field(
        description="0-100, of the figures about outcomes alone; null when none of them is known"
    )
    experience: float | None = Field(description="Of those about experience; null likewise")
    coverage: Share = Field(description="Share of what the profile weighs that is known")
    profile: str = Field(description="Profile of the configuration that fits the account")
    factors: list[HealthFactorAnswer] = Field(description="The known ones, the heaviest first")


class AlertAnswer(Answer):
    """An early warning about an account."""

    rule: str = Field(description="Name of the rule, see docs/warnings.md")
    subject: str | None = Field(description="The module that it speaks of; null: the account")
    severity: Severity = Field(description="urgent: this week; soon: this month; watch: in view")
    status: AlertStatus = Field(
        description="opened in this snapshot, kept from an earlier one, or closed in this one"
    )
    text: str = Field(description="The evidence in plain words")
    value: float | None = Field(description="The figure behind it")
    unit: str | None
    first_seen: date = Field(description="As-of date of the snapshot that opened it")
    playbook: str | None = Field(description="What to do; null where no playbook fits")


class PreviousAnswer(Answer):
    """What the snapshot before said of the account."""

    snapshot_id: str
    as_of: date | None
    loss_probability: Share | None
    risk_tier: Tier | None


class ChangeAnswer(Answer):
    """What a group of the feature catalogue did to the probability since the snapshot before."""

    group: str = Field(description="Group in the feature catalogue")
    change: float = Field(description="Log-odds; above 0 raised the probability of loss")
    points: float = Field(
        description="In probability (0.05: five points of 100); with model_change they add up to "
        "loss_probability less that of the snapshot before"
    )


class ModelAnswer(Answer):
    """The version of a model that a snapshot was made with, and the time that it speaks of."""

    version: str
    horizon_days: int | None = Field(
        description="Length of the time in which an account leaves; null where it was not stated"
    )
    lead_days: int | None = Field(description="Days between the as-of date and that time")
    max_lead_days: int | None = Field(description="Decisions further away are not predicted")


class ThresholdAnswer(Answer):
    """Loss probabilities from which a risk tier begins."""

    high: Share
    medium: Share


class RankedAccount(Answer):
    """One account of a snapshot. What does not apply or is not known is null, never 0."""

    account_id: str
    external_id: str | None = Field(description="Id in the CRM")
    name: str | None
    segment: str | None
    account_tier: str | None
    region: str | None
    parent_id: str | None
    currency: str | None = Field(description="Of every amount of this account")
    arr: float | None = Field(description="Current ARR")
    arr_under_notice: float | None = Field(
        description="ARR of its running contracts under notice, already lost; null when none"
    )
    arr_to_decide: float | None = Field(description="ARR that loss_probability speaks of")
    arr_at_risk: float | None = Field(
        description="Expected loss: arr_to_decide times loss_probability"
    )
    state: State
    basis: Basis | None = Field(description="Model behind loss_probability")
    churn_probability: Share | None
    renewal_likelihood: Share | None
    loss_probability: Share | None
    loss_probability_interval: tuple[Share, Share] | None = Field(
        description="90 % interval over refits on other samples of accounts; null when not told"
    )
    abstained: Abstention | None = Field(
        description="Rule by which no probability is given; null when none applied"
    )
    risk_tier: Tier | None = Field(description="From loss_probability alone")
    health_score: float | None = Field(
        description="0-100, high is good, from figures and weights; null when too little is known"
    )
    contract_id: str | None = Field(description="The next contract to decide")
    decision_date: date | None = Field(description="Last day to decide on it")
    renewal_date: date | None = Field(description="Its exclusive end")
    drivers: list[DriverAnswer] = Field(description="Strongest first")
    warnings: list[str] = Field(description="Rules of the warnings that stand, severest first")
    owner: str | None = Field(description="A person; null to keys without people:read")


class ExplainedAccount(RankedAccount):
    """One account with all that stands behind its probability."""

    base_probability: Share | None = Field(
        description="From which the contributions start: the model's average account"
    )
    groups: list[GroupAnswer] = Field(
        description="All contributions by group, the strongest first; with the base they add up "
        "to loss_probability"
    )
    health: HealthAnswer | None = Field(
        description="What health_score is made of; null when too little is known"
    )
    alerts: list[AlertAnswer] = Field(
        description="Early warnings, the severest first; those closed in this snapshot last"
    )
    playbooks: list[str] = Field(
        description="The two or three that fit the account, the most fitting first"
    )
    previous: PreviousAnswer | None = Field(
        description="In the snapshot before; null when there is none or it lacks the account"
    )
    change_kind: ChangeKind | None = Field(
        description="How both compare: `same_model`; `rescored`: another version of the model, "
        "which was also asked about the figures before; `other_model`: it was not asked; "
        "`other_basis`; `no_probability` in one of them; `new`. Null when there is no snapshot "
        "before"
    )
    model_change: float | None = Field(
        description="What another version of the model made of the same figures, in probability; "
        "null when the parts cannot be told"
    )
    changed_by: list[ChangeAnswer] | None = Field(
        description="What the customer changed, by group, the strongest first; null when the parts "
        "cannot be told"
    )


class SnapshotAnswer(Answer):
    """Which snapshot an answer was read from."""

    company: str
    snapshot_id: str
    as_of: date | None = Field(
        description="Only what was known before this midnight was used; null where nobody knows: "
        "the ranking is of a table without dates"
    )
    data_end: date | None = Field(description="Exclusive end of the data; null likewise")
    thresholds: ThresholdAnswer | None
    models: dict[str, ModelAnswer | None] = Field(
        description="By name; null where no model has been promoted"
    )
    stale: bool = Field(description="Whether the snapshot is older than it should ever get")


class AccountRisk(SnapshotAnswer, ExplainedAccount):
    """The risk of one account, with the snapshot that says so."""


def snapshot_fields(header: SnapshotHeader) -> dict[str, Any]:  # Any: JSON
    """Values of `SnapshotAnswer`, but for ``stale``, which time decides."""
    plain = {name: getattr(header, name) for name in SnapshotAnswer.model_fields if name != "stale"}
    models = {name: use and _model_fields(use) for name, use in header.models.items()}
    told = SnapshotAnswer.model_validate({**plain, "models": models, "stale": False})
    return told.model_dump(mode="json", exclude={"stale"})


def _model_fields(use: dict[str, object]) -> dict[str, object]:
    found = {name: use.get(name) for name in ModelAnswer.model_fields}
    return {**found, "version": str(use["version"])}
