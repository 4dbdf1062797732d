"""The keys of the service, held in memory: who asks is told without reading anything."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from models.key import Key, hash_secret, is_secret, read_token
from models.key_store import KeyStore
from serving.caller import LOCAL, Caller
from serving.last_use import LastUse
from serving.outage import Outage

REFRESH_S = 2.0  # a key that is revoked stops within this and the time of one read
BEARER = re.compile(rb"bearer +([^ ]+)", re.IGNORECASE)
NOBODY = hash_secret(b"")  # compared where there is no such key, so that the time tells nothing


@dataclass(frozen=True, slots=True)
class _Entry:
    secret_hash: str
    expires: float  # seconds since 1970
    caller: Caller


class KeyRing:
    """All keys of the service store, read anew every two seconds.

    Nothing opens before the keys were read for the first time. While the store is away, the keys
    that were read last stay as they are, and expire as they would have.

    Parameters
    ----------
    keys : KeyStore
        Where they are kept.
    clock : callable
        Seconds since 1970.

    Attributes
    ----------
    outage : Outage
        Of the service store, for all that follow it.
    """

    def __init__(self, keys: KeyStore, *, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._clock = clock
        self._known: list[Key] | None = None
        self._entries: dict[str, _Entry] = {}
        self._has_keys = True  # until it is known that there are none
        self._uses = LastUse(keys.note_use, clock)
        self.outage = Outage()

    @property
    def is_read(self) -> bool:
        """Whether the keys were ever read; before that nothing opens."""
        return self._known is not None

    @property
    def has_keys(self) -> bool:
        """Whether requests need a key: once there was one, always.

        Keys that are over count, so that nothing is opened by the end of the last one.
        """
        return self._has_keys

    def caller(self, authorization: bytes | None) -> Caller | None:
        """Who sends a request, without reading anything.

        Parameters
        ----------
        authorization : bytes or None
            The value of its one ``Authorization`` header; None without one.

        Returns
        -------
        Caller or None
            `LOCAL` where there are no keys and none was given; None where what was given is no
            key, or opens nothing any more.
        """
        if authorization is None:
            return None if self._has_keys else LOCAL
        found = BEARER.fullmatch(authorization)
        token = read_token(found[1]) if found else None
        if token is None:
            return None
        key_id, secret = token
        entry = self._entries.get(key_id)
        if not is_secret(secret, entry.secret_hash if entry else NOBODY) or entry is None:
            return None
        return self.holder(key_id)

    def holder(self, key_id: str) -> Caller | None:
        """Who signed in with a key, without reading anything; None once it opens nothing."""
        entry = self._entries.get(key_id)
        now = self._clock()
        if entry is None or entry.expires <= now:
            return None
        self._uses.note(key_id, now)
        return entry.caller

    def refresh(self) -> None:
        """Read the keys, and keep when they were last used at most once a minute.

        Raises
        ------
        InputError, TransientError
            The store cannot be read; the keys stay as they were.
        """
        self._take(self._keys.all())
        if self._uses.is_any and self._uses.is_due:
            self._uses.keep()

    async def know(self, key_id: str) -> None:
        """Read the keys before they are due where one is not known: it may be as new as that.

        While the store is away the keys stay as they were; that is logged once.
        """
        if key_id not in self._entries:
            await asyncio.to_thread(self.outage.attempt, lambda: self._take(self._keys.all()))

    async def follow(self, *, every_s: float = REFRESH_S) -> None:
        """Keep up with the store until cancelled, off the event loop; a fault is logged once."""
        while True:
            await asyncio.to_thread(self.outage.attempt, self.refresh)
            await asyncio.sleep(every_s)

    async def finish(self) -> None:
        """Keep the last uses at the end of the service."""
        if self._uses.is_any:
            await asyncio.to_thread(self.outage.attempt, self._uses.keep)

    def _take(self, keys: list[Key]) -> None:
        if keys == self._known:
            return
        # Once there was a key there is one, unless this is the first look.
        self._has_keys = bool(keys) or (self._known is not None and self._has_keys)
        entries = {
            key.key_id: _Entry(
                key.secret_hash,
                key.expires_at.timestamp() if key.expires_at else inf,
                Caller(key.key_id, key.scopes, key.row_filter),
            )
            for key in keys
            if key.revoked_at is None
        }
        self._known, self._entries = keys, entries
