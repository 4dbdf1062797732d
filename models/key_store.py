"""Keys as they are kept in the service store."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from features.errors import InputError, Problem
from models.key import Key, NewKey, make_key, succeed_key
from models.row_filter import EVERYTHING, RowFilter
from models.service_store import ServiceStore
from models.service_table import API_KEY, key_row, read_key

NOTE_USE = (
    update(API_KEY)
    .where(
        API_KEY.c.key_id == bindparam("used_key"),
        or_(API_KEY.c.last_used_at.is_(None), API_KEY.c.last_used_at < bindparam("used_at")),
    )
    .values(last_used_at=bindparam("used_at"))
)


class KeyStore:
    """The keys of one service store, those that are over too: none is ever removed.

    Parameters
    ----------
    store : ServiceStore
        Where they lie.
    """

    def __init__(self, store: ServiceStore) -> None:
        self.store = store

    def all(self) -> list[Key]:
        """All keys, the oldest first."""
        query = select(API_KEY).order_by(API_KEY.c.created_at, API_KEY.c.key_id)
        return [read_key(row) for row in self.store.rows(query)]

    def create(
        self,
        name: str,
        scopes: Collection[str],
        row_filter: RowFilter = EVERYTHING,
        *,
        now: datetime,
        expires_at: datetime | None = None,
    ) -> NewKey:
        """Make and keep a key; its token is in the answer and nowhere else.

        Parameters
        ----------
        name, scopes, row_filter, now, expires_at
            See `models.key.make_key`.

        Raises
        ------
        InputError
            Everything that is wrong with it.
        """
        new = make_key(name, scopes, row_filter, now=now, expires_at=expires_at)
        with self.store.write() as connection:
            connection.execute(insert(API_KEY), key_row(new.key))
        return new

    def revoke(self, key_id: str, *, now: datetime) -> Key:
        """End a key at once; one that was revoked before keeps its moment.

        Raises
        ------
        InputError
            There is no such key.
        """
        with self.store.write() as connection:
            _find(connection, key_id)
            still = update(API_KEY).where(
                API_KEY.c.key_id == key_id, API_KEY.c.revoked_at.is_(None)
            )
            connection.execute(still.values(revoked_at=now))
            return _find(connection, key_id)

    def rotate(self, key_id: str, *, now: datetime, overlap: timedelta) -> tuple[NewKey, Key]:
        """Put a new key in the place of one, which ends after an overlap.

        Parameters
        ----------
        key_id : str
            Of a key that is active.
        now : datetime
            With a time zone.
        overlap : timedelta
            How long both open.

        Returns
        -------
        tuple of NewKey and Key
            The new one, and the old one with its end.

        Raises
        ------
        InputError
            There is no such key, or it is over.
        """
        with self.store.write() as connection:
            new, end = succeed_key(_find(connection, key_id), now=now, overlap=overlap)
            connection.execute(insert(API_KEY), key_row(new.key))
            ends = update(API_KEY).where(API_KEY.c.key_id == key_id)
            connection.execute(ends.values(expires_at=end, replaced_by=new.key.key_id))
            return new, _find(connection, key_id)

    def note_use(self, moments: Mapping[str, datetime]) -> None:
        """Keep when keys were last used, in one transaction; an earlier moment changes nothing.

        Parameters
        ----------
        moments : mapping of str to datetime
            By key id, with a time zone. A key that is not there is passed over.
        """
        if not moments:
            return
        # In one order everywhere, so that two workers never wait for each other in a circle.
        rows = [{"used_key": key_id, "used_at": at} for key_id, at in sorted(moments.items())]
        with self.store.write() as connection:
            connection.execute(NOTE_USE, rows)


def _find(connection: Connection, key_id: str) -> Key:
    query = select(API_KEY).where(API_KEY.c.key_id == key_id).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        rule = f"there is no key {key_id}"
        raise InputError([Problem("keys", "", rule, remedy="see them with: keepwell keys list")])
    return read_key(row)
