"""Warnings with their mutes, and playbooks, as they come in and as they are told."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from models.playbook_action import PlaybookStatus
from models.said import LONGEST_NOTE
from models.snapshot_check import ID_LENGTH
from models.warning_mute import MuteReason
from serving.parameter import NO_NUL, Rule
from serving.response import AlertAnswer, Answer
from serving.response_feedback import Day, Said

Subject = Annotated[str, StringConstraints(min_length=1, max_length=ID_LENGTH, pattern=NO_NUL)]
PlaybookName = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z][a-z0-9-]*$")]
NOTE = Field(
    default=None,
    max_length=LONGEST_NOTE,
    description="Free text for people; in no log and no feature",
)
TOLD_NOTE = Field(description="Null also without the scope people:read: it may name one")


class MuteRequest(Said):
    """A warning of an account that is not to be shown for a time."""

    rule: Rule
    subject: Subject | None = Field(default=None, description="As the warning has it")
    until: Day = Field(
        description="First day on which it is shown again; today ends an earlier mute"
    )
    reason: MuteReason
    note: str | None = NOTE


class MuteAnswer(Answer):
    """A mute as it is kept; of several about one warning the newest counts."""

    mute_id: str
    account_id: str
    rule: str
    subject: str | None
    until: date
    reason: MuteReason
    note: str | None = TOLD_NOTE
    created_at: datetime


class WarningAnswer(AlertAnswer):
    """A warning, and whether it is muted."""

    muted: MuteAnswer | None = Field(description="The mute that holds today; null when none does")


class WarningsAnswer(Answer):
    """The warnings of an account in the current snapshot."""

    company: str
    snapshot_id: str
    account_id: str
    external_id: str | None
    warnings: list[WarningAnswer] = Field(description="The severest first; closed ones last")


class PlaybookRequest(Said):
    """A step in the work with a playbook on an account."""

    playbook: PlaybookName
    status: PlaybookStatus = Field(description="started, done, or dismissed: not for this account")
    due_on: Day | None = Field(
        default=None,
        description="With started: when it should be done, today or later; absent: as the playbook "
        "says",
    )
    note: str | None = NOTE


class PlaybookActionAnswer(Answer):
    """A step as it is kept."""

    action_id: str
    snapshot_id: str
    account_id: str
    playbook: str
    status: PlaybookStatus
    due_on: date | None
    note: str | None = TOLD_NOTE
    created_at: datetime


class AskingDriver(Answer):
    """A driver of the account that asks for a playbook."""

    feature: str = Field(description="Name in the feature catalogue")
    group: str = Field(description="Group in the feature catalogue")
    text: str = Field(description="The reason in plain words")
    points: float | None = Field(
        description="What it adds to the probability of loss (0.05: five points of 100)"
    )


class AskingWarning(Answer):
    """An open warning of the account that asks for a playbook."""

    rule: str
    subject: str | None = Field(description="The module that it speaks of; null for the account")
    text: str = Field(description="The evidence in plain words")


class PlaybookAnswer(Answer):
    """What to do, and what asks for it. Texts stand by language, in English at least."""

    name: str
    title: dict[str, str]
    action: dict[str, str]
    steps: dict[str, list[str]]
    who: str
    due_days: int
    drivers: list[AskingDriver] = Field(
        description="That ask for it, the strongest first; empty too where the snapshot is older "
        "than this field"
    )
    warnings: list[AskingWarning] = Field(description="Open ones that ask for it, severest first")


class TaskAnswer(Answer):
    """A playbook that was taken up."""

    playbook: str
    status: PlaybookStatus
    started_on: date | None
    due_on: date | None
    ended_on: date | None
    overdue: bool


class PlaybooksAnswer(Answer):
    """The playbooks that fit an account, and those that were taken up."""

    company: str
    snapshot_id: str
    account_id: str
    external_id: str | None
    offered: list[PlaybookAnswer] = Field(description="The most fitting first")
    tasks: list[TaskAnswer] = Field(description="In the order in which they were taken up")
    actions: list[PlaybookActionAnswer] = Field(description="The newest first")
