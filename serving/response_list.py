"""What the API says of many accounts at once: a field that is not declared here never leaves."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field, create_model

from models.account_score import Basis, State, Tier
from serving.response import (
    Answer,
    ExplainedAccount,
    ModelAnswer,
    RankedAccount,
    Share,
    SnapshotAnswer,
    ThresholdAnswer,
)


class GoneAccount(Answer):
    """An account that an earlier snapshot held for the caller, and this one does not."""

    account_id: str
    external_id: str | None


class AccountPage(SnapshotAnswer):
    """A part of a snapshot's accounts, by default highest ARR at risk first."""

    accounts: list[RankedAccount]
    gone: list[GoneAccount] | None = Field(
        description="With `changed_since`, on the first page: accounts that the list held then and "
        "does not hold now"
    )
    gone_external_ids: list[str] | None = Field(
        description="With `changed_since`, on the first page: ids in the CRM that no account of "
        "the list has any more, since it is gone or has another one now. Their records are to be "
        "emptied"
    )
    has_more: bool
    next_cursor: str | None = Field(description="For the next page; null on the last")


class FamilyAnswer(Answer):
    """The accounts under one parent."""

    parent_id: str = Field(description="Of an account without a parent its own id")
    account_id: str | None = Field(
        description="The same where an account of that id is a member: the parent itself, or with "
        "members = 1 an account that stands alone; null where no member is the parent"
    )
    members: int
    high_tier: int = Field(description="Members in the high tier")
    arr: float | None = Field(description="Sum of what is known; null when nothing is")
    arr_at_risk: dict[Basis, float] = Field(
        description="By basis, for those that occur: they span different times and do not add up"
    )


class FamilyPage(SnapshotAnswer):
    """A part of a snapshot's accounts by parent, highest ARR at risk first."""

    currency: str | None = Field(description="Of every amount")
    families: list[FamilyAnswer]
    has_more: bool
    next_cursor: str | None = Field(description="For the next page; null on the last")


class PortfolioAnswer(SnapshotAnswer):
    """Counts and money of all accounts that the caller may see."""

    currency: str | None = Field(description="Of every amount")
    accounts: int
    states: dict[State, int]
    risk_tiers: dict[Tier, int] = Field(description="Accounts that have one")
    arr_at_risk: dict[Basis, float | None] = Field(
        description="By basis, for those that occur: they span different times and do not add up"
    )
    arr_high_tier: float | None = Field(description="Whole ARR of the high tier")
    arr_notice_given: float | None = Field(description="ARR under notice: lost, not at risk")


class ShortDriver(Answer):
    """A reason in few words."""

    feature: str
    text: str
    points: float | None = Field(description="What it does, in probability")


ANY_FIELD: dict[str, Any] = {  # Any: pydantic's own type
    name: (info.annotation, Field(default=None, description=info.description))
    for name, info in ExplainedAccount.model_fields.items()
}
PartialAccount = create_model(
    "PartialAccount",
    __base__=Answer,
    __doc__="The fields of an account that were asked for; `account_id` is always there.",
    **{
        **ANY_FIELD,
        "account_id": (str, ...),
        "top_drivers": (
            list[ShortDriver],
            Field(default=None, description="The three strongest drivers in few words"),
        ),
    },
)


class BatchResult(Answer):
    """What was found for one id: an account or an error."""

    id: str = Field(description="As it was asked for")
    account: PartialAccount | None = Field(
        default=None, description="Whole, or the fields asked for"
    )
    error: Literal["unknown-account"] | None = None


class BatchAnswer(SnapshotAnswer):
    """A result for each id, in the order asked for."""

    results: list[BatchResult]


class MomentAnswer(Answer):
    """What one snapshot said of an account."""

    snapshot_id: str
    as_of: date | None
    created_at: datetime
    state: State
    basis: Basis | None
    churn_probability: Share | None
    renewal_likelihood: Share | None
    loss_probability: Share | None
    risk_tier: Tier | None
    currency: str | None
    arr: float | None
    arr_at_risk: float | None
    health_score: float | None = Field(description="Null when too little was known, or never made")
    backfilled: bool = Field(
        description="Whether it was made later, by a model that knew no more than that day"
    )


