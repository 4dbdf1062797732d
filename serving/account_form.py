"""What people send from the page of an account: read into what is kept, or said to be wrong."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal, cast, get_args

from features.errors import InputError
from models.account_score import AccountScore
from models.feedback import (
    DISPOSITIONS,
    FEEDBACK_REASONS,
    LOSSES,
    Disposition,
    Feedback,
    FeedbackReason,
    Loss,
    LossReason,
)
from models.feedback_store import Attempt, Entry
from models.playbook_action import PLAYBOOK_STATUSES, PlaybookAction, PlaybookStatus
from models.warning_mute import MUTE_REASONS, Mute, MuteReason
from serving.form import TOKEN_FIELD

FormName = Literal["feedback", "loss", "mute", "playbook"]
FORMS: tuple[FormName, ...] = get_args(FormName)
SPANS = (7, 14, 30, 90)  # days that are offered to look again, or to mute
LONGEST_SPAN = 366
ONCE = "once"  # the field by which a form that is sent twice is kept once


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Who sends a form about which score, and when.

    Parameters
    ----------
    account_id, snapshot_id : str
    key_id : str or None
    now : datetime
    score : AccountScore
        As it is served, or was served last.
    playbooks : mapping of str to object
        The company's, by name, as its snapshot was published with them.
    """

    account_id: str
    snapshot_id: str
    key_id: str | None
    now: datetime
    score: AccountScore
    playbooks: Mapping[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class FormFault:
    """A form that was not taken, to be shown again with what was typed.

    Parameters
    ----------
    form : str
    fields : mapping of str to str
        As they came.
    faults : mapping of str to str
        By field a code of `serving.account_wording.CHOICES`.
    """

    form: FormName
    fields: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)


class RefusedForm(Exception):  # noqa: N818  it is a refusal
    """A form holds what cannot be kept.

    Parameters
    ----------
    faults : str
        Codes by field.
    """

    def __init__(self, **faults: str) -> None:
        super().__init__(", ".join(faults))
        self.faults = faults


def read_entry(form: FormName, fields: Mapping[str, str], told: Told) -> Entry:
    """What a form says, to be kept.

    Raises
    ------
    RefusedForm
        What of it cannot be kept.
    """
    readers: Mapping[FormName, Callable[[Mapping[str, str], Told], Entry]] = {
        "feedback": _read_feedback,
        "loss": _read_loss,
        "mute": _read_mute,
        "playbook": _read_playbook,
    }
    try:
        return readers[form](fields, told)
    except InputError as fault:
        raise RefusedForm(**{one.column: "long" for one in fault.problems}) from None


def read_sending(form: FormName, fields: Mapping[str, str], told: Told) -> Attempt | None:
    """The form as one that may come twice, by a second click; None where it does not say."""
    once = fields.get(ONCE, "")
    if not (once.isascii() and once.isalnum() and len(once) <= 64):
        return None
    said = sorted((name, value) for name, value in fields.items() if name != TOKEN_FIELD)
    text = f"{form}\n{told.account_id}\n{said!r}"
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    # By all that it says: whoever goes back and says something else, says it anew.
    return Attempt(told.key_id, f"page-{digest}", digest)


def make_once() -> str:
    """A new value of the field `ONCE`."""
    return secrets.token_hex(12)


def _read_feedback(fields: Mapping[str, str], told: Told) -> Feedback:
    faults: dict[str, str] = {}
    disposition = _choose(fields, "disposition", DISPOSITIONS, faults)
    reason = fields.get("reason") or None
    if reason is not None and reason not in FEEDBACK_REASONS:
        faults["reason"] = "choose"
    until = None
    if disposition == "snooze":
        until = _read_span(fields, "snooze_days", told, faults)
    if faults:
        raise RefusedForm(**faults)
    return Feedback(
        snapshot_id=told.snapshot_id,
        account_id=told.account_id,
        key_id=told.key_id,
        disposition=cast(Disposition, disposition),
        reason=cast("FeedbackReason | None", reason),
        snooze_until=until,
        note=_read_note(fields),
        created_at=told.now,
    )


def _read_loss(fields: Mapping[str, str], told: Told) -> LossReason:
    faults: dict[str, str] = {}
    reason = _choose(fields, "loss", LOSSES, faults)
    if faults:
        raise RefusedForm(**faults)
    return LossReason(
        account_id=told.account_id,
        reason=cast(Loss, reason),
        key_id=told.key_id,
        created_at=told.now,
    )


def _read_mute(fields: Mapping[str, str], told: Told) -> Mute:
    faults: dict[str, str] = {}
    rule, subject = fields.get("rule", ""), fields.get("subject") or None
    if (rule, subject) not in {(one.rule, one.subject) for one in told.score.alerts}:
        faults["rule"] = "gone"
    reason = _choose(fields, "mute", MUTE_REASONS, faults)
    until = _read_span(fields, "mute_days", told, faults)
    if faults:
        raise RefusedForm(**faults)
    assert until is not None
    return Mute(
        account_id=told.account_id,
        rule=rule,
        subject=subject,
        until=until,
        reason=cast(MuteReason, reason),
        note=_read_note(fields),
        key_id=told.key_id,
        created_at=told.now,
    )


def _read_playbook(fields: Mapping[str, str], told: Told) -> PlaybookAction:
    faults: dict[str, str] = {}
    status = _choose(fields, "status", PLAYBOOK_STATUSES, faults)
    known = told.playbooks.get(fields.get("playbook", ""))
    if known is None:
        faults["playbook"] = "gone"
    due_on = None
    if known is not None and status == "started":
        due_on = _read_due(fields, told, known, faults)
    if faults:
        raise RefusedForm(**faults)
    return PlaybookAction(
        account_id=told.account_id,
        playbook=fields["playbook"],
        status=cast(PlaybookStatus, status),
        due_on=due_on,
        note=_read_note(fields),
        snapshot_id=told.snapshot_id,
        key_id=told.key_id,
        created_at=told.now,
    )


def _read_due(
    fields: Mapping[str, str], told: Told, playbook: Mapping[str, Any], faults: dict[str, str]
) -> date | None:
    text = fields.get("due_on", "").strip()
    if not text:
        return told.now.date() + timedelta(days=playbook["due_days"])
    try:
        day = date.fromisoformat(text)
    except ValueError:
        faults["due_on"] = "day"
        return None
    if day < told.now.date():
        faults["due_on"] = "day"
    return day


def _read_span(
    fields: Mapping[str, str], name: str, told: Told, faults: dict[str, str]
) -> date | None:
    text = fields.get(name, "")
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) <= LONGEST_SPAN):
        faults[name] = "snooze"
        return None
    return told.now.date() + timedelta(days=int(text))


def _choose(
    fields: Mapping[str, str], name: str, offered: tuple[str, ...], faults: dict[str, str]
) -> str:
    chosen = fields.get(name, "")
    if chosen not in offered:
        faults[name] = "choose"
    return chosen


def _read_note(fields: Mapping[str, str]) -> str | None:
    return fields.get("note", "").replace("\r\n", "\n").strip() or None
