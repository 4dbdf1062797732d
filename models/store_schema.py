"""The version of the snapshot store's tables: made, checked, and brought up to date."""

from __future__ import annotations

from sqlalchemy import Connection, insert, inspect, select, text, update

from features.errors import InputError, Problem
from models.database import Database
from models.store_table import (
    ACCOUNT_BOARD,
    ACCOUNT_LIFE,
    ADDED_COLUMNS,
    CURRENT_SNAPSHOT,
    METADATA,
    OUTCOME,
    SNAPSHOT_DOCUMENT,
    STORE_SCHEMA,
)
from models.tier_change import TIER_CHANGE

SCHEMA_VERSION = 6  # what came with a version that can be reached from the one before: ADDED
SCHEMA_LOCK = 0x6B656570  # any number that no other program uses as an advisory lock
# The outbox is not known where the other tables are.
ADDED = {**ADDED_COLUMNS, 6: (TIER_CHANGE.c.company,)}
ADDED_TABLES = {
    4: (TIER_CHANGE,),
    5: (SNAPSHOT_DOCUMENT, ACCOUNT_BOARD, ACCOUNT_LIFE, OUTCOME),
}


def make_schema(database: Database, connection: Connection) -> None:
    """Make the tables where there are none, and bring those of an earlier version up to date.

    Raises
    ------
    InputError
        They are of a version that cannot be reached from, or of a later one.
    """
    database.lock(connection, SCHEMA_LOCK)
    version = read_version(connection)
    if version is not None and can_upgrade(version):
        _upgrade(connection, version)
    if not check_schema(connection):
        METADATA.create_all(connection)
        connection.execute(insert(STORE_SCHEMA), {"slot": 1, "version": SCHEMA_VERSION})
        connection.execute(insert(CURRENT_SNAPSHOT), {"slot": 1, "snapshot_id": None})


def check_schema(connection: Connection) -> bool:
    """Whether the tables are there; refuses those of another schema version."""
    version = read_version(connection)
    if version is not None and version != SCHEMA_VERSION:
        rule = f"must have schema version {SCHEMA_VERSION}, not {version}"
        first = "remove it and score again" if version < SCHEMA_VERSION else "update Keepwell"
        remedy = f"{first}, or name another store"
        if can_upgrade(version):
            remedy = "run `keepwell score`: it brings the store up to date and keeps what is in it"
        raise InputError([Problem("store", "", rule, remedy=remedy)])
    return version is not None


def read_version(connection: Connection) -> int | None:
    """Schema version of the tables; None when there are none."""
    if not inspect(connection).has_table(STORE_SCHEMA.name):
        return None
    return connection.scalar(select(STORE_SCHEMA.c.version))


def can_upgrade(version: int) -> bool:
    """Whether tables of an earlier version need but what came since."""
    return version < SCHEMA_VERSION and all(
        step in ADDED for step in range(version + 1, SCHEMA_VERSION + 1)
    )


def _upgrade(connection: Connection, version: int) -> None:
    """Add the tables and columns that came later, empty."""
    before = set(inspect(connection).get_table_names())
    for step in range(version + 1, SCHEMA_VERSION + 1):
        for column in ADDED[step]:
            if column.table.name in before:  # one that is made now is made whole
                kind = column.type.compile(connection.dialect)
                place = f"{column.table.name} ADD COLUMN {column.name} {kind}"
                connection.execute(text(f"ALTER TABLE {place}"))
        for table in ADDED_TABLES.get(step, ()):
            table.create(connection)
    connection.execute(update(STORE_SCHEMA).values(version=SCHEMA_VERSION))
