"""Versions of the store's tables: which one is there, whether it will do, and bringing it up."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, select, text, update

from features.errors import InputError, Problem
from models.store_table import ACCOUNT_SCORE, ADDED, STORE_SCHEMA

SCHEMA_VERSION = 3  # what came with a version that can be reached from the one before: ADDED


def read_version(connection: Connection) -> int | None:
    """Schema version of the tables; None when there are none."""
    if not inspect(connection).has_table(STORE_SCHEMA.name):
        return None
    return connection.scalar(select(STORE_SCHEMA.c.version))


def can_upgrade(version: int) -> bool:
    """Whether tables of an earlier version need but the columns that came since."""
    return version < SCHEMA_VERSION and all(
        step in ADDED for step in range(version + 1, SCHEMA_VERSION + 1)
    )


def add_columns(connection: Connection, version: int | None) -> None:
    """Give the tables of an earlier version the columns that came later, empty."""
    if version is None or not can_upgrade(version):
        return
    for step in range(version + 1, SCHEMA_VERSION + 1):
        for name in ADDED[step]:
            kind = ACCOUNT_SCORE.c[name].type.compile(connection.dialect)
            connection.execute(text(f"ALTER TABLE {ACCOUNT_SCORE.name} ADD COLUMN {name} {kind}"))
    connection.execute(update(STORE_SCHEMA).values(version=SCHEMA_VERSION))


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
