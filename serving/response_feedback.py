"""Feedback and reasons of losses, as they come in and as they are told."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from models.feedback import Disposition, FeedbackReason, Loss
from models.said import LONGEST_NOTE
from serving.parameter import SnapshotId
from serving.response import Answer


def read_day(value: object) -> date:
    """A day as JSON has it: nothing but ``2026-12-24``."""
    if not isinstance(value, str) or len(value) != len("2026-12-24"):
        raise ValueError("Must be a day such as 2026-12-24")
    return date.fromisoformat(value)


Day = Annotated[date, BeforeValidator(read_day)]


class Said(BaseModel):
    """Base of what comes in: nothing unknown, no type read for another one."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, strict=True)


class FeedbackRequest(Said):
    """What somebody says about the score of an account."""

    snapshot_id: SnapshotId | None = Field(
        default=None, description="The snapshot whose score was seen; absent: the current one"
    )
    disposition: Disposition = Field(
        description="agree, disagree, acted (something was done), snooze (not before a day)"
    )
    reason: FeedbackReason | None = None
    snooze_until: Day | None = Field(
        default=None,
        description="With snooze, and then needed: the first day on which the account is to be "
        "looked at again, today or later",
    )
    note: str | None = Field(
        default=None,
        max_length=LONGEST_NOTE,
        description="Free text for people; in no log and no feature",
    )


class LossReasonRequest(Said):
    """Why an account was lost."""

    reason: Loss


class FeedbackAnswer(Answer):
    """Feedback as it is kept."""

    feedback_id: str
    snapshot_id: str
    account_id: str
    disposition: Disposition
    reason: FeedbackReason | None
    snooze_until: date | None
    note: str | None = Field(description="Null also without the scope people:read: it may name one")
    created_at: datetime


class LossReasonAnswer(Answer):
    """The reason of a loss as it is kept; of several the newest counts."""

    loss_reason_id: str
    account_id: str
    reason: Loss
    created_at: datetime


class SaidAnswer(Answer):
    """All that was said about an account."""

    company: str
    account_id: str
    external_id: str | None
    feedback: list[FeedbackAnswer] = Field(description="The newest first")
    loss_reason: LossReasonAnswer | None = Field(description="The newest; null when none was given")
