"""What was done about accounts: playbooks started, done or dismissed, a row for each step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, get_args

from features.errors import InputError, Problem
from models.said import new_id, note_problems, unlisted

PlaybookStatus = Literal["started", "done", "dismissed"]
PLAYBOOK_STATUSES: tuple[PlaybookStatus, ...] = get_args(PlaybookStatus)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookAction:
    """One step in the work with a playbook on an account; rows are added, never changed.

    Parameters
    ----------
    account_id, playbook : str
    status : str
        One of `PLAYBOOK_STATUSES`.
    due_on : date or None
        With ``started`` alone, and then needed: when it should be done.
    note : str or None
        Free text of at most 2,000 characters; never logged and never a feature.
    snapshot_id : str
        The snapshot that was seen.
    key_id : str or None
        Of the key by which it came; None where no key is needed.
    created_at : datetime
        With a time zone.
    action_id : str
        Made here.

    Raises
    ------
    InputError
        Everything that is wrong with it.
    """

    account_id: str
    playbook: str
    status: PlaybookStatus
    due_on: date | None = None
    note: str | None = None
    snapshot_id: str
    key_id: str | None
    created_at: datetime
    action_id: str = field(default_factory=new_id)

    def __post_init__(self) -> None:
        problems = [
            *unlisted("playbook_action", "status", self.status, PLAYBOOK_STATUSES),
            *note_problems("playbook_action", self.note),
        ]
        if (self.status == "started") != (self.due_on is not None):
            rule = "the status started needs a day, and no other one takes it"
            problems.append(
                Problem("playbook_action", "due_on", rule, remedy="give both or neither")
            )
        if problems:
            raise InputError(problems)
