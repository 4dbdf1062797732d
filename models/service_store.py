"""The service store: what the service and its administrators write, apart from the snapshots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Executable, RowMapping

from models.database import Database
from models.service_table import SCHEMA

REMEDY = "restore it from a copy; without it no key is known"


class ServiceStore:
    """One database beside the snapshot store, so that neither ever waits for the other.

    It knows its tables and their version; what they hold is read and written by `KeyStore`,
    `FeedbackStore` and their like. Reading makes nothing: a store that was never written is
    empty. One of an earlier version is brought up to date with the first use.

    Parameters
    ----------
    url : str
        ``sqlite:///folder/service.db`` or ``postgresql+psycopg://user@host/name``.
    lock_wait_s : float
        Seconds that a writer waits for another one before it gives up.

    Raises
    ------
    InputError
        The URL is none of the two; on any use, when a later Keepwell made the store.
    TransientError
        On any use: the store is locked or away.
    """

    def __init__(self, url: str, *, lock_wait_s: float = 10.0) -> None:
        self.database = Database(url, lock_wait_s=lock_wait_s, name=SCHEMA.name, remedy=REMEDY)
        self._is_ready = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every open connection."""
        self.database.close()

    def rows(
        self,
        query: Executable,
        values: dict[str, Any] | None = None,  # Any: what a column holds
    ) -> Sequence[RowMapping]:
        """What a query finds, as of one moment; nothing in a store that was never written."""
        if not self.database.exists():
            return []
        if not self._is_ready and not self._make_ready():
            return []
        with self.database.read() as connection:
            return connection.execute(query, values).mappings().all()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction on tables that are there, committed at the end or rolled back whole."""
        with self.database.write() as connection:
            SCHEMA.make(connection, self.database)
            yield connection

    def _make_ready(self) -> bool:
        """Whether there are tables; those of an earlier version are brought up to date."""
        with self.database.read() as connection:
            version = SCHEMA.read_version(connection)
        if version is not None and version < SCHEMA.version:
            with self.write():
                pass
        self._is_ready = version is not None
        return self._is_ready
