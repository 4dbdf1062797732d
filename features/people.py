"""Primitives of people: the key users of an account, who came and who went.

A key user is a champion, an executive, an admin or a contact. Roles count as known before the
as-of date; use is read from the days on which that user used the product.
"""

from __future__ import annotations

from collections.abc import Mapping

from features.dialect import SqlEngine
from features.family import (
    Columns,
    Family,
    Figure,
    Given,
    count_where,
    figure_columns,
    is_constant,
    whole_columns,
    within,
)
from features.settings import CompanySettings
from features.version import is_latest, versions

KEY_ROLES = ("champion", "executive", "admin", "contact")
USE_DAYS = 28
_GONE_DAYS = 91
_LISTED = ", ".join(f"'{role}'" for role in KEY_ROLES)

_ROLE, _ON, _OFF = "users.role", "users.activated_at", "users.deactivated_at"
_SEEN = (_ROLE, "usage.user_id")
_REPORTS = (*_SEEN, "event.report")


def _days_since(condition: str) -> Figure:
    return Figure(f"date_diff('day', max(last_day) FILTER (WHERE {condition}), as_of)", _SEEN)


def _of_key(condition: str) -> str:
    """How many key users; null where none is known."""
    return f"CASE WHEN count(user_id) > 0 THEN {count_where(condition)} END"


# Over the key users of a row, each with the last day on which they were seen.
_KEY: Mapping[str, Figure] = {
    "people.key_users": Figure(_of_key("NOT gone"), (_ROLE,)),
    "people.key_users_activated": Figure(
        _of_key("NOT gone AND activated_at < as_of"), (_ROLE, _ON)
    ),
    "people.key_users_gone": Figure(
        _of_key(f"gone AND deactivated_at >= as_of - {_GONE_DAYS}"), (_ROLE, _OFF)
    ),
    "people.key_users_active": Figure(
        _of_key(f"NOT gone AND last_day >= as_of - {USE_DAYS}"), _SEEN, USE_DAYS
    ),
    "people.key_users_silent": Figure(
        _of_key(f"NOT gone AND last_day < as_of - {USE_DAYS}"), _SEEN, USE_DAYS
    ),
    "people.champions": Figure(_of_key("role = 'champion' AND NOT gone"), (_ROLE,)),
    "people.days_since_key_user": _days_since("user_id IS NOT NULL"),
    **{f"people.days_since_{role}": _days_since(f"role = '{role}'") for role in KEY_ROLES},
}
# Over the days on which an executive, as known on the as-of date, opened a report.
_REPORT: Mapping[str, Figure] = {
    f"people.executive_report_days_{length}d": Figure(
        f"""CASE WHEN count(user_id) > 0
            THEN count(DISTINCT day) FILTER (WHERE day >= as_of - {length}) END""",
        _REPORTS,
        span=1,
    )
    for length in (28, 91)
}


def _moved(day: str, length: int) -> str:
    return f"CASE WHEN count(user_id) > 0 THEN {count_where(within(day, length))} END"


# Over everybody in the account.
_ALL: Mapping[str, Figure] = {
    "people.activated": Figure(
        f"CASE WHEN count(user_id) > 0 THEN {count_where('activated_at < as_of AND NOT gone')} END",
        (_ON,),
    ),
    **{
        f"people.{verb}_{length}d": Figure(_moved(f"{verb}_at", length), (f"users.{verb}_at",))
        for verb in ("activated", "deactivated")
        for length in (28, 91)
    },
}
FIGURES: Mapping[str, Figure] = {**_KEY, **_REPORT, **_ALL}


