"""Targets of webhooks and what was, or is to be, sent to each, in the service store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from features.errors import InputError, Problem
from models.row_filter import RowFilter
from models.service_store import ServiceStore
from models.service_table import WEBHOOK_DELIVERY, WEBHOOK_TARGET
from models.store import SnapshotStore
from models.tier_change import TierChange
from models.webhook import Message, Stopped, Target, make_message, replace_secret

DELIVERY, TARGET = WEBHOOK_DELIVERY.c, WEBHOOK_TARGET.c
WAITING, SENT, DEAD = STATES = ("waiting", "sent", "dead")
PART = 500  # of an outbox, or of ids in one query
LOCK = 0x686F6F6B


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one target.

    Parameters
    ----------
    target_id : str
    message : Message
    tries : int
        How often it was sent in vain.
    """

    target_id: str
    message: Message
    tries: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a target stands.

    Parameters
    ----------
    target_id : str
    waiting, dead : int
        Messages.
    is_stopped : bool
        Whether nothing is sent to it any more.
    last_sent_at : datetime or None
        When a message last came through; None when none did that is still kept.
    """

    target_id: str
    waiting: int
    dead: int
    is_stopped: bool
    last_sent_at: datetime | None


class WebhookStore:
    """Targets and deliveries of one service store.

    Parameters
    ----------
    store : ServiceStore
        Where they lie.
    """

    def __init__(self, store: ServiceStore) -> None:
        self.store = store

    def add(self, target: Target) -> None:
        """Keep a target."""
        with self.store.write() as connection:
            connection.execute(insert(WEBHOOK_TARGET), _target_row(target))

    def targets(self) -> list[Target]:
        """All targets, the oldest first."""
        query = select(WEBHOOK_TARGET).order_by(TARGET.created_at, TARGET.target_id)
        return [_read_target(row) for row in self.store.rows(query)]

    def target(self, target_id: str) -> Target:
        """A target by its id.

        Raises
        ------
        InputError
            There is none.
        """
        query = select(WEBHOOK_TARGET).where(TARGET.target_id == target_id)
        rows = self.store.rows(query)
        if not rows:
            raise _unknown(target_id)
        return _read_target(rows[0])

    def remove(self, target_id: str) -> None:
        """Remove a target with all that was to be sent to it.

        Raises
        ------
        InputError
            There is none.
        """
        with self.store.write() as connection:
            connection.execute(delete(WEBHOOK_DELIVERY).where(DELIVERY.target_id == target_id))
            gone = connection.execute(delete(WEBHOOK_TARGET).where(TARGET.target_id == target_id))
        if not gone.rowcount:
            raise _unknown(target_id)

    def rotate(self, target_id: str, *, now: datetime, overlap: timedelta) -> Target:
        """Give a target a new secret, and return the target with it; see `replace_secret`.

        Raises
        ------
        InputError
            There is no such target.
        """
        query = select(WEBHOOK_TARGET).where(TARGET.target_id == target_id).with_for_update()
        with self.store.write() as connection:
            row = connection.execute(query).mappings().one_or_none()
            if row is None:
                raise _unknown(target_id)
            new = replace_secret(_read_target(row), now=now, overlap=overlap)
            self._set_target(
                connection,
                target_id,
                secret=new.secret,
                old_secret=new.old_secret,
                old_secret_until=new.old_secret_until,
            )
        return new

    def forget_secrets(self, now: datetime) -> None:
        """Remove secrets that have ended."""
        over = TARGET.old_secret_until <= now
        if self.store.rows(select(TARGET.target_id).where(over).limit(1)):
            with self.store.write() as connection:
                ended = update(WEBHOOK_TARGET).where(over)
                connection.execute(ended.values(old_secret=None, old_secret_until=None))

    def counts(self) -> dict[str, dict[str, int]]:
        """How many deliveries are waiting, sent or dead, by target."""
        query = select(DELIVERY.target_id, DELIVERY.state, func.count().label("n"))
        found: dict[str, dict[str, int]] = {}
        for row in self.store.rows(query.group_by(DELIVERY.target_id, DELIVERY.state)):
            counted = found.setdefault(row["target_id"], dict.fromkeys(STATES, 0))
            counted[row["state"]] = row["n"]
        return found

    def standings(self) -> list[Standing]:
        """How every target stands, the oldest first."""
        last = select(DELIVERY.target_id, func.max(DELIVERY.sent_at).label("sent_at"))
        sent = last.where(DELIVERY.state == SENT).group_by(DELIVERY.target_id)
        sent_at = {row["target_id"]: row["sent_at"] for row in self.store.rows(sent)}
        counts, none = self.counts(), dict.fromkeys(STATES, 0)
        return [
            Standing(
                target_id=one.target_id,
                waiting=counts.get(one.target_id, none)[WAITING],
                dead=counts.get(one.target_id, none)[DEAD],
                is_stopped=one.stopped is not None,
                last_sent_at=sent_at.get(one.target_id),
            )
            for one in self.targets()
        ]

    def queue(self, changes: SnapshotStore, target: Target, now: datetime) -> int:
        """Queue for a target what changed since it was told last, and return how many that are.

        A change is queued together with the note of how far the target was told, so that after
        a fault it is queued again or not at all.

        Parameters
        ----------
        changes : SnapshotStore
            The outbox.
        target : Target
            Its row filter decides, by what the snapshot said that changed the tier.
        now : datetime
            With a time zone.
        """
        queued = 0
        for snapshot_id, group in groupby(
            _changes_after(changes, target.told_up_to), key=attrgetter("snapshot_id")
        ):
            told = [make_message(one) for one in group if target.row_filter.admits(one)]
            with self.store.write() as connection:
                self.store.database.lock(connection, LOCK)
                there = _still_there(connection, target.target_id)
                new = _not_queued(connection, target.target_id, told) if there else []
                rows = [_delivery_row(target.target_id, snapshot_id, one, now) for one in new]
                if rows:
                    connection.execute(insert(WEBHOOK_DELIVERY), rows)
                mine = update(WEBHOOK_TARGET).where(TARGET.target_id == target.target_id)
                connection.execute(mine.values(told_up_to=snapshot_id))
            queued += len(rows)
        return queued

    def next_due(self, target_id: str, now: datetime) -> Delivery | None:
        """What is to be sent to a target next; None when nothing is due."""
        query = (
            select(WEBHOOK_DELIVERY)
            .where(_waiting(target_id), DELIVERY.due_at <= now)
            .order_by(DELIVERY.due_at, DELIVERY.snapshot_id, DELIVERY.message_id)
            .limit(1)
        )
        for row in self.store.rows(query):
            message = Message(row["message_id"], row["body"])
            return Delivery(row["target_id"], message, row["tries"])
        return None

    def note_sent(self, delivery: Delivery, now: datetime) -> None:
        """Keep that a message came through."""
        with self.store.write() as connection:
            done = update(WEBHOOK_DELIVERY).where(_is(delivery))
            connection.execute(done.values(state=SENT, sent_at=now, fault=None))
            self._set_target(connection, delivery.target_id, failing_since=None)

    def note_failure(
        self, delivery: Delivery, fault: str, now: datetime, *, due_at: datetime | None
    ) -> None:
        """Keep that a message did not come through.

        Parameters
        ----------
        delivery : Delivery
        fault : str
            In a few words of ours.
        now : datetime
            With a time zone.
        due_at : datetime or None
            When to try again; None: never, it is dead.
        """
        with self.store.write() as connection:
            missed = update(WEBHOOK_DELIVERY).where(_is(delivery), DELIVERY.state != SENT)
            state = DEAD if due_at is None else WAITING
            tries = delivery.tries + 1
            when = now if due_at is None else due_at
            connection.execute(missed.values(state=state, tries=tries, fault=fault, due_at=when))
            first = TARGET.failing_since.is_(None)
            failing = update(WEBHOOK_TARGET).where(TARGET.target_id == delivery.target_id, first)
            connection.execute(failing.values(failing_since=now))

    def stop(self, target_id: str, why: Stopped) -> int:
        """Send nothing more to a target; what waits for it is dead. Returns how many that are."""
        with self.store.write() as connection:
            mine = update(WEBHOOK_TARGET).where(TARGET.target_id == target_id)
            connection.execute(mine.values(stopped=why))
            left = update(WEBHOOK_DELIVERY).where(_waiting(target_id))
            done = connection.execute(left.values(state=DEAD, fault=f"target is {why}"))
        return done.rowcount

    def resume(self, target_id: str) -> None:
        """Send to a target again, what changed meanwhile too as far as the outbox still has it."""
        with self.store.write() as connection:
            self._set_target(connection, target_id, stopped=None, failing_since=None)

    def replay(self, target_id: str, now: datetime, *, since: str | None = None) -> int:
        """Let dead messages wait to be sent anew, and return how many.

        Parameters
        ----------
        target_id : str
        now : datetime
            With a time zone.
        since : str or None
            A snapshot: everything that later ones changed is sent again, as far as the outbox
            still has it, what came through and what was never queued included.

        Raises
        ------
        InputError
            There is no such target, or it is stopped.
        """
        target = self.target(target_id)
        if target.stopped is not None:
            rule = f"{target_id} is stopped ({target.stopped})"
            remedy = f"mend it, then: keepwell webhooks ping {target_id}"
            raise InputError([Problem("webhooks", "", rule, remedy=remedy)])
        chosen: ColumnElement[bool] = DELIVERY.state == DEAD
        if since is not None:
            chosen = or_(chosen, DELIVERY.snapshot_id > since)
        with self.store.write() as connection:
            again = update(WEBHOOK_DELIVERY).where(DELIVERY.target_id == target_id, chosen)
            done = connection.execute(
                again.values(state=WAITING, tries=0, due_at=now, sent_at=None, fault=None)
            )
            if since is not None:
                mine = update(WEBHOOK_TARGET).where(
                    TARGET.target_id == target_id, TARGET.told_up_to > since
                )
                connection.execute(mine.values(told_up_to=since))
        return done.rowcount

    def forget(self, before: datetime) -> None:
        """Remove what was queued before a moment and is sent or dead."""
        old = and_(DELIVERY.created_at < before, DELIVERY.state != WAITING)
        if self.store.rows(select(DELIVERY.message_id).where(old).limit(1)):
            with self.store.write() as connection:
                connection.execute(delete(WEBHOOK_DELIVERY).where(old))

    def faults(self, target_id: str, *, limit: int = 20) -> list[dict[str, object]]:
        """What is dead or failed of a target, the newest first: message, snapshot, state, why."""
        columns = (DELIVERY.message_id, DELIVERY.snapshot_id, DELIVERY.state, DELIVERY.tries)
        query = (
            select(*columns, DELIVERY.fault)
            .where(DELIVERY.target_id == target_id, DELIVERY.fault.is_not(None))
            .order_by(DELIVERY.snapshot_id.desc(), DELIVERY.message_id)
            .limit(limit)
        )
        return [dict(row) for row in self.store.rows(query)]

    @staticmethod
    def _set_target(connection: Connection, target_id: str, **values: object) -> None:
        connection.execute(
            update(WEBHOOK_TARGET).where(TARGET.target_id == target_id).values(**values)
        )


def _changes_after(changes: SnapshotStore, snapshot_id: str | None) -> Iterator[TierChange]:
    """The outbox after a snapshot, read in parts."""
    after = None if snapshot_id is None else (snapshot_id, "")
    while part := changes.tier_changes(after=after, limit=PART):
        yield from (one for one in part if snapshot_id is None or one.snapshot_id > snapshot_id)
        after = (part[-1].snapshot_id, part[-1].account_id)


def _still_there(connection: Connection, target_id: str) -> bool:
    query = select(TARGET.target_id).where(TARGET.target_id == target_id)
    return connection.scalar(query) is not None


def _not_queued(
    connection: Connection, target_id: str, messages: Sequence[Message]
) -> list[Message]:
    known: set[str] = set()
    for start in range(0, len(messages), PART):
        ids = [one.message_id for one in messages[start : start + PART]]
        query = select(DELIVERY.message_id).where(
            DELIVERY.target_id == target_id, DELIVERY.message_id.in_(ids)
        )
        known.update(connection.scalars(query))
    return [one for one in messages if one.message_id not in known]


def _is(delivery: Delivery) -> ColumnElement[bool]:
    return and_(
        DELIVERY.target_id == delivery.target_id,
        DELIVERY.message_id == delivery.message.message_id,
    )


def _waiting(target_id: str) -> ColumnElement[bool]:
    return and_(DELIVERY.target_id == target_id, DELIVERY.state == WAITING)


def _delivery_row(
    target_id: str, snapshot_id: str, message: Message, now: datetime
) -> dict[str, object]:
    return {
        "target_id": target_id,
        "message_id": message.message_id,
        "snapshot_id": snapshot_id,
        "body": message.body,
        "state": WAITING,
        "tries": 0,
        "due_at": now,
        "created_at": now,
    }


def _target_row(target: Target) -> dict[str, object]:
    row = {item.name: getattr(target, item.name) for item in fields(target)}
    return {**row, "row_filter": json.dumps(target.row_filter.to_json())}


def _read_target(row: RowMapping) -> Target:
    plain = {name: row[name] for name in row if name != "row_filter"}
    return Target(**plain, row_filter=RowFilter.parse(json.loads(row["row_filter"])))


def _unknown(target_id: str) -> InputError:
    rule = f"there is no target {target_id}"
    remedy = "see them with: keepwell webhooks list"
    return InputError([Problem("webhooks", "", rule, remedy=remedy)])
