"""What the API says: a field that is not declared here never leaves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from models.account_score import Abstention, AccountScore, Basis, Direction, State, Tier
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
        "accounts, else all; null for a category"
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
    owner: str | None
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
    contract_id: str | None = Field(description="The next contract to decide")
    decision_date: date | None = Field(description="Last day to decide on it")
    renewal_date: date | None = Field(description="Its exclusive end")
    drivers: list[DriverAnswer] = Field(description="Strongest first")


class SnapshotAnswer(Answer):
    """Which snapshot an answer was read from."""

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


class AccountRisk(SnapshotAnswer, RankedAccount):
    """The risk of one account, with the snapshot that says so."""

    base_probability: Share | None = Field(
        description="From which the contributions start: the model's average account"
    )
    groups: list[GroupAnswer] = Field(
        description="All contributions by group, the strongest first; with the base they add up "
        "to loss_probability"
    )


class AccountPage(SnapshotAnswer):
    """A part of a snapshot's ranking, highest ARR at risk first."""

    accounts: list[RankedAccount]
    has_more: bool
    next_cursor: str | None = Field(description="For the next page; null on the last")


class Liveness(Answer):
    """The process runs."""

    status: str = Field(examples=["alive"])


class Readiness(Answer):
    """There is a snapshot to serve."""

    status: str = Field(examples=["ready"])
    snapshot_id: str
    as_of: date | None


def account_risk(header: SnapshotHeader, score: AccountScore) -> AccountRisk:
    """The answer about one account."""
    names = AccountRisk.model_fields.keys() - SnapshotAnswer.model_fields.keys()
    plain = {name: getattr(score, name) for name in names}
    return AccountRisk.model_validate({**_snapshot_fields(header), **plain})


def account_page(
    header: SnapshotHeader, scores: Sequence[AccountScore], next_cursor: str | None
) -> AccountPage:
    """The answer about a part of the ranking; a cursor means that there is more."""
    more = {"accounts": scores, "has_more": next_cursor is not None, "next_cursor": next_cursor}
    return AccountPage.model_validate({**_snapshot_fields(header), **more})


def _snapshot_fields(header: SnapshotHeader) -> dict[str, Any]:
    """Values of `SnapshotAnswer`, still to be validated."""
    plain = {name: getattr(header, name) for name in SnapshotAnswer.model_fields}
    models = {name: use and _model_fields(use) for name, use in header.models.items()}
    return {**plain, "models": models}


def _model_fields(use: dict[str, object]) -> dict[str, object]:
    found = {name: use.get(name) for name in ModelAnswer.model_fields}
    return {**found, "version": str(use["version"])}
