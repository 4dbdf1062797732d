"""The tables of a database, the version of them, and how an older one is brought up to date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Column, Connection, MetaData, Table, insert, inspect, select, text, update

from features.errors import InputError, Problem
from models.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """All tables of one kind of database.

    A new version may add tables, which are made wherever they are missing, and columns that may
    be null, which are named in `added`. Nothing else can be brought up to date.

    Parameters
    ----------
    name : str
        Of the kind of database, for messages.
    version : int
        Of the tables as this program knows them, from 1.
    metadata : MetaData
        The tables.
    version_table : Table
        One of them, with one row: ``slot`` 1 and ``version``.
    lock : int
        Any number that no other program uses as an advisory lock.
    added : mapping of int to tuple of Column
        By version, the columns that came with it.
    """

    name: str
    version: int
    metadata: MetaData
    version_table: Table
    lock: int
    added: Mapping[int, tuple[Column[object], ...]] = field(default_factory=dict)

    def read_version(self, connection: Connection) -> int | None:
        """Version of the tables that are there; None when there are none.

        Raises
        ------
        InputError
            A later Keepwell made them.
        """
        if not inspect(connection).has_table(self.version_table.name):
            return None
        found = connection.scalar(select(self.version_table.c.version))
        if found is not None and found > self.version:
            rule = f"must have schema version {self.version}, not {found}"
            remedy = f"update Keepwell, or name another {self.name}"
            raise InputError([Problem(self.name, "", rule, remedy=remedy)])
        return int(found or 0)

    def make(self, connection: Connection, database: Database) -> None:
        """Make the tables, or bring those of an earlier version up to date; else do nothing.

        To be called within a transaction that writes; others that make them at once wait.
        """
        if self.read_version(connection) == self.version:
            return
        database.lock(connection, self.lock)
        found = self.read_version(connection)  # again: another writer may have just made them
        if found is None:
            self.metadata.create_all(connection)
            connection.execute(insert(self.version_table), {"slot": 1, "version": self.version})
        elif found < self.version:
            self._bring_up(connection, found)

    def _bring_up(self, connection: Connection, found: int) -> None:
        before = set(inspect(connection).get_table_names())
        self.metadata.create_all(connection)  # only those that are missing
        for step in range(found + 1, self.version + 1):
            for column in self.added.get(step, ()):
                if column.table.name in before:
                    kind = column.type.compile(connection.dialect)
                    place = f"{column.table.name} ADD COLUMN {column.name} {kind}"
                    connection.execute(text(f"ALTER TABLE {place}"))
        connection.execute(update(self.version_table).values(version=self.version))
