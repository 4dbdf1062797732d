"""Webhooks: who is told of changed tiers, what a message says, and how it is signed.

References
----------
Standard Webhooks, standardwebhooks.com: headers, signature and the form of secrets.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from standardwebhooks import Webhook

from features.errors import InputError, Problem
from models.key import ID_DIGITS, ID_LENGTH, LONGEST_NAME
from models.row_filter import EVERYTHING, RowFilter
from models.snapshot_check import is_storable
from models.snapshot_id import read_moment
from models.tier_change import TierChange
from models.webhook_address import AllowList, read_destination, split_url

Stopped = Literal["gone", "failing"]
STOPPED: tuple[Stopped, ...] = get_args(Stopped)
MARK = "wh_"
SECRET_MARK = "whsec_"
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where messages go.

    Parameters
    ----------
    target_id : str
        11 characters that begin with ``wh_``.
    name : str
        What people call it.
    url : str
        May hold a secret, so that it is shown in part only.
    secret : str
        By which messages are signed. It is kept as it is, since a hash signs nothing.
    row_filter : RowFilter
        The accounts that it is told of.
    created_at : datetime
        With a time zone, like all others.
    told_up_to : str or None
        Id of the last snapshot whose changes were queued for it; None: from the oldest on.
    stopped : str or None
        Why nothing is sent to it: ``gone`` when it answered 410, ``failing`` when nothing came
        through for days; None while it is told.
    failing_since : datetime or None
        Of the first failure since something came through.
    via_api : bool
        Whether it was added through the API: then it must lie on the open internet, whatever the
        configuration lets in.
    old_secret : str or None
        The secret before, by which messages are signed too until it ends.
    old_secret_until : datetime or None
        When that is.
    """

    target_id: str
    name: str
    url: str = field(repr=False)
    secret: str = field(repr=False)
    row_filter: RowFilter
    created_at: datetime
    told_up_to: str | None = None
    stopped: Stopped | None = None
    failing_since: datetime | None = None
    via_api: bool = False
    old_secret: str | None = field(default=None, repr=False)
    old_secret_until: datetime | None = None

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """What messages are signed by at a moment, the newest first."""
        until = self.old_secret_until
        if self.old_secret is None or until is None or until <= now:
            return (self.secret,)
        return (self.secret, self.old_secret)

    @property
    def label(self) -> str:
        """Where it lies, without what may be secret of its URL."""
        return split_url(self.url).label

    def to_json(self) -> dict[str, object]:
        """The target for people and programs, without secrets."""
        since, until = self.failing_since, self.old_secret_until
        return {
            "target_id": self.target_id,
            "name": self.name,
            "url": self.label,
            "row_filter": self.row_filter.to_json(),
            "created_at": self.created_at.isoformat(timespec="seconds"),
            "stopped": self.stopped,
            "failing_since": since and since.isoformat(timespec="seconds"),
            "via_api": self.via_api,
            "old_secret_until": until and until.isoformat(timespec="seconds"),
        }


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, in the same words each time.

    Parameters
    ----------
    message_id : str
        By which a receiver knows one that comes again.
    body : str
        JSON.
    """

    message_id: str
    body: str


def make_target(
    name: str,
    url: str,
    row_filter: RowFilter = EVERYTHING,
    *,
    now: datetime,
    allowed: AllowList | None = None,
    told_up_to: str | None = None,
    via_api: bool = False,
) -> Target:
    """A target with a secret of its own, not stored yet.

    Parameters
    ----------
    name : str
        1 to 100 printable characters.
    url : str
        See `read_destination`.
    row_filter : RowFilter
        The accounts that it is told of.
    now : datetime
        With a time zone.
    allowed : AllowList, optional
        Private targets.
    told_up_to : str or None
        The served snapshot: what changed before is not told.
    via_api : bool
        Whether somebody adds it through the API: no private target is let in then.

    Raises
    ------
    InputError
        Everything that is wrong with it.
    """
    problems = []
    plain = name.strip()
    if not (1 <= len(plain) <= LONGEST_NAME and plain.isprintable() and is_storable(plain)):
        rule = f"must have 1 to {LONGEST_NAME} printable characters"
        problems.append(Problem("webhooks", "name", rule, remedy="say who listens, such as crm"))
    try:
        read_destination(url, None if via_api else allowed)
    except InputError as fault:
        problems += fault.problems
    if problems:
        raise InputError(problems)
    return Target(
        target_id=MARK + "".join(secrets.choice(ID_DIGITS) for _ in range(ID_LENGTH)),
        name=plain,
        url=url,
        secret=_make_secret(),
        row_filter=row_filter,
        created_at=now,
        told_up_to=told_up_to,
        via_api=via_api,
    )


def replace_secret(target: Target, *, now: datetime, overlap: timedelta) -> Target:
    """The target with a new secret, not stored yet; the old one signs too until an overlap is over.

    Parameters
    ----------
    target : Target
        One that was replaced before and has not ended ends now: no more than two ever sign.
    now : datetime
        With a time zone.
    overlap : timedelta
        0 where the old one leaked: then it ends at once.
    """
    secret, until = _make_secret(), now + overlap
    if not overlap:
        return replace(target, secret=secret, old_secret=None, old_secret_until=None)
    return replace(target, secret=secret, old_secret=target.secret, old_secret_until=until)


def make_message(change: TierChange) -> Message:
    """What is said of a change: whose it is, ids and tiers; the receiver asks the API for more."""
    named = f"{change.snapshot_id}\n{change.account_id}".encode()
    body = {
        "type": "account.tier_changed",
        "timestamp": _stamp(read_moment(change.snapshot_id)),
        "data": {
            "company": change.company,
            "account_id": change.account_id,
            "external_id": change.external_id,
            "snapshot_id": change.snapshot_id,
            "previous_tier": change.before,
            "risk_tier": change.after,
        },
    }
    return Message(f"msg_{hashlib.sha256(named).hexdigest()[:32]}", _write(body))


def make_ping(now: datetime) -> Message:
    """A message that says nothing, to try a target."""
    body = {"type": "ping", "timestamp": _stamp(now), "data": {}}
    return Message(f"msg_{secrets.token_hex(16)}", _write(body))


def sign_headers(message: Message, secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """The headers by which a receiver knows message, moment and sender.

    Parameters
    ----------
    message : Message
    secrets : sequence of str
        Of the target: a signature by each, any of which satisfies a receiver.
    now : datetime
        Of this try; receivers refuse what is older than minutes.
    """
    moment = now.astimezone(UTC)
    return {
        "webhook-id": message.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(
            Webhook(one).sign(message.message_id, moment, message.body) for one in secrets
        ),
    }


def _make_secret() -> str:
    return SECRET_MARK + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _write(body: Mapping[str, object]) -> str:
    return json.dumps(body, separators=(",", ":"))  # ASCII, so that bytes and text are one
