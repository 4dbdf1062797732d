"""Warnings that somebody silenced for a time, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, get_args

from features.errors import InputError
from models.said import new_id, note_problems, unlisted

MuteReason = Literal[
    "being_handled",
    "expected",
    "usage_is_seasonal",
    "data_is_wrong",
    "does_not_matter_here",
    "other",
]
MUTE_REASONS: tuple[MuteReason, ...] = get_args(MuteReason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """A warning of an account, silenced until a day; of several the newest counts.

    Parameters
    ----------
    account_id, rule : str
    subject : str or None
        As in `Alert`.
    until : date
        First day on which it is shown again; a day that has come ends an earlier mute.
    reason : str
        One of `MUTE_REASONS`.
    note : str or None
        Free text of at most 2,000 characters; never logged and never a feature.
    key_id : str or None
        Of the key by which it came; None where no key is needed.
    created_at : datetime
        With a time zone.
    mute_id : str
        Made here.

    Raises
    ------
    InputError
        Everything that is wrong with it.
    """

    account_id: str
    rule: str
    subject: str | None
    until: date
    reason: MuteReason
    note: str | None = None
    key_id: str | None
    created_at: datetime
    mute_id: str = field(default_factory=new_id)

    def __post_init__(self) -> None:
        problems = [
            *unlisted("warning_mute", "reason", self.reason, MUTE_REASONS),
            *note_problems("warning_mute", self.note),
        ]
        if problems:
            raise InputError(problems)


def muted_on(day: date, mutes: Iterable[Mute]) -> dict[tuple[str, str | None], Mute]:
    """The mutes of an account that hold on a day, by rule and subject.

    Parameters
    ----------
    day : date
    mutes : iterable of Mute
        The newest first.
    """
    newest: dict[tuple[str, str | None], Mute] = {}
    for mute in mutes:
        newest.setdefault((mute.rule, mute.subject), mute)
    return {key: mute for key, mute in newest.items() if mute.until > day}
