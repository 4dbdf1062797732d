"""What people say about a score, and why an account was lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, get_args

from features.errors import InputError, Problem
from models.said import new_id, note_problems, unlisted

Disposition = Literal["agree", "disagree", "acted", "snooze"]
FeedbackReason = Literal[
    "already_known",
    "renewal_agreed",
    "usage_is_seasonal",
    "usage_moved_elsewhere",
    "data_is_wrong",
    "account_is_not_mine",
    "other",
]
Loss = Literal[
    "price",
    "budget",
    "competitor",
    "missing_capability",
    "quality",
    "support",
    "low_adoption",
    "sponsor_left",
    "reorganised",
    "acquired_or_closed",
    "not_known",
    "other",
]

DISPOSITIONS: tuple[Disposition, ...] = get_args(Disposition)
FEEDBACK_REASONS: tuple[FeedbackReason, ...] = get_args(FeedbackReason)
LOSSES: tuple[Loss, ...] = get_args(Loss)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What somebody says about the score of an account.

    Parameters
    ----------
    snapshot_id, account_id : str
        The score that was seen.
    key_id : str or None
        Of the key by which it came; None where no key is needed.
    disposition : str
        One of `DISPOSITIONS`.
    reason : str or None
        One of `FEEDBACK_REASONS`.
    snooze_until : date or None
        With ``snooze`` alone: the first day on which the account is to be looked at again.
    note : str or None
        Free text of at most 2,000 characters; never logged and never a feature.
    created_at : datetime
        With a time zone.
    feedback_id : str
        Made here.

    Raises
    ------
    InputError
        Everything that is wrong with it.
    """

    snapshot_id: str
    account_id: str
    key_id: str | None
    disposition: Disposition
    reason: FeedbackReason | None = None
    snooze_until: date | None = None
    note: str | None = None
    created_at: datetime
    feedback_id: str = field(default_factory=new_id)

    def __post_init__(self) -> None:
        problems = [
            *unlisted("feedback", "disposition", self.disposition, DISPOSITIONS),
            *unlisted("feedback", "reason", self.reason, (None, *FEEDBACK_REASONS)),
        ]
        if (self.disposition == "snooze") != (self.snooze_until is not None):
            rule = "the disposition snooze needs a day, and no other one takes it"
            remedy = "give both or neither"
            problems.append(Problem("feedback", "snooze_until", rule, remedy=remedy))
        problems += note_problems("feedback", self.note)
        if problems:
            raise InputError(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class LossReason:
    """Why an account was lost, asked for once it is; never a feature.

    Parameters
    ----------
    account_id : str
        The account.
    reason : str
        One of `LOSSES`.
    key_id : str or None
        Of the key by which it came; None where no key is needed.
    created_at : datetime
        With a time zone.
    loss_reason_id : str
        Made here.

    Raises
    ------
    InputError
        The reason is not in the list.
    """

    account_id: str
    reason: Loss
    key_id: str | None
    created_at: datetime
    loss_reason_id: str = field(default_factory=new_id)

    def __post_init__(self) -> None:
        problems = list(unlisted("loss reason", "reason", self.reason, LOSSES))
        if problems:
            raise InputError(problems)
