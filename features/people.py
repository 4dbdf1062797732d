"""Primitives of people: the key users of an account, who came and who went.

A key user is a champion, an executive, an admin or a contact. Roles count as known before the
as-of date; use is read from the events of that user.
"""

from __future__ import annotations

import duckdb

KEY_ROLES = ("champion", "executive", "admin", "contact")
_SILENT_DAYS = 28
_GONE_DAYS = 91

_KEY = {
    "key_users": "count(*) FILTER (WHERE NOT gone)",
    "key_users_gone": f"count(*) FILTER (WHERE gone AND deactivated_at >= as_of - {_GONE_DAYS})",
    "key_users_active": f"count(*) FILTER (WHERE NOT gone AND last_day >= as_of - {_SILENT_DAYS})",
    "days_since_key_user": "min(as_of - last_day)",
    "days_since_champion": "min(as_of - last_day) FILTER (WHERE role = 'champion')",
}
_ALL = {
    "activated": "count(*) FILTER (WHERE NOT gone AND activated_at < as_of)",
    "deactivated": f"count(*) FILTER (WHERE gone AND deactivated_at >= as_of - {_SILENT_DAYS})",
}
NEEDS: dict[str, tuple[str, ...]] = {
    **{f"people.{name}": ("role",) for name in _KEY},
    "people.key_users_gone": ("role", "deactivated_at"),
    "people.activated": ("activated_at",),
    "people.deactivated": ("deactivated_at",),
}


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
        SELECT account_id, as_of, user_id, {role} AS role, {", ".join(dates)},
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
            FROM (SELECT * FROM person WHERE role IN ({listed})) AS person
            ASOF LEFT JOIN ({_seen(connection)}) AS seen
              ON person.account_id = seen.account_id AND person.user_id = seen.user_id
             AND person.as_of > seen.known_day),
        of_key AS (SELECT account_id, as_of, {key} FROM key_user GROUP BY account_id, as_of),
        of_all AS (SELECT account_id, as_of, {everyone} FROM person GROUP BY account_id, as_of)
        SELECT row_account.account_id, row_account.as_of,
               of_key.* EXCLUDE (account_id, as_of), of_all.* EXCLUDE (account_id, as_of)
        FROM row_account LEFT JOIN of_key USING (account_id, as_of)
        LEFT JOIN of_all USING (account_id, as_of)"""
    )
    return "people_primitive"


def _seen(connection: duckdb.DuckDBPyConnection) -> str:
    """Per user and day of knowledge the last day of use known by then."""
    tables = {row[0] for row in connection.execute("SHOW TABLES").fetchall()}
    if "usage_of_user" not in tables:
        return """SELECT NULL::VARCHAR AS account_id, NULL::VARCHAR AS user_id,
            NULL::DATE AS known_day, NULL::DATE AS last_day WHERE FALSE"""
    return """SELECT account_id, user_id, known_day, max(max(day)) OVER (
            PARTITION BY account_id, user_id ORDER BY known_day) AS last_day
        FROM usage_of_user JOIN usage_user USING (account_id, user_no)
        GROUP BY account_id, user_id, known_day"""
