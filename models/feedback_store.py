"""What people said, in the service store, each thing written once however often it comes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Select, Table, delete, insert, select

from models.feedback import Feedback, LossReason
from models.playbook_action import PlaybookAction
from models.service_store import ServiceStore
from models.service_table import (
    FEEDBACK,
    IDEMPOTENCY_KEY,
    LOSS_REASON,
    PLAYBOOK_ACTION,
    WARNING_MUTE,
    read_feedback,
    read_loss_reason,
)
from models.track_record import Act, Acts
from models.warning_mute import Mute

REMEMBERED = timedelta(hours=24)
LONGEST_IDEMPOTENCY_KEY = 255
Entry = Feedback | LossReason | Mute | PlaybookAction
TABLES: Mapping[type[Entry], Table] = {
    Feedback: FEEDBACK,
    LossReason: LOSS_REASON,
    Mute: WARNING_MUTE,
    PlaybookAction: PLAYBOOK_ACTION,
}
NO_KEY = ""  # stands for no key where a column cannot be null


@dataclass(frozen=True, slots=True)
class Reply:
    """What the service answered.

    Parameters
    ----------
    status : int
        HTTP status.
    body : bytes
        As it was sent.
    repeated : bool
        Whether it is the answer to an earlier request with the same idempotency key.
    """

    status: int
    body: bytes
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that its caller may send again.

    Parameters
    ----------
    key_id : str or None
        Of the key by which it came; None where no key is needed.
    idempotency_key : str
        As the caller chose it, of at most 255 characters.
    request_hash : str
        Of all that makes the request what it is: path and body.
    """

    key_id: str | None
    idempotency_key: str
    request_hash: str


