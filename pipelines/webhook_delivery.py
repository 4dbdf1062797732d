"""Tells the targets of webhooks which tiers changed, under a lease: of several one sends."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event
from typing import Protocol

from models.lease import Lease
from models.store import SnapshotStore
from models.tier_change import KEEP_DAYS
from models.webhook import Message, Target, make_ping, sign_headers
from models.webhook_store import Delivery, WebhookStore
from pipelines.crew import work_at_once
from pipelines.webhook_post import Outcome

logger = logging.getLogger(__name__)

# After each failure, seconds; more than two days in all, then the message is dead.
BACK_OFF_S = (30.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0)
JITTER = 0.25  # share by which a wait is longer or shorter, so that not all come back at once
IN_A_ROW = 3  # failures after which a target is left alone until the next run
FAILING_FOR = timedelta(days=5)  # with nothing coming through, after which it is stopped
AT_ONCE = 8  # targets
STOP_S = 3.0  # for what is being sent when the process is told to end; then it is left behind


def now_utc() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


class Post(Protocol):
    """How one message is sent once, see `pipelines.webhook_post.Postman`."""

    def __call__(  # noqa: D102
        self, url: str, headers: Mapping[str, str], body: bytes, *, public_only: bool
    ) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Told:
    """What a run did.

    Parameters
    ----------
    queued : int
        Messages that were new.
    sent : int
        That came through.
    failed : int
        Tries that did not.
    dead : int
        Messages given up: after their last try, or with their target that was stopped.
    stopped : tuple of str
        Targets to which nothing is sent any more.
    waiting : int
        Messages left for later.
    busy : bool
        Another process sends; this one did nothing.
    """

    queued: int = 0
    sent: int = 0
    failed: int = 0
    dead: int = 0
    stopped: tuple[str, ...] = ()
    waiting: int = 0
    busy: bool = False

    @property
    def is_well(self) -> bool:
        """Whether all that was tried came through; also where there was nothing to do."""
        return not (self.failed or self.stopped)

    def to_json(self) -> dict[str, object]:
        """The same as a JSON document."""
        return asdict(self)


class Deliverer:
    """Sends what is due.

    Parameters
    ----------
    hooks : WebhookStore
        Targets and deliveries.
    changes : SnapshotStore
        The outbox that publishing fills.
    post : callable
        Sends a message once.
    clock : callable
        Gives now, with a time zone.
    chance : callable
        A number from 0 to 1, for the jitter.
    """

    def __init__(
        self,
        hooks: WebhookStore,
        changes: SnapshotStore,
        post: Post,
        *,
        clock: Callable[[], datetime] = now_utc,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.hooks = hooks
        self.changes = changes
        self.lease = Lease(hooks.store, "webhooks", clock=clock)
        self._post = post
        self._clock = clock
        self._chance = chance

    def run(self, *, budget: timedelta | None = None) -> Told:
        """Queue what changed, and send what is due.

        Parameters
        ----------
        budget : timedelta, optional
            After which nothing more is begun.

        Raises
        ------
        InputError, TransientError
            A store cannot be read or written; what was sent and not noted is sent again.
        """
        if not self.hooks.targets():
            return Told()
        if not self.lease.take():
            return Told(busy=True)
        try:
            now = self._clock()
            self.hooks.forget(now - timedelta(days=KEEP_DAYS))
            self.hooks.forget_secrets(now)
            until = None if budget is None else self._clock() + budget
            return self._tell(until)
        finally:
            self.lease.release()

    def ping(self, target_id: str) -> Outcome:
        """Try a target with a message that says nothing; where it comes through a stop ends.

        Raises
        ------
        InputError
            There is no such target.
        """
        target, now = self.hooks.target(target_id), self._clock()
        message = make_ping(now)
        outcome = self._send(target, message, now)
        if outcome.fault is None and (target.stopped or target.failing_since):
            self.hooks.resume(target.target_id)
        return outcome

    def _tell(self, until: datetime | None) -> Told:
        targets = [one for one in self.hooks.targets() if one.stopped is None]
        queued = sum(self.hooks.queue(self.changes, one, self._clock()) for one in targets)
        stop = Event()
        # Each by itself: a target that is slow keeps no other one waiting.
        tell = partial(self._tell_one, until=until, stop=stop)
        all_told = work_at_once(tell, targets, threads=AT_ONCE, stop=stop, stop_s=STOP_S)
        counts = self.hooks.counts().values()
        return Told(
            queued=queued,
            sent=sum(one.sent for one in all_told),
            failed=sum(one.failed for one in all_told),
            dead=sum(one.dead for one in all_told),
            stopped=tuple(name for one in all_told for name in one.stopped),
            waiting=sum(count["waiting"] for count in counts),
        )

    def _tell_one(self, target: Target, *, until: datetime | None, stop: Event) -> Told:
        told, in_a_row = Told(), 0
        while in_a_row < IN_A_ROW and not stop.is_set() and self.lease.hold():
            now = self._clock()
            due = self.hooks.next_due(target.target_id, now)
            if due is None or (until is not None and now >= until):
                break
            outcome = self._send(target, due.message, now)
            if outcome.fault is None:
                self.hooks.note_sent(due, self._clock())
                told, in_a_row = replace(told, sent=told.sent + 1), 0
                target = replace(target, failing_since=None)
                continue
            in_a_row += 1
            told = self._note_failure(told, target, due, outcome)
            target = replace(target, failing_since=target.failing_since or now)
            if told.stopped:
                break
        return told

    def _send(self, target: Target, message: Message, now: datetime) -> Outcome:
        headers = sign_headers(message, target.secrets(now), now)
        body = message.body.encode()
        # The key of an administrator opens nothing that only the configuration may open.
        return self._post(target.url, headers, body, public_only=target.via_api)

    def _note_failure(self, told: Told, target: Target, due: Delivery, outcome: Outcome) -> Told:
        now, name, fault = self._clock(), target.target_id, outcome.fault or ""
        due_at = self._next_try(due, outcome, now)
        self.hooks.note_failure(due, fault, now, due_at=due_at)
        logger.warning("webhook %s: %s", name, fault)
        told = replace(told, failed=told.failed + 1, dead=told.dead + (due_at is None))
        failing_for = now - (target.failing_since or now)
        if outcome.is_gone or failing_for > FAILING_FOR:
            given_up = self.hooks.stop(name, "gone" if outcome.is_gone else "failing")
            logger.warning("webhook %s is stopped", name)
            told = replace(told, dead=told.dead + given_up, stopped=(name,))
        return told

    def _next_try(self, due: Delivery, outcome: Outcome, now: datetime) -> datetime | None:
        if due.tries >= len(BACK_OFF_S):
            return None
        wait_s = BACK_OFF_S[due.tries] * (1 + JITTER * (2 * self._chance() - 1))
        return now + timedelta(seconds=max(wait_s, outcome.wait_s))
