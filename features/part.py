"""Parts of a rollup on disk: numbered users, their rows by day, and what these are in sum."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb

from features.dialect import quoted
from features.ledger import Part
from features.rollup import USABLE, words

# Its encodings of whole numbers take a tenth less than those of the first version.
AS_PARQUET = "(FORMAT parquet, PARQUET_VERSION v2)"
_BLOCK_DAYS = 64
_BETWEEN = "\x1f"  # stands in no id


def erasure_mark(user_id: str, account_id: str | None = None) -> str:
    """What is remembered of an erased user: a sha256, of the account too if erased only there."""
    said = user_id if account_id is None else f"{account_id}{_BETWEEN}{user_id}"
    return hashlib.sha256(said.encode()).hexdigest()


def is_kept(erased: Collection[str], account: str, user: str) -> str:
    """The SQL condition that a row's user was not erased.

    Parameters
    ----------
    erased : collection of str
        Of ``erasure_mark``.
    account, user : str
        SQL of the ids; a null user is kept.
    """
    if not erased:
        return "TRUE"
    gone = ", ".join(f"'{digest}'" for digest in sorted(erased))
    pair = f"concat({account}, '{_BETWEEN}', {user})"
    return (
        f"({user} IS NULL OR (sha256({user}) NOT IN ({gone}) AND sha256({pair}) NOT IN ({gone})))"
    )


def write_part(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    columns: Sequence[str],
    *,
    erased: frozenset[str],
) -> None:
    """Write what ``pass`` holds as Parquet, with its new users and the days of all its users.

    ``day.parquet`` has the rows, ``user.parquet`` the users that were not numbered yet; for the
    others see ``summarise_part``.

    Days lie in blocks, so that a reader of a few months skips the rest of the file; within a block
    users lie in the order of their numbers, which is that of their accounts.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds ``usage_user``, the users numbered so far.
    folder : Path
        Must not exist yet.
    columns : sequence of str
        ``Facts.columns``.
    erased : frozenset of str
        ``erasure_mark`` of each user whose rows are left out.
    """
    folder.mkdir(parents=True)
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE pass_known AS
        SELECT usage_user.* FROM usage_user SEMI JOIN pass_id
          ON pass_id.account_id = usage_user.account_id
         AND pass_id.user_id IS NOT DISTINCT FROM usage_user.user_id"""
    )
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE pass_user AS
        SELECT account_id, user_id,
               CAST((SELECT coalesce(max(user_no), -1) FROM usage_user)
                    + row_number() OVER (ORDER BY account_id, user_id NULLS FIRST)
                    AS INTEGER) AS user_no
        FROM (SELECT DISTINCT account_id, user_id FROM pass_id WHERE account_id IS NOT NULL) AS seen
        WHERE {is_kept(erased, "account_id", "user_id")}
          AND NOT EXISTS (SELECT 1 FROM pass_known AS known
                          WHERE known.account_id = seen.account_id
                            AND known.user_id IS NOT DISTINCT FROM seen.user_id)"""
    )
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE pass_number AS
        SELECT came_account, came_user, user_no
        FROM pass_id JOIN (SELECT * FROM pass_known UNION ALL SELECT * FROM pass_user) AS person
          ON person.account_id = pass_id.account_id
         AND person.user_id IS NOT DISTINCT FROM pass_id.user_id"""
    )
    row = connection.execute(
        f"SELECT max(greatest(events, milliseconds / 1000)) FROM pass WHERE {USABLE}"
    ).fetchone()
    small = "INTEGER" if row and (row[0] or 0) < 2**31 else "BIGINT"
    large = {"milliseconds", *words(columns)}
    stored = ", ".join(
        f"CAST({name} AS {'BIGINT' if name in large else small}) AS {name}" for name in columns
    )
    connection.execute(
        f"""COPY (
            SELECT user_no, CAST(day AS INTEGER) AS day, lag, {stored}
            FROM (SELECT * FROM pass WHERE {USABLE}) AS grouped JOIN pass_number
              ON came_account = account_id AND came_user IS NOT DISTINCT FROM user_id
            ORDER BY day // {_BLOCK_DAYS}, user_no, day)
        TO {quoted(str(folder / "day.parquet"))} {AS_PARQUET}"""
    )
    connection.execute(f"COPY pass_user TO {quoted(str(folder / 'user.parquet'))} (FORMAT parquet)")
    summarise_part(connection, folder)
    for table in ("pass", "pass_id", "pass_known", "pass_user", "pass_number", "pass_event"):
        connection.execute(f"DROP TABLE {table}")


def summarise_part(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write what readers would else add up from all rows of ``day.parquet`` every time.

    ``span.parquet`` has the first and the last day of each user, ``total.parquet`` the events by
    day and by how many days later they were known.
    """
    rows = quoted(str(folder / "day.parquet"))
    summaries = {
        "span": f"SELECT user_no, min(day) AS first_day, max(day) AS last_day FROM {rows} "
        "GROUP BY user_no",
        "total": f"SELECT day, lag, CAST(sum(events) AS BIGINT) AS events FROM {rows} "
        "GROUP BY day, lag",
    }
    for name, query in summaries.items():
        file = quoted(str(folder / f"{name}.parquet"))
        connection.execute(f"COPY ({query}) TO {file} (FORMAT parquet)")


def read_part(connection: duckdb.DuckDBPyConnection, folder: Path, columns: Sequence[str]) -> Part:
    """What the ledger says of a part that was written to a folder."""
    found = connection.execute(
        "SELECT coalesce(min(day), 0), coalesce(max(day), -1), count(*), "
        f"coalesce(max(lag), 0) > 0 FROM {quoted(str(folder / 'day.parquet'))}"
    ).fetchone()
    first, last, count, late = found or (0, -1, 0, False)
    return Part(folder.name, first, last, count, tuple(columns), bool(late))
