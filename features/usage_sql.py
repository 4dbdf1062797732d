"""Primitives of usage as plain SQL, for the engine that runs on many machines.

The same figures as ``features.usage`` computes on one machine, from one rollup. A window is the
days with ``as_of - back - length <= day < as_of - back``; a row counts on an as-of date when its
day and the day from which it was known are both before it. Windows are aggregates with filters
over one pass per key (event, user, session), so that nothing is joined twice. Every grouping
begins with ``account_id``: where the rollup lies by account, Spark moves no row again.
"""

from __future__ import annotations

from collections.abc import Iterable

from features.dialect import SqlEngine, quoted
from features.expression import Primitive
from features.usage_history import HISTORY, build_history, longest_silence

Window = tuple[int, int]  # length in days, days before the as-of date on which it ends

# name: the figure over the events of an account, each with e (events) and s (seconds) of the window
_OF_EVENT = {
    "events": "sum({e})",
    "value_actions": "sum({e}) FILTER (WHERE value_action)",
    "views": "sum({e}) FILTER (WHERE view)",
    "seconds": "sum({s})",
    "module_events": "sum({e}) FILTER (WHERE module = {name})",
    "event_used": "max(CASE WHEN event = {name} AND {e} > 0 THEN 1 ELSE 0 END)",
    "active_features": "count(*) FILTER (WHERE {e} > 0)",
    "declared_features": "count(*) FILTER (WHERE {e} > 0 AND declared)",
    "core_features": "count(*) FILTER (WHERE {e} > 0 AND core)",
    "hard_to_leave_features": "count(*) FILTER (WHERE {e} > 0 AND hard_to_leave)",
}
# name: the same over its modules; {before} is the window of that length before this one
_OF_MODULE = {
    "active_modules": "count(*) FILTER (WHERE {e} > 0)",
    "modules_dropped": "count(*) FILTER (WHERE {before} > 0 AND coalesce({e}, 0) = 0)",
    "module_concentration": "sum({e} * {e}) / NULLIF(sum({e}) * sum({e}), 0)",
}
# name: the same over its users, each with d (days in the window)
_OF_USER = {
    "active_users": "count(*) FILTER (WHERE {e} > 0)",
    "user_days": "sum({d})",
    "top_user_events": "max({e})",
    "users_gained": "count(*) FILTER (WHERE {e} > 0 AND coalesce({before}, 0) = 0)",
    "users_lost": "count(*) FILTER (WHERE {before} > 0 AND coalesce({e}, 0) = 0)",
}
_OF_SESSION = {"sessions": "count(*) FILTER (WHERE {in_window})"}
_OF_DAY = {"active_days": "count(*) FILTER (WHERE {in_window})"}
_OF_WEEKS = frozenset({"best_week", "weekly_slope", "weeks_declining"})
_NAMED = frozenset({"module_events", "event_used"})
_COMPARED = frozenset({"modules_dropped", "users_gained", "users_lost"})
_NULL_WITHOUT_USE = frozenset({"module_concentration", "longest_silence"}) | HISTORY

FUNCTIONS = (
    frozenset({*_OF_EVENT, *_OF_MODULE, *_OF_USER, *_OF_SESSION, *_OF_DAY, "longest_silence"})
    | _OF_WEEKS
    | HISTORY
)


def build_usage(connection: SqlEngine, primitives: Iterable[Primitive]) -> str:
    """Create ``usage_primitive``, one row per (account, as-of date), and return its name.

    Parameters
    ----------
    connection : SqlEngine
        Holds ``usage_event_day`` (account_id, user_id, event, day, known_day, events, seconds;
        keys may repeat), ``event_kind`` (event, declared, module, core, value_action, view,
        report, hard_to_leave), ``row_account`` (row_no, account_id, as_of, started) and, where
        sessions are asked for, ``usage_session_day`` (account_id, user_id, session_id, day,
        known_day).
    primitives : iterable of Primitive
        Counts and sums are 0 where nothing was done; what the catalogue's words call null is null.
    """
    wanted = sorted(set(primitives))
    _build_aged(connection, wanted)
    parts = [
        *_events_and_modules(connection, [p for p in wanted if p.name in _OF_EVENT | _OF_MODULE]),
        *_weeks([p for p in wanted if p.name in _OF_WEEKS]),
        *_users([p for p in wanted if p.name in _OF_USER]),
        *_days([p for p in wanted if p.name in _OF_DAY]),
        *_sessions([p for p in wanted if p.name in _OF_SESSION]),
        *build_history(connection, [p for p in wanted if p.name in HISTORY], _lengths(wanted)),
        *(longest_silence(p) for p in wanted if p.name == "longest_silence"),
    ]
    joined = "".join(
        f" LEFT JOIN ({part}) AS part_{number} ON part_{number}.row_no = row_account.row_no"
        for number, part in enumerate(parts)
    )
    columns = "".join(f", {_filled(primitive)}" for primitive in wanted)
    connection.execute(
        "CREATE OR REPLACE TABLE usage_primitive AS "
        f"SELECT row_account.account_id, row_account.as_of{columns} FROM row_account{joined}"
    )
    return "usage_primitive"