def build_people(given: Given) -> str:
    """Create ``people_primitive``, one row per (account, as-of date), and return its name.

    Parameters
    ----------
    given : Given
        Holds ``users``, ``row_account`` and, where usage tells users apart, ``usage_day``.
        Where ``users.role`` is declared constant, a user counts from activation, or from the
        beginning when that is unknown too.
    """
    given.connection.execute(
        f"CREATE OR REPLACE TABLE key_person AS {key_person(given.settings, given.columns)}"
    )
    seen = "user_id" in given.columns.get("usage", frozenset())
    _build_seen(given.connection, "usage_day" if seen else _NO_USE)
    given.connection.execute(
        f"""CREATE OR REPLACE TABLE people_primitive AS
        WITH of_key AS (
            SELECT row_no, {figure_columns(_KEY)}
            FROM key_person LEFT JOIN key_last USING (row_no, user_id) GROUP BY row_no, as_of),
        of_report AS (
            SELECT row_no, {figure_columns(_REPORT)}
            FROM key_person LEFT JOIN key_report USING (row_no, user_id)
            WHERE role = 'executive' GROUP BY row_no, as_of),
        of_all AS (
            SELECT row_no, {figure_columns(_ALL)}
            FROM ({_person(given.settings, given.columns)}) AS person GROUP BY row_no, as_of)
        SELECT row_account.account_id, row_account.as_of, of_key.* EXCLUDE (row_no),
               of_report.* EXCLUDE (row_no), of_all.* EXCLUDE (row_no)
        FROM row_account LEFT JOIN of_key ON of_key.row_no = row_account.row_no
        LEFT JOIN of_report ON of_report.row_no = row_account.row_no
        LEFT JOIN of_all ON of_all.row_no = row_account.row_no"""
    )
    return "people_primitive"


_NO_USE = """(SELECT account_id, user_id, CAST(NULL AS DATE) AS day,
    CAST(NULL AS DATE) AS known_day, FALSE AS reports FROM users WHERE FALSE)"""


def key_person(settings: CompanySettings, columns: Columns) -> str:
    """The SQL of each row's key users: row_no, account_id, as_of, user_id, role, dates, gone."""
    return f"{_person(settings, columns)} AND role IN ({_LISTED})"


def _person(settings: CompanySettings, columns: Columns) -> str:
    """The SQL of each row's users, as last known before the as-of date."""
    constant = is_constant("users", "role", settings)
    known = "coalesce(version.known_day < row_account.as_of, TRUE)" if constant else ""
    table = whole_columns("users", columns)
    names = ("role", "activated_at", "deactivated_at")
    return f"""SELECT row_no, row_account.account_id, row_account.as_of, user_id, role,
            activated_at, deactivated_at, coalesce(deactivated_at < as_of, FALSE) AS gone
        FROM row_account JOIN {versions(table, ("account_id", "user_id"), names)} AS version
          ON version.account_id = row_account.account_id
        WHERE {is_latest("version", "row_account.as_of", known=known)}"""


def _build_seen(connection: SqlEngine, use: str) -> None:
    """Create ``key_last`` (row_no, user_id, last_day) and ``key_report`` (row_no, user_id, day).

    A day of use is carried to the first wanted as-of date on which it counts, so that a user has
    at most one day per such date however long the history is.
    """
    connection.execute(
        f"""CREATE OR REPLACE VIEW key_use AS
        SELECT used.account_id, used.user_id, day, greatest(day, known_day) AS told, reports
        FROM {use} AS used JOIN (
            SELECT DISTINCT account_id, user_id FROM users WHERE role IN ({_LISTED})
        ) AS key_user
          ON key_user.account_id = used.account_id AND key_user.user_id = used.user_id"""
    )
    connection.execute(
        """CREATE OR REPLACE TABLE key_last AS
        WITH first_row AS (
            SELECT told, min(as_of) AS counts_on
            FROM (SELECT DISTINCT told FROM key_use) AS day_told
            JOIN (SELECT DISTINCT as_of FROM row_account) AS date_wanted ON told < as_of
            GROUP BY told),
        carried AS (
            SELECT account_id, user_id, counts_on, max(day) AS last_day
            FROM key_use JOIN first_row USING (told) GROUP BY account_id, user_id, counts_on)
        SELECT row_no, key_person.user_id, max(last_day) AS last_day
        FROM key_person JOIN carried
          ON carried.account_id = key_person.account_id AND carried.user_id = key_person.user_id
         AND carried.counts_on <= key_person.as_of
        GROUP BY row_no, key_person.user_id"""
    )
    connection.execute(
        """CREATE OR REPLACE TABLE key_report AS
        SELECT row_no, key_person.user_id, day
        FROM key_person JOIN key_use
          ON key_use.account_id = key_person.account_id AND key_use.user_id = key_person.user_id
         AND told < as_of AND day >= as_of - 91
        WHERE role = 'executive' AND reports"""
    )


FAMILY = Family(("users",), FIGURES, build_people)
