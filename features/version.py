"""Versions: rows of accounts and users that repeat, each counting until the next is known."""

from __future__ import annotations

from collections.abc import Iterable


def versions(table: str, keys: Iterable[str], names: Iterable[str]) -> str:
    """The SQL of a table's versions, each with ``next_day``, the day on which the next was known.

    Parameters
    ----------
    table : str
        accounts or users.
    keys : iterable of str
        What tells one account or user from another.
    names : iterable of str
        The further columns wanted, each as SQL.
    """
    key = ", ".join(keys)
    selected = "".join(f", {name}" for name in names)
    return f"""(SELECT {key}{selected}, known_day, lead(known_day) OVER (
            PARTITION BY {key} ORDER BY known_day NULLS FIRST) AS next_day FROM {table})"""


def is_latest(version: str, as_of: str, *, known: str = "") -> str:
    """The SQL condition that a version is the latest known before ``as_of``.

    Parameters
    ----------
    version : str
        Alias of a relation made by ``versions``.
    as_of : str
        The SQL of the as-of date.
    known : str
        The condition that the version is known, where it is not simply that of its own day.
    """
    known = known or f"{version}.known_day < {as_of}"
    return f"{known} AND ({version}.next_day IS NULL OR {version}.next_day >= {as_of})"
