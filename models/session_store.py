"""Sessions of people who signed in, as they are kept in the service store: a hash of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, or_, select, update

from models.service_store import ServiceStore
from models.service_table import SESSION

MOST_OF_A_KEY = 200  # sessions at once; with one more the one that was used longest ago ends
NOTE_USE = (
    update(SESSION)
    .where(
        SESSION.c.session_hash == bindparam("used_session"),
        SESSION.c.last_used_at < bindparam("used_at"),
    )
    .values(last_used_at=bindparam("used_at"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as it is kept: nothing in it opens anything.

    Parameters
    ----------
    session_hash : str
        SHA-256 of its secret, hexadecimal; the secret is 256 random bits and lies in one browser.
    key_id : str
        Of the key that it was begun with; it may what that key may, as long as that key opens.
    created_at : datetime
        With a time zone, like the other one.
    last_used_at : datetime
        To about a minute.
    """

    session_hash: str = field(repr=False)
    key_id: str
    created_at: datetime
    last_used_at: datetime


class SessionStore:
    """The sessions of one service store; those that ended are removed.

    Parameters
    ----------
    store : ServiceStore
        Where they lie.
    """

    def __init__(self, store: ServiceStore) -> None:
        self.store = store

    def all(self) -> list[Session]:
        """All sessions, those that ran out and were not removed yet too."""
        return [Session(**row) for row in self.store.rows(select(SESSION))]

    def find(self, session_hash: str) -> Session | None:
        """One session; None when there is none."""
        query = select(SESSION).where(SESSION.c.session_hash == session_hash)
        return next((Session(**row) for row in self.store.rows(query)), None)

    def add(self, session: Session) -> None:
        """Keep a new session; of a key with too many the one that was used longest ago ends."""
        of_key = SESSION.c.key_id == session.key_id
        latest = select(SESSION.c.session_hash).where(of_key).order_by(
            SESSION.c.last_used_at.desc(), SESSION.c.session_hash
        )  # fmt: skip
        with self.store.write() as connection:
            over = connection.scalars(latest.offset(MOST_OF_A_KEY - 1)).all()
            if over:
                connection.execute(delete(SESSION).where(SESSION.c.session_hash.in_(over)))
            row = {name: getattr(session, name) for name in SESSION.c.keys()}  # noqa: SIM118
            connection.execute(insert(SESSION), row)

    def end(self, session_hash: str) -> None:
        """Remove a session; one that is not there is passed over."""
        with self.store.write() as connection:
            connection.execute(delete(SESSION).where(SESSION.c.session_hash == session_hash))

    def note_use(self, moments: Mapping[str, datetime]) -> None:
        """Keep when sessions were last used, in one transaction; an earlier moment changes nothing.

        Parameters
        ----------
        moments : mapping of str to datetime
            By hash, with a time zone. A session that is not there is passed over.
        """
        # In one order everywhere, so that two workers never wait for each other in a circle.
        rows = [{"used_session": name, "used_at": at} for name, at in sorted(moments.items())]
        if not rows:
            return
        with self.store.write() as connection:
            connection.execute(NOTE_USE, rows)

    def remove_before(self, *, created: datetime, used: datetime) -> None:
        """Remove sessions that began or were last used before a moment each."""
        is_over = or_(SESSION.c.created_at < created, SESSION.c.last_used_at < used)
        with self.store.write() as connection:
            connection.execute(delete(SESSION).where(is_over))
