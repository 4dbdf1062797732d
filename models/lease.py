"""A lease: of several processes one may work, and another takes over when that one died."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import delete, insert, select, update

from models.service_store import ServiceStore
from models.service_table import LEASE

LENGTH = timedelta(seconds=90)  # longer than any one thing that is done under it


class Lease:
    """The right to do something alone for a while, taken in the service store.

    It goes by the clocks of the machines: where these differ by more than a lease is long, two may
    hold it at once.

    Parameters
    ----------
    store : ServiceStore
        Where it lies.
    name : str
        What may be done.
    clock : callable
        Gives now, with a time zone.
    length : timedelta
        How long it lasts unless it is renewed.
    """

    def __init__(
        self,
        store: ServiceStore,
        name: str,
        *,
        clock: Callable[[], datetime],
        length: timedelta = LENGTH,
    ) -> None:
        self.store = store
        self.name = name
        self.holder = secrets.token_hex(8)
        self._clock = clock
        self._length = length
        self._until: datetime | None = None
        self._one_at_a_time = Lock()

    def take(self) -> bool:
        """Take it, or renew one's own; False while another one holds it.

        Raises
        ------
        InputError, TransientError
            The store cannot be written.
        """
        with self._one_at_a_time:
            return self._take()

    def hold(self) -> bool:
        """Whether it is held, renewed when half of it is over; may be asked by several threads."""
        with self._one_at_a_time:
            if self._until is None:
                return False
            return self._until - self._clock() > self._length / 2 or self._take()

    def release(self) -> None:
        """Give it up, if it is held."""
        with self._one_at_a_time:
            self._until = None
            with self.store.write() as connection:
                mine = (LEASE.c.name == self.name, LEASE.c.holder == self.holder)
                connection.execute(delete(LEASE).where(*mine))

    def _take(self) -> bool:
        now = self._clock()
        until = now + self._length
        row = {"holder": self.holder, "expires_at": until}
        with self.store.write() as connection:
            self.store.database.lock(connection, 0x6C656173)
            query = select(LEASE.c.holder, LEASE.c.expires_at).where(LEASE.c.name == self.name)
            found = connection.execute(query).one_or_none()
            if found is not None and found.holder != self.holder and found.expires_at > now:
                self._until = None
                return False
            if found is None:
                connection.execute(insert(LEASE), {"name": self.name, **row})
            else:
                connection.execute(update(LEASE).where(LEASE.c.name == self.name).values(row))
        self._until = until
        return True
