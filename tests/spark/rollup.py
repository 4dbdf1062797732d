"""A rollup written into DuckDB, and what the portable SQL makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb

from features.expression import Primitive
from tests.spark.plain_usage import KINDS, Look, Use

Key = tuple[str, date]
_FLAGS = ("core", "value_action", "view", "report", "hard_to_leave")

_OF_WINDOW = (
    *("events", "value_actions", "views", "seconds", "sessions", "active_days", "active_users"),
    *("user_days", "top_user_events", "active_features", "declared_features", "core_features"),
    *("hard_to_leave_features", "active_modules", "module_concentration"),
)
_OF_LENGTH = ("users_gained", "users_lost", "modules_dropped", "longest_silence", "events")
_OF_HISTORY = (
    *("days_since_use", "days_since_first_use", "days_since_value", "value_to_date"),
    *("days_to_first_value", "days_as_customer"),
)
WANTED = (
    *(Primitive(n, w) for w in ((7, 0), (28, 0), (28, 28), (91, 7)) for n in _OF_WINDOW),
    *(Primitive(name, (length,)) for length in (7, 28) for name in _OF_LENGTH),
    Primitive("longest_silence", (91,)),
    Primitive("module_events", ("report", 28)),
    Primitive("module_events", ("data", 7, 7)),
    Primitive("event_used", ("save", 28)),
    Primitive("event_used", ("login", 7, 7)),
    *(
        Primitive(name, (weeks,))
        for weeks in (2, 12)
        for name in ("best_week", "weekly_slope", "weeks_declining")
    ),
    Primitive("best_week", (1,)),
    *(Primitive(name) for name in _OF_HISTORY),
    Primitive("active_weeks_of_first", (13,)),
    Primitive("active_weeks_of_first", (4,)),
)


def write_rollup(uses: Sequence[Use], looks: Sequence[Look]) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection that holds what ``usage_sql.build_usage`` needs."""
    connection = duckdb.connect(":memory:")
    connection.execute(
        "CREATE TABLE usage_event_day (account_id VARCHAR, user_id VARCHAR, event VARCHAR, "
        "day DATE, known_day DATE, events DOUBLE, seconds DOUBLE)"
    )
    connection.execute(
        "CREATE TABLE usage_session_day (account_id VARCHAR, user_id VARCHAR, session_id VARCHAR, "
        "day DATE, known_day DATE)"
    )
    connection.execute(
        "CREATE TABLE row_account (row_no INTEGER, account_id VARCHAR, as_of DATE, started DATE)"
    )
    flags = ", ".join(f"{flag} BOOLEAN" for flag in _FLAGS)
    connection.execute(
        f"CREATE TABLE event_kind (event VARCHAR, declared BOOLEAN, module VARCHAR, {flags})"
    )
    rollup = [(u.account, u.user, u.event, u.day, u.known, u.events, u.seconds) for u in uses]
    sessions = [(u.account, u.user, u.session, u.day, u.known) for u in uses]
    rows = [(number, look.account, look.as_of, look.started) for number, look in enumerate(looks)]
    kinds = [
        (name, True, kind.get("module"), *(bool(kind.get(flag)) for flag in _FLAGS))
        for name, kind in KINDS.items()
    ]
    for table, values in (
        ("usage_event_day", rollup),
        ("usage_session_day", sessions),
        ("row_account", rows),
        ("event_kind", kinds),
    ):
        if values:
            marks = ", ".join("?" * len(values[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", values)
    return connection
