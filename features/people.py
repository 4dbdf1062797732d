"""Primitives of people: the key users of an account, who came and who went.

A key user is a champion, an executive, an admin or a contact. Roles count as known before the
as-of date; use is read from the events of that user.
"""

from __future__ import annotations

import duckdb

KEY_ROLES = ("champion", "executive", "admin", "contact")
USE_DAYS = 28
_GONE_DAYS = 91

_KEY = {
    "key_users": "count(*) FILTER (WHERE NOT gone)",
    "key_users_gone": f"count(*) FILTER (WHERE gone AND deactivated_at >= as_of - {_GONE_DAYS})",
    "key_users_active": f"count(*) FILTER (WHERE NOT gone AND last_day >= as_of - {USE_DAYS})",
    "days_since_key_user": "min(as_of - last_day)",
    "days_since_champion": "min(as_of - last_day) FILTER (WHERE role = 'champion')",
}
_ALL = {
    "activated": "count(*) FILTER (WHERE NOT gone AND activated_at < as_of)",
    "deactivated": f"count(*) FILTER (WHERE gone AND deactivated_at >= as_of - {USE_DAYS})",
}
NEEDS: dict[str, tuple[str, ...]] = {
    **{f"people.{name}": ("role",) for name in _KEY},
    "people.key_users_gone": ("role", "deactivated_at"),
    "people.activated": ("activated_at",),
    "people.deactivated": ("deactivated_at",),
}
COUNTS_RECENT_USE = frozenset({"people.key_users_active"})
NEEDS_USE = frozenset(
    {"people.key_users_active", "people.days_since_key_user", "people.days_since_champion"}
)


def build_people(
    connection: duckdb.DuckDBPyConnection, columns: frozenset[str], *, constant_roles: bool
) -> str:
    """Create ``people_primitive``, one row per (account, as-of date), and return its name.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds ``users``, ``usage`` (without it nobody was ever seen), ``row_account``.
    columns : frozenset of str
        The columns that ``users`` has; what needs another is null.
    constant_roles : bool
        Whether the configuration declares ``users.role`` constant: then a user counts from
        activation, or from the beginning when that is unknown too.
    """
    known = "known_day < as_of" if not constant_roles else "coalesce(known_day < as_of, TRUE)"
    role = "role" if "role" in columns else "NULL::VARCHAR"
    dates = [
        f"{name}" if name in columns else f"NULL::DATE AS {name}"
        for name in ("activated_at", "deactivated_at")
    ]
    key = ", ".join(f"{sql} AS people__{name}" for name, sql in _KEY.items())
    everyone = ", ".join(f"{sql} AS people__{name}" for name, sql in _ALL.items())
    listed = ", ".join(f"'{name}'" for name in KEY_ROLES)
    connection.execute(
        f"""CREATE OR REPLACE TABLE person AS
        SELECT row_no, user_id, account_id, as_of, {role} AS role, {", ".join(dates)},
               coalesce(deactivated_at < as_of, FALSE) AS gone
        FROM users JOIN row_account USING (account_id)
        WHERE {known}
        QUALIFY row_number() OVER (
            PARTITION BY account_id, as_of, user_id ORDER BY known_day DESC NULLS LAST) = 1"""
    )
    connection.execute(
        f"""CREATE OR REPLACE TABLE people_primitive AS
        WITH key_user AS (
            SELECT person.*, seen.last_day
            FROM (SELECT * FROM person {_numbered(connection)} WHERE role IN ({listed})) AS person
            ASOF LEFT JOIN ({_seen(connection, listed)}) AS seen
              ON person.user_no = seen.user_no AND person.as_of > seen.known_day),
        of_key AS (SELECT row_no, {key} FROM key_user GROUP BY row_no),
        of_all AS (SELECT row_no, {everyone} FROM person GROUP BY row_no)
        SELECT row_account.account_id, row_account.as_of,
               of_key.* EXCLUDE (row_no), of_all.* EXCLUDE (row_no)
        FROM row_account LEFT JOIN of_key USING (row_no) LEFT JOIN of_all USING (row_no)"""
    )
    return "people_primitive"


def _has_usage(connection: duckdb.DuckDBPyConnection) -> bool:
    return "usage_of_user" in {row[0] for row in connection.execute("SHOW TABLES").fetchall()}


def _numbered(connection: duckdb.DuckDBPyConnection) -> str:
    """Join that adds the number under which the rollups know a user."""
    if not _has_usage(connection):
        return "CROSS JOIN (SELECT NULL::INTEGER AS user_no)"
    return "LEFT JOIN usage_user USING (account_id, user_id)"


def _seen(connection: duckdb.DuckDBPyConnection, roles: str) -> str:
    """Per user who ever had such a role and day of knowledge: the last use known by then."""
    if not _has_usage(connection):
        return "SELECT NULL::INTEGER AS user_no, NULL::DATE AS known_day, NULL::DATE AS last_day"
    return f"""SELECT user_no, known_day, max(max(day)) OVER (
            PARTITION BY user_no ORDER BY known_day) AS last_day
        FROM usage_of_user WHERE user_no IN (
            SELECT user_no FROM usage_user JOIN users USING (account_id, user_id)
            WHERE role IN ({roles}))
        GROUP BY user_no, known_day"""