class HistoryAnswer(Answer):
    """An account in the snapshots that are kept, the newest first."""

    company: str
    account_id: str
    external_id: str | None = Field(description="As last told")
    is_gone: bool = Field(
        description="Whether the current snapshot does not hold it any more: its history ends"
    )
    history: list[MomentAnswer]


class SnapshotLine(Answer):
    """One of the snapshots that are kept."""

    company: str
    snapshot_id: str
    is_current: bool
    as_of: date | None = Field(
        description="Only what was known before this midnight was used; null where nobody knows"
    )
    data_end: date | None = Field(description="Exclusive end of the data; null likewise")
    created_at: datetime
    backfilled: bool = Field(
        description="Whether it was made later, by models that knew no more than that day"
    )
    accounts: int | None = Field(description="Null for keys that see a part of the accounts")
    models: dict[str, ModelAnswer | None]
    thresholds: ThresholdAnswer | None


class SnapshotList(Answer):
    """The company's snapshots, the newest first."""

    snapshots: list[SnapshotLine]


class CardAnswer(Answer):
    """The card of a model: what it learnt from and how it was judged."""

    version: str
    created_at: datetime
    label: str = Field(description="What it predicts")
    horizon_days: int | None = Field(description="Null where it was not stated")
    lead_days: int | None = Field(description="Null likewise")
    first_as_of: date | None = Field(description="First as-of date that it learnt from")
    last_as_of: date | None = Field(description="Last one, inclusive")
    data_end: date | None = Field(
        description="Exclusive end of what was known; null where nobody knows the day"
    )
    features: list[str]
    thresholds: ThresholdAnswer
    rows: int | None = Field(description="Null, as the two below, for keys that see a part")
    positives: int | None
    metrics: dict[str, Any] | None = Field(description="On later rows, with intervals")
    versions: dict[str, str] = Field(description="Of the libraries that made it")


class ModelDetail(SnapshotAnswer):
    """A model behind the served snapshot."""

    name: str
    model: ModelAnswer | None = Field(description="Null when none has been promoted")
    card: CardAnswer | None = Field(description="Null when there is none, or it is not kept here")


class TallyAnswer(Answer):
    """Some accounts of which it is known what became of them."""

    accounts: int
    lost: int
    expected: float = Field(description="How many were expected: the sum of their probabilities")
    arr: float | None = Field(description="ARR that the probabilities spoke of; null when unknown")
    arr_lost: float | None = Field(description="The part of it that was lost")


class RecordAnswer(Answer):
    """What became of an earlier snapshot, over the accounts that the caller may see."""

    snapshot_id: str
    as_of: date
    backfilled: bool = Field(
        description="Whether it was made later, by models that knew no more than that day"
    )
    known_by: date = Field(description="From when all that is counted was known")
    unknown: int = Field(description="Accounts of which it is not known yet; counted nowhere else")
    high_unknown: int = Field(description="Those of them in the high tier")
    top_unknown: int | None = Field(description="Those of them in the top")
    total: TallyAnswer = Field(description="All that had a probability")
    high: TallyAnswer = Field(description="The high tier of that day")
    high_worked_on: TallyAnswer = Field(
        description="Those of them on which people acted in between, by the company's table "
        "interventions or by what they put down here (a playbook started or done, feedback acted): "
        "a saved account looks like a false alarm"
    )
    high_left_alone: TallyAnswer = Field(description="The others")
    said_counted: bool = Field(
        description="False while what people put down here cannot be read: then the table "
        "interventions alone tells who was worked on"
    )
    top: TallyAnswer | None = Field(
        description="The first of the ranking by ARR at risk, as many as the team can work on"
    )
    arr_lost_in_top: Share | None = Field(
        description="Share of all ARR lost that stood in the top; null when there was none"
    )


class TrackRecordAnswer(SnapshotAnswer):
    """Were we right? Observed, not an effect: nobody knows who would have stayed anyway."""

    currency: str | None = Field(description="Of every amount")
    record: RecordAnswer | None = Field(
        description="Of the latest snapshot of which at least 95 % is known; null when it is too "
        "early for any"
    )