def build_usage_day(connection: SqlEngine) -> None:
    """Create ``usage_day``, usage by user and day, from ``usage_event_day`` and ``event_kind``.

    Columns: ``account_id``, ``user_id`` (null where unknown), ``day``, ``known_day``, ``events``,
    ``seconds`` (null where never given), ``value_actions``, ``views``, ``reports`` (whether a
    report was opened).
    """
    connection.execute(
        """CREATE OR REPLACE TABLE usage_day AS
        SELECT account_id, user_id, day, known_day, sum(events) AS events, sum(seconds) AS seconds,
               coalesce(sum(events) FILTER (WHERE value_action), 0) AS value_actions,
               coalesce(sum(events) FILTER (WHERE view), 0) AS views,
               coalesce(bool_or(report), FALSE) AS reports
        FROM usage_event_day LEFT JOIN event_kind USING (event)
        GROUP BY account_id, user_id, day, known_day"""
    )


def _filled(primitive: Primitive) -> str:
    """No row in a window means that nothing was done."""
    if primitive.name in _NULL_WITHOUT_USE:
        return primitive.column
    return f"coalesce({primitive.column}, 0) AS {primitive.column}"


def _window(primitive: Primitive) -> Window:
    length, back = (*(n for n in primitive.arguments if isinstance(n, int)), 0, 0)[:2]
    return length, back


def _before(window: Window) -> Window:
    return window[0], window[0]


def _windows(wanted: Iterable[Primitive]) -> list[Window]:
    """Every window that these primitives read."""
    windows = set()
    for primitive in wanted:
        window = _window(primitive)
        windows.add(window)
        if primitive.name in _COMPARED:
            windows.add(_before(window))
    return sorted(windows)


def _lengths(wanted: Iterable[Primitive]) -> bool:
    """Whether the first known use is needed for another primitive than those of history."""
    return any(primitive.name == "longest_silence" for primitive in wanted)


def _in(window: Window) -> str:
    length, back = window
    return f"age > {back} AND age <= {back + length}"


def _column(figure: str, window: Window) -> str:
    return f"{figure}_{window[0]}_{window[1]}"


def _figure(template: str, primitive: Primitive) -> str:
    """The SQL of a primitive over the columns of its window."""
    window = _window(primitive)
    name = quoted(str(primitive.arguments[0])) if primitive.name in _NAMED else ""
    sql = template.format(
        e=_column("events", window),
        s=_column("seconds", window),
        d=_column("days", window),
        before=_column("events", _before(window)),
        in_window=_in(window),
        name=name,
    )
    return f"{sql} AS {primitive.column}"


def _build_aged(connection: SqlEngine, wanted: list[Primitive]) -> None:
    """Create the views of the rollups on every as-of date that a window connects them to."""
    of_weeks = [7 * _window(p)[0] for p in wanted if p.name in _OF_WEEKS]
    plain = [p for p in wanted if p.name not in _OF_WEEKS | HISTORY]
    reach = max([sum(window) for window in _windows(plain)] + of_weeks, default=0)
    for view, rollup, columns in (
        ("usage_aged", "usage_event_day", "user_id, event, events, seconds"),
        ("session_aged", "usage_session_day", "user_id, session_id"),
    ):
        if view == "session_aged" and not any(p.name in _OF_SESSION for p in wanted):
            continue
        connection.execute(
            f"""CREATE OR REPLACE VIEW {view} AS
            SELECT used.account_id, row_no, {columns},
                   CAST(date_diff('day', day, as_of) AS INTEGER) AS age
            FROM {rollup} AS used JOIN row_account ON row_account.account_id = used.account_id
             AND day < as_of AND known_day < as_of AND day >= as_of - {reach}"""
        )
    if any(p.name in _OF_USER or p.name in _OF_DAY or p.name == "longest_silence" for p in wanted):
        connection.execute(
            """CREATE OR REPLACE TABLE user_day_aged AS
            SELECT account_id, row_no, user_id, age, sum(events) AS events
            FROM usage_aged GROUP BY account_id, row_no, user_id, age"""
        )
    weeks = {(7, 7 * week) for p in wanted if p.name in _OF_WEEKS for week in range(_window(p)[0])}
    windows = {*_windows(p for p in wanted if p.name in _OF_EVENT | _OF_MODULE), *weeks}
    if windows:
        seconds = {_window(p) for p in wanted if p.name == "seconds"}
        sums = [f"sum(events) FILTER (WHERE {_in(w)}) AS {_column('events', w)}" for w in windows]
        sums += [
            f"sum(seconds) FILTER (WHERE {_in(w)}) AS {_column('seconds', w)}" for w in seconds
        ]
        connection.execute(
            f"""CREATE OR REPLACE TABLE event_window AS
            SELECT account_id, row_no, event, {", ".join(sorted(sums))}
            FROM usage_aged GROUP BY account_id, row_no, event"""
        )