class FeedbackStore:
    """What people said, in one service store.

    Parameters
    ----------
    store : ServiceStore
        Where it lies.
    """

    def __init__(self, store: ServiceStore) -> None:
        self.store = store

    def add(self, entry: Entry, reply: Reply, attempt: Attempt | None = None) -> Reply | None:
        """Write an entry together with the answer to it, once.

        Of two requests with one idempotency key at once, the second waits for the first.

        Parameters
        ----------
        entry : Feedback, LossReason, Mute or PlaybookAction
            What is to be written; its `created_at` is now.
        reply : Reply
            What is to be answered when it is written.
        attempt : Attempt or None
            None where the caller gave no idempotency key: it is written in any case.

        Returns
        -------
        Reply or None
            `reply`; the first one's when the attempt was answered within 24 hours; None when
            its idempotency key then belonged to another request. In both nothing is written.
        """
        with self.store.write() as connection:
            if attempt is not None:
                self.store.database.lock(connection, _lock_number(attempt))
                earlier = _find(connection, attempt, entry.created_at)
                if earlier is not None:
                    same = earlier.request_hash == attempt.request_hash
                    return Reply(earlier.status, earlier.body, repeated=True) if same else None
                _remember(connection, attempt, reply, entry.created_at)
            connection.execute(insert(TABLES[type(entry)]), asdict(entry))
        return reply

    def add_past(self, actions: Sequence[PlaybookAction]) -> None:
        """Write what was done before, all or nothing; what is there already stays as it is."""
        with self.store.write() as connection:
            known = set(connection.scalars(select(PLAYBOOK_ACTION.c.action_id)))
            new = [asdict(one) for one in actions if one.action_id not in known]
            if new:
                connection.execute(insert(PLAYBOOK_ACTION), new)

    def recall(self, attempt: Attempt, now: datetime) -> Reply | None:
        """The answer that this very request got within 24 hours before `now`, or None."""
        known = IDEMPOTENCY_KEY.c
        query = _of_attempt(attempt).where(
            known.created_at > now - REMEMBERED, known.request_hash == attempt.request_hash
        )
        rows = self.store.rows(query)
        return Reply(rows[0]["status"], rows[0]["body"], repeated=True) if rows else None

    def feedback(self, account_id: str, *, limit: int = 100) -> list[Feedback]:
        """What was said about an account, the newest first."""
        query = (
            select(FEEDBACK)
            .where(FEEDBACK.c.account_id == account_id)
            .order_by(FEEDBACK.c.created_at.desc(), FEEDBACK.c.feedback_id)
            .limit(limit)
        )
        return [read_feedback(row) for row in self.store.rows(query)]

    def loss_reasons(self, account_id: str) -> Sequence[LossReason]:
        """Why an account was lost, the newest answer first: it stands for those before."""
        query = (
            select(LOSS_REASON)
            .where(LOSS_REASON.c.account_id == account_id)
            .order_by(LOSS_REASON.c.created_at.desc(), LOSS_REASON.c.loss_reason_id)
        )
        return [read_loss_reason(row) for row in self.store.rows(query)]

    def mutes(self, account_id: str) -> list[Mute]:
        """Every mute of an account's warnings, the newest first."""
        query = (
            select(WARNING_MUTE)
            .where(WARNING_MUTE.c.account_id == account_id)
            .order_by(WARNING_MUTE.c.created_at.desc(), WARNING_MUTE.c.mute_id)
        )
        return [Mute(**row) for row in self.store.rows(query)]

    def playbook_actions(self, account_id: str | None = None) -> list[PlaybookAction]:
        """What was done with playbooks on an account, or on all, the newest first."""
        query = select(PLAYBOOK_ACTION).order_by(
            PLAYBOOK_ACTION.c.created_at.desc(), PLAYBOOK_ACTION.c.action_id
        )
        if account_id is not None:
            query = query.where(PLAYBOOK_ACTION.c.account_id == account_id)
        return [PlaybookAction(**row) for row in self.store.rows(query)]

    def acts(self, since: date, until: date) -> Acts:
        """When people worked on which account, as they put it down on a day or later.

        A playbook that was started or done counts, and feedback that somebody acted on the score.

        Parameters
        ----------
        since, until : date
            Inclusive and exclusive; days are those of UTC.
        """
        ends = [datetime.combine(day, time(), UTC) for day in (since, until)]
        found: set[Act] = set()
        for table, kind, values in (
            (PLAYBOOK_ACTION, PLAYBOOK_ACTION.c.status, ("started", "done")),
            (FEEDBACK, FEEDBACK.c.disposition, ("acted",)),
        ):
            moment = table.c.created_at
            query = select(table.c.account_id, moment).where(
                kind.in_(values), moment >= ends[0], moment < ends[1]
            )
            rows = self.store.rows(query)
            found.update(Act(row["account_id"], row["created_at"].date()) for row in rows)
        return frozenset(found)

    def latest_loss_reasons(self) -> dict[str, str]:
        """Why each account was lost, as it was told last, by account id."""
        known = LOSS_REASON.c
        query = select(known.account_id, known.reason).order_by(
            known.created_at, known.loss_reason_id.desc()
        )
        return {row["account_id"]: row["reason"] for row in self.store.rows(query)}


@dataclass(frozen=True, slots=True)
class _Earlier:
    request_hash: str
    status: int
    body: bytes


def _find(connection: Connection, attempt: Attempt, now: datetime) -> _Earlier | None:
    """The answer that was given to an attempt before; what is older than a day is forgotten."""
    known = IDEMPOTENCY_KEY.c
    connection.execute(delete(IDEMPOTENCY_KEY).where(known.created_at <= now - REMEMBERED))
    row = connection.execute(_of_attempt(attempt)).one_or_none()
    return None if row is None else _Earlier(row.request_hash, row.status, row.body)


def _of_attempt(attempt: Attempt) -> Select[Any]:  # Any: columns
    known = IDEMPOTENCY_KEY.c
    return select(known.request_hash, known.status, known.body).where(
        known.key_id == (attempt.key_id or NO_KEY),
        known.idempotency_key == attempt.idempotency_key,
    )


def _remember(connection: Connection, attempt: Attempt, reply: Reply, now: datetime) -> None:
    row = {
        "key_id": attempt.key_id or NO_KEY,
        "idempotency_key": attempt.idempotency_key,
        "request_hash": attempt.request_hash,
        "status": reply.status,
        "body": reply.body,
        "created_at": now,
    }
    connection.execute(insert(IDEMPOTENCY_KEY), row)


def _lock_number(attempt: Attempt) -> int:
    """A number for what must not happen twice at once; a rare clash only makes one wait."""
    text = f"{attempt.key_id or NO_KEY}\n{attempt.idempotency_key}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)
