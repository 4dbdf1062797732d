"""Sessions of people who signed in, held in memory: whose a request is is told without a query."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from models.key import SECRET_BYTES, hash_secret
from models.session_store import Session, SessionStore
from serving.caller import Caller
from serving.keyring import REFRESH_S, KeyRing
from serving.last_use import NOTE_USE_S, LastUse

MOST_LOOKUPS = 20  # a second, of sessions that this process does not know


@dataclass(slots=True)
class _Held:
    key_id: str
    created: float  # this and the next: seconds since 1970
    used: float


class Sessions:
    """All sessions of the service store, read anew every two seconds.

    A session that ended in one process stops in the others with their next read. One that began
    in another process and is not known here yet is looked up, and its key with it, a few times a
    second at most, so that made-up cookies cannot keep the store busy. While the store is away
    sessions go on as they were read last.

    Parameters
    ----------
    store : SessionStore
        Where they are kept.
    keys : KeyRing
        A session may what its key may, as long as that opens.
    idle_s : float
        Seconds without a request after which a session is over, to about `NOTE_USE_S` where
        several processes serve.
    life_s : float
        Seconds after which it is over in any case.
    clock : callable
        Seconds since 1970.
    """

    def __init__(
        self,
        store: SessionStore,
        keys: KeyRing,
        *,
        idle_s: float,
        life_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._keys = keys
        self._idle_s, self._life_s = idle_s, life_s
        self._note_every_s = min(NOTE_USE_S, idle_s / 4)
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._ended: dict[str, float] = {}  # here; a read that began before may still bring them
        self._uses = LastUse(store.note_use, clock, every_s=self._note_every_s)
        self._second, self._lookups = 0, 0

    async def begin(self, key_id: str) -> str:
        """The secret of a new session, 43 characters for a cookie; only its hash is kept.

        Raises
        ------
        InputError, TransientError
            The store cannot be written.
        """
        secret = secrets.token_urlsafe(SECRET_BYTES)
        now = self._clock()
        moment = datetime.fromtimestamp(now, UTC)
        kept = Session(
            session_hash=hash_secret(secret.encode("ascii")),
            key_id=key_id,
            created_at=moment,
            last_used_at=moment,
        )
        await asyncio.to_thread(self._store.add, kept)
        self._held[kept.session_hash] = _Held(key_id, now, now)
        return secret

    async def find(self, secret: bytes) -> Caller | None:
        """Who sends a request with a session's secret; None once it is over, or never was.

        Raises
        ------
        InputError, TransientError
            It is not known here, and the store cannot be read.
        """
        name = hash_secret(secret)
        held = self._held.get(name) or await self._look_up(name)
        now = self._clock()
        if held is None or name in self._ended or not self._lasts(held, now):
            return None
        caller = self._keys.holder(held.key_id)
        if caller is not None:
            held.used = now
            self._uses.note(name, now)
        return caller

    async def end(self, secret: bytes) -> None:
        """End a session: here at once, in other processes with their next read.

        Raises
        ------
        InputError, TransientError
            The store cannot be written; here the session is over all the same.
        """
        name = hash_secret(secret)
        self._ended[name] = self._clock()
        self._held.pop(name, None)
        await asyncio.to_thread(self._store.end, name)

    def refresh(self) -> None:
        """Read the sessions, and at most once a minute keep their last uses and remove old ones.

        Raises
        ------
        InputError, TransientError
            The store cannot be read or written; the sessions stay as they were.
        """
        self._take(self._store.all())
        if self._uses.is_due:
            self._uses.keep()
            self._remove_old(self._clock())

    async def follow(self, *, every_s: float = REFRESH_S) -> None:
        """Keep up with the store until cancelled, off the event loop; a fault is logged once."""
        while True:
            await asyncio.to_thread(self._keys.outage.attempt, self.refresh)
            await asyncio.sleep(every_s)

    async def finish(self) -> None:
        """Keep the last uses at the end of the service."""
        if self._uses.is_any:
            await asyncio.to_thread(self._keys.outage.attempt, self._uses.keep)

    def _lasts(self, held: _Held, now: float) -> bool:
        return now - held.used < self._idle_s and now - held.created < self._life_s

    async def _look_up(self, name: str) -> _Held | None:
        second = int(self._clock())
        if second != self._second:
            self._second, self._lookups = second, 0
        if self._lookups >= MOST_LOOKUPS or name in self._ended:
            return None
        self._lookups += 1
        kept = await asyncio.to_thread(self._store.find, name)
        if kept is None:
            return None
        await self._keys.know(kept.key_id)
        return self._held.setdefault(name, _hold(kept))

    def _take(self, kept: list[Session]) -> None:
        before, after = self._held, {}
        for session in kept:
            name = session.session_hash
            if name not in self._ended:
                # The same object, so that a use that is noted meanwhile is not lost.
                held = after[name] = before.get(name) or _hold(session)
                held.used = max(held.used, session.last_used_at.timestamp())
        self._held = after

    def _remove_old(self, now: float) -> None:
        over = now - self._life_s
        for name in [name for name, at in self._ended.copy().items() if at < over]:
            self._ended.pop(name, None)
        # Other processes have their own last uses, not written yet.
        unused = now - self._idle_s - 2 * self._note_every_s
        created_at, used_at = (datetime.fromtimestamp(at, UTC) for at in (over, unused))
        if any(held.created < over or held.used < unused for held in self._held.copy().values()):
            self._store.remove_before(created=created_at, used=used_at)


def _hold(session: Session) -> _Held:
    created, used = session.created_at.timestamp(), session.last_used_at.timestamp()
    return _Held(session.key_id, created, used)
