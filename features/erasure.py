"""Erasing a user: from the rollup, from quarantine, and from all files that are read later.

Only a sha256 of the id is kept, so that files that still hold the user are read without it.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from features.dialect import quoted
from features.errors import InputError, KeepwellError, Problem
from features.ledger import (
    Ledger,
    Part,
    building,
    digest_of,
    hash_file,
    read_ledger,
    write_ledger,
)
from features.part import AS_PARQUET, erasure_mark, read_part, summarise_part

_NOTHING = Ledger("", (), (), (), {}, frozenset(), "")


@dataclass(frozen=True)
class Erased:
    """How much was erased.

    Parameters
    ----------
    accounts : int
        Accounts in whose usage the user was.
    days : int
        Rows of the rollup: what the user did on one day.
    quarantined : int
        Rows in quarantine.
    """

    accounts: int
    days: int
    quarantined: int


def erase_user(
    folder: Path, user_id: str, account_id: str | None = None, *, quarantine: Path
) -> Erased:
    """Erase a user from a company's rollup and quarantine, at once and for good.

    Parameters
    ----------
    folder : Path
        The company's rollup; need not exist yet.
    user_id : str
    account_id : str, optional
        Erase only the user of this account; by default that of every account.
    quarantine : Path
        The company's rows that break a rule.

    Raises
    ------
    InputError
        When the id is empty.
    KeepwellError
        When the folders cannot be written to; nothing is erased then.
    """
    user_id, account_id = user_id.strip(), None if account_id is None else account_id.strip()
    for option, given in (("--user", user_id), ("--account", account_id)):
        if given == "":
            remedy = "give the id as usage has it"
            raise InputError([Problem(option, "", "must be an id", remedy=remedy)])
    connection = duckdb.connect(":memory:")
    fresh: list[Path] = []
    try:
        with building(folder):
            ledger = read_ledger(folder) or _NOTHING
            names = ["user_id = $1", *(["account_id = $2"] if account_id else [])]
            values = [user_id, *([account_id] if account_id else [])]
            users = _find_users(connection, folder, ledger.parts, " AND ".join(names), values)
            parts = [_without(connection, folder, part, users, fresh) for part in ledger.parts]
            kept = _rewrite_quarantine(connection, quarantine, user_id, account_id, fresh)
            days = sum(part.rows for part in ledger.parts) - sum(part.rows for part in parts)
            erased = ledger.erased | {erasure_mark(user_id, account_id)}
            digest = digest_of(ledger.files, erased)
            if parts and not ledger.files:
                digest = hash_file(folder / parts[-1].name / "day.parquet")
            write_ledger(folder, replace(ledger, parts=tuple(parts), erased=erased, digest=digest))
            fresh.clear()
            for file, new, _ in kept:
                new.replace(file)
            _remove_others(folder, parts)
    except (duckdb.IOException, OSError) as error:
        said = getattr(error, "strerror", None) or str(error).splitlines()[0].partition(":")[2]
        raise KeepwellError(
            f"{folder} or {quarantine} cannot be written to: {said.strip()}; make room and run "
            "keepwell erase again, until then the user may not be erased everywhere"
        ) from None
    finally:
        _discard(fresh)
    return Erased(len(users), days, sum(rows for _, _, rows in kept))


def _find_users(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    parts: Iterable[Part],
    condition: str,
    values: list[str],
) -> list[int]:
    """The numbers that the rollup knows the user by, one for each account."""
    found: list[int] = []
    for part in parts:
        file = folder / part.name / "user.parquet"
        query = f"SELECT user_no FROM {quoted(str(file))} WHERE {condition}"
        found += [row[0] for row in connection.execute(query, values).fetchall()]
    return found


def _without(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    part: Part,
    users: list[int],
    fresh: list[Path],
) -> Part:
    """The part without these users: a new one, or itself where they are not in it."""
    listed = ", ".join(map(str, users)) or "NULL"
    files, old = ("day.parquet", "user.parquet"), folder / part.name
    there = " UNION ALL ".join(
        f"(SELECT 1 FROM {quoted(str(old / file))} WHERE user_no IN ({listed}) LIMIT 1)"
        for file in files
    )
    if not connection.execute(there).fetchall():
        return part
    new = folder / uuid.uuid4().hex
    fresh.append(new)
    shutil.copytree(folder / part.name, new, ignore=shutil.ignore_patterns(*files))
    for file in files:
        connection.execute(
            f"COPY (SELECT * FROM {quoted(str(old / file))} WHERE user_no NOT IN ({listed})) "
            f"TO {quoted(str(new / file))} {AS_PARQUET}"
        )
    summarise_part(connection, new)
    return read_part(connection, new, part.columns)


def _rewrite_quarantine(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    user_id: str,
    account_id: str | None,
    fresh: list[Path],
) -> list[tuple[Path, Path, int]]:
    """Each file that holds the user, the one to take its place, and the rows that are gone."""
    found = []
    for file in sorted(folder.glob("*.parquet")):
        described = connection.execute(f"DESCRIBE SELECT * FROM {quoted(str(file))}").fetchall()
        columns = {str(row[0]) for row in described}
        if "user_id" not in columns:
            continue
        breach, values = "TRIM(CAST(user_id AS VARCHAR)) = $1", [user_id]
        if account_id is not None and "account_id" in columns:
            breach += " AND TRIM(CAST(account_id AS VARCHAR)) = $2"
            values.append(account_id)
        row = connection.execute(
            f"SELECT count(*) FROM {quoted(str(file))} WHERE {breach}", values
        ).fetchone()
        if row is None or not row[0]:
            continue
        new = file.with_name(f"{file.name}.{os.getpid()}")
        fresh.append(new)
        os.close(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        connection.execute(
            f"COPY (SELECT * FROM {quoted(str(file))} WHERE ({breach}) IS NOT TRUE) "
            f"TO {quoted(str(new))} (FORMAT parquet, USE_TMP_FILE false)",
            values,
        )
        found.append((file, new, int(row[0])))
    return found


def _remove_others(folder: Path, parts: Iterable[Part]) -> None:
    """Remove every part that does not count, at once: any of them may hold the user."""
    named = {part.name for part in parts}
    for found in folder.iterdir():
        if found.is_dir() and found.name not in named:
            shutil.rmtree(found)


def _discard(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