def _events_and_modules(connection: SqlEngine, wanted: list[Primitive]) -> list[str]:
    """Figures over the events, and over the modules, of each row."""
    parts = []
    kinds = "event_window LEFT JOIN event_kind USING (event)"
    of_event = [_figure(_OF_EVENT[p.name], p) for p in wanted if p.name in _OF_EVENT]
    if of_event:
        parts.append(_per_row(of_event, kinds))
    by_module = [p for p in wanted if p.name in _OF_MODULE]
    if by_module:
        names = [_column("events", window) for window in _windows(by_module)]
        sums = ", ".join(f"sum({name}) AS {name}" for name in names)
        connection.execute(
            f"""CREATE OR REPLACE VIEW module_window AS
            SELECT account_id, row_no, module, {sums} FROM {kinds}
            WHERE module IS NOT NULL GROUP BY account_id, row_no, module"""
        )
        parts.append(_per_row([_figure(_OF_MODULE[p.name], p) for p in by_module], "module_window"))
    return parts


def _users(wanted: list[Primitive]) -> list[str]:
    if not wanted:
        return []
    figures = []
    for window in _windows(wanted):
        figures.append(f"sum(events) FILTER (WHERE {_in(window)}) AS {_column('events', window)}")
        figures.append(f"count(*) FILTER (WHERE {_in(window)}) AS {_column('days', window)}")
    users = f"""(SELECT account_id, row_no, user_id, {", ".join(figures)} FROM user_day_aged
        WHERE user_id IS NOT NULL GROUP BY account_id, row_no, user_id) AS of_user"""
    return [_per_row([_figure(_OF_USER[p.name], p) for p in wanted], users)]


def _days(wanted: list[Primitive]) -> list[str]:
    if not wanted:
        return []
    days = "(SELECT DISTINCT account_id, row_no, age FROM user_day_aged) AS of_day"
    return [_per_row([_figure(_OF_DAY[p.name], p) for p in wanted], days)]


def _sessions(wanted: list[Primitive]) -> list[str]:
    """A session counts once for each user and day on which it is seen."""
    if not wanted:
        return []
    keys = "account_id, row_no, user_id, session_id, age"
    sessions = f"(SELECT DISTINCT {keys} FROM session_aged) AS seen"
    return [_per_row([_figure(_OF_SESSION[p.name], p) for p in wanted], sessions)]


def _weeks(wanted: list[Primitive]) -> list[str]:
    """Figures over the events of each of the last weeks, week 0 being the newest."""
    if not wanted:
        return []
    most = max(_window(primitive)[0] for primitive in wanted)
    sums = [
        f"coalesce(sum({_column('events', (7, 7 * week))}), 0) AS week_{week}"
        for week in range(most)
    ]
    figures = ", ".join(
        f"{_WEEKLY[primitive.name](_window(primitive)[0])} AS {primitive.column}"
        for primitive in wanted
    )
    return [f"SELECT row_no, {figures} FROM ({_per_row(sums, 'event_window')}) AS weekly"]


def _best_week(weeks: int) -> str:
    named = ", ".join(f"week_{week}" for week in range(weeks))
    return f"greatest({named})" if weeks > 1 else named


def _slope(weeks: int) -> str:
    """Least squares over x = 0 .. weeks - 1 from the oldest week on."""
    middle = (weeks - 1) / 2
    spread = sum((x - middle) ** 2 for x in range(weeks))
    if not spread:
        return "CAST(0 AS DOUBLE)"
    terms = " + ".join(f"({weeks - 1 - week - middle}) * week_{week}" for week in range(weeks))
    return f"({terms}) / {spread}"


def _declining(weeks: int) -> str:
    """How many weeks in a row, the newest first, had fewer events than the week before."""
    steps = " ".join(
        f"WHEN week_{week} >= week_{week + 1} THEN {week}" for week in range(weeks - 1)
    )
    return f"CASE {steps} ELSE {weeks - 1} END" if steps else "0"


_WEEKLY = {"best_week": _best_week, "weekly_slope": _slope, "weeks_declining": _declining}


def _per_row(figures: list[str], relation: str) -> str:
    keys = "account_id, row_no"
    return f"SELECT {keys}, {', '.join(figures)} FROM {relation} GROUP BY {keys}"
