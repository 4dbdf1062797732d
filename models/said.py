"""What is common to all that people say: ids, free texts, and choices from a list."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from features.errors import Problem
from models.snapshot_check import is_storable

LONGEST_NOTE = 2000
ID_BYTES = 8


def new_id() -> str:
    """The id of an entry: 16 hexadecimal digits by chance."""
    return secrets.token_hex(ID_BYTES)


def unlisted(
    table: str, column: str, value: str | None, allowed: tuple[str | None, ...]
) -> Iterator[Problem]:
    """What is wrong with a choice."""
    if value not in allowed:
        named = ", ".join(name for name in allowed if name)
        yield Problem(table, column, "is not in the list", remedy=f"use one of {named}")


def note_problems(table: str, note: str | None) -> Iterator[Problem]:
    """What is wrong with a free text."""
    if note is not None and not (len(note) <= LONGEST_NOTE and is_storable(note)):
        rule = f"must have at most {LONGEST_NOTE:,} characters, all of which can be stored"
        yield Problem(table, "note", rule, remedy="shorten it")
