"""Primitives of usage that look at all known history, not at a window: ages, and the first weeks.

Part of ``features.usage_sql``. The start of an account is that of its first known contract, without
one its first known use.
"""

from __future__ import annotations

from features.dialect import SqlEngine
from features.expression import Primitive

# name: the column of usage_seen whose age it is
_AGES = {
    "days_since_use": "last_day",
    "days_since_first_use": "first_day",
    "days_since_value": "last_value_day",
}
_FROM_START = frozenset(
    {"value_to_date", "days_to_first_value", "active_weeks_of_first", "days_as_customer"}
)
HISTORY = frozenset(_AGES) | _FROM_START


def build_history(connection: SqlEngine, wanted: list[Primitive], first_use: bool) -> list[str]:
    """Create ``usage_seen`` and return the queries of these primitives, by ``row_no``.

    Parameters
    ----------
    connection : SqlEngine
        Holds what ``usage_sql.build_usage`` needs.
    wanted : list of Primitive
        Those named in ``HISTORY``; null where the account was never used.
    first_use : bool
        Whether ``usage_seen`` is needed by others too.
    """
    if not wanted and not first_use:
        return []
    connection.execute(
        """CREATE OR REPLACE TABLE account_day AS
        SELECT account_id, day, known_day,
               coalesce(sum(events) FILTER (WHERE value_action), 0) AS value_actions
        FROM usage_event_day LEFT JOIN event_kind USING (event)
        GROUP BY account_id, day, known_day"""
    )
    connection.execute(
        f"""CREATE OR REPLACE TABLE usage_seen AS
        SELECT row_account.account_id, row_no, as_of, started,
               min(day) AS first_day, max(day) AS last_day,
               max(day) FILTER (WHERE value_actions > 0) AS last_value_day
        FROM row_account JOIN account_day ON {_known()}
        GROUP BY row_account.account_id, row_no, as_of, started"""
    )
    parts = []
    ages = ", ".join(
        f"date_diff('day', {_AGES[p.name]}, as_of) AS {p.column}" for p in wanted if p.name in _AGES
    )
    if ages:
        parts.append(f"SELECT row_no, {ages} FROM usage_seen")
    from_start = [p for p in wanted if p.name in _FROM_START]
    return parts + ([_from_start(from_start)] if from_start else [])


def _known() -> str:
    return """account_day.account_id = row_account.account_id
          AND day < as_of AND known_day < as_of"""


def _from_start(wanted: list[Primitive]) -> str:
    """What an account did from its start on; one that has none has null."""
    figures = ", ".join(f"{_start_figure(p)} AS {p.column}" for p in wanted)
    return f"""SELECT row_no, {figures}
        FROM (SELECT row_account.account_id, row_account.row_no,
                     coalesce(row_account.started, first_day) AS start, account_day.day,
                     value_actions,
                     date_diff('day', coalesce(row_account.started, first_day), account_day.day)
                         AS age,
                     date_diff('day', coalesce(row_account.started, first_day), row_account.as_of)
                         AS days_as_customer
              FROM row_account
              LEFT JOIN usage_seen ON usage_seen.row_no = row_account.row_no
              LEFT JOIN account_day ON account_day.account_id = row_account.account_id
               AND account_day.day < row_account.as_of AND account_day.known_day < row_account.as_of
               AND account_day.day >= coalesce(row_account.started, first_day)) AS begun
        WHERE start IS NOT NULL GROUP BY account_id, row_no"""


def _start_figure(primitive: Primitive) -> str:
    if primitive.name == "value_to_date":
        return "coalesce(sum(value_actions), 0)"
    if primitive.name == "days_to_first_value":
        return "min(age) FILTER (WHERE value_actions > 0)"
    if primitive.name == "days_as_customer":
        return "max(days_as_customer)"
    days = 7 * int(primitive.arguments[0])
    return f"count(DISTINCT CASE WHEN age < {days} THEN CAST(floor(age / 7) AS INTEGER) END)"


def longest_silence(primitive: Primitive) -> str:
    """The longest run of days without use in the last days, from the first known use on.

    Every day of use ends a run that began after the day of use before it; the first run begins
    with the window or with the first use, whichever is later.
    """
    length = int(primitive.arguments[0])
    return f"""SELECT row_no, max(age - next_age - 1) AS {primitive.column}
        FROM (SELECT account_id, row_no, age,
                     lead(age, 1, 0) OVER (PARTITION BY account_id, row_no ORDER BY age DESC)
                         AS next_age
              FROM (SELECT DISTINCT account_id, row_no, age FROM user_day_aged
                    WHERE age <= {length}
                    UNION ALL
                    SELECT account_id, row_no,
                           least(CAST(date_diff('day', first_day, as_of) AS INTEGER), {length + 1})
                    FROM usage_seen) AS mark) AS run
        GROUP BY account_id, row_no"""
