"""Rows of other dates, made beside those that are in work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from features.source import Source

SCHEMA = "aside"


@contextmanager
def open_aside(source: Source) -> Iterator[Source]:
    """The same tables on a connection of their own, whose rows are made in a schema of their own.

    What is built there (cohorts, terms, features) replaces nothing that the given source holds, and
    is gone afterwards.
    """
    connection = source.connection.cursor()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE OR REPLACE SCHEMA {SCHEMA}")
    try:
        connection.execute(f"SET search_path = '{SCHEMA},main'")
        yield replace(source, connection=connection)
    finally:
        connection.execute("SET search_path = 'main'")
        connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
        connection.close()
