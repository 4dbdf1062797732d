"""One database, SQLite or PostgreSQL, read and written through whole transactions."""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DisconnectionError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from features.errors import InputError, Problem, TransientError

WRITES = "keepwell_writes"  # execution option of a transaction that takes the write lock at once
CONNECT_WAIT_S = 5


class Database:
    """A database by URL; nothing is opened or made before the first use.

    Parameters
    ----------
    url : str
        ``sqlite:///folder/store.db`` or ``postgresql+psycopg://user@host/name``.
    lock_wait_s : float
        Seconds that a writer waits for another one before it gives up.
    name : str
        What messages call it.
    remedy : str
        What to do when it is damaged.

    Raises
    ------
    InputError
        The URL is none of the two.
    """

    def __init__(
        self,
        url: str,
        *,
        lock_wait_s: float = 10.0,
        name: str = "store",
        remedy: str = "restore it, or move it away and score again",
    ) -> None:
        self.url = _parse_url(url, name)
        self._name = name
        self._remedy = remedy
        self.label = self.url.render_as_string(hide_password=True)
        self._lock_wait_ms = int(lock_wait_s * 1000)
        self._file = Path(self.url.database or "") if self._is_sqlite else None
        self.engine = self._make_engine()

    @property
    def _is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    def exists(self) -> bool:
        """Whether there is anything to read; a server is taken to exist until asked."""
        return self._file is None or self._file.exists()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database.

        Raises
        ------
        TransientError
            The database is away.
        """
        with self._faults_named(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed at the end, or rolled back when anything is raised.

        Raises
        ------
        TransientError
            The database is away, or another writer holds it for longer than `lock_wait_s`.
        """
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        engine = self.engine.execution_options(**{WRITES: True})
        with self._faults_named(), engine.begin() as connection:
            if not self._is_sqlite:
                wait = str(self._lock_wait_ms)
                connection.execute(
                    text("SELECT set_config('lock_timeout', :ms, true)"), {"ms": wait}
                )
            yield connection

    def lock(self, connection: Connection, key: int) -> None:
        """Keep every other holder of `key` waiting until the transaction ends.

        SQLite has one writer at a time anyway.
        """
        if not self._is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})

    def unsound(self, why: str) -> InputError:
        """The error that says that what is stored is damaged."""
        rule = f"{self.label} must be a sound database ({why})"
        return InputError([Problem(self._name, "", rule, remedy=self._remedy)])

    @contextmanager
    def damage_named(self) -> Iterator[None]:
        """Within it, a value that cannot be read is named as what it is: damaged on disk.

        What was written can be read. To be put around reading alone.
        """
        try:
            yield
        except (ValueError, TypeError, KeyError, AttributeError, zlib.error) as fault:
            raise self.unsound(type(fault).__name__) from fault

    def close(self) -> None:
        """Close every open connection; a later use opens new ones."""
        self.engine.dispose()

    def _make_engine(self) -> Engine:
        if self._is_sqlite:
            engine = create_engine(self.url, hide_parameters=True, pool_timeout=CONNECT_WAIT_S)
            event.listen(engine, "connect", self._set_up_sqlite)
            event.listen(engine, "checkout", self._refuse_replaced_file)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        return create_engine(
            self.url,
            hide_parameters=True,
            pool_pre_ping=True,
            pool_timeout=CONNECT_WAIT_S,
            connect_args={"connect_timeout": CONNECT_WAIT_S},
        )

    def _set_up_sqlite(self, connection: Any, record: Any) -> None:  # Any: DB-API has no types
        connection.isolation_level = None  # the transaction is begun below, not by the driver
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {self._lock_wait_ms}",
            "synchronous = NORMAL",
            "foreign_keys = ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        self._switch_to_wal(cursor)
        cursor.close()
        record.info["file"] = self._file_identity()

    def _switch_to_wal(self, cursor: Any) -> None:  # Any: DB-API has no types
        """Turn the write-ahead log on, which lasts; the switch itself never waits for a lock."""
        deadline = time.monotonic() + self._lock_wait_ms / 1000
        while True:
            try:
                cursor.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                cursor.execute("BEGIN IMMEDIATE")  # waits for whoever holds the file
                cursor.execute("ROLLBACK")

    def _refuse_replaced_file(self, _connection: Any, record: Any, _proxy: Any) -> None:
        """Make the pool reconnect when the file was deleted or replaced under an open handle."""
        if record.info.get("file") != self._file_identity():
            raise DisconnectionError("the file was replaced")

    def _file_identity(self) -> tuple[int, int] | None:
        try:
            found = Path(self._file or "").stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @contextmanager
    def _faults_named(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError) as fault:
            why = str(fault.orig).strip().partition("\n")[0]
            raise TransientError(f"{self._name} {self.label}: {why}; try again") from fault
        except PoolTimeout as fault:
            raise TransientError(f"{self._name} {self.label}: all connections are busy") from fault
        except DatabaseError as fault:
            if type(fault) is not DatabaseError:
                raise
            raise self.unsound(str(fault.orig)) from fault
        except UnicodeDecodeError as fault:  # SQLite's own message quotes a damaged schema
            raise self.unsound("its schema is damaged") from fault


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _parse_url(url: str, name: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect()
        known = parsed.get_backend_name() in ("sqlite", "postgresql")
    except (ArgumentError, NoSuchModuleError):
        parsed, known = URL.create("unknown"), False
    in_memory = parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:")
    if not known or in_memory:
        rule = "must be the URL of an SQLite file or of a PostgreSQL database"
        remedy = "write sqlite:///folder/store.db or postgresql+psycopg://user@host/name"
        raise InputError([Problem(name, "url", rule, remedy=remedy)])
    return parsed
