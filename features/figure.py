"""The figures of usage primitives for any set of (account, as-of date) pairs, in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from features.cube import (
    NEVER,
    Cuts,
    Floats,
    Presence,
    Requests,
    Rows,
    Total,
    UserDays,
    Uses,
    busiest,
    longest_silence,
)
from features.expression import Primitive
from features.rollup import words
from features.rollup_reader import Rollup, masks_of
from features.settings import EventSettings

SUMS = {
    "events": "events",
    "value_actions": "value_actions",
    "views": "views",
    "seconds": "milliseconds",
    "sessions": "sessions",
}
OF_USERS = frozenset({"active_users", "users_gained", "users_lost", "user_days", "top_user_events"})
OF_KINDS = frozenset(
    {"active_features", "declared_features", "core_features", "hard_to_leave_features"}
    | {"event_used"}
    | {"active_modules", "modules_dropped"}
)
OF_MODULES = frozenset({"module_events", "module_concentration"})
OF_WEEKS = frozenset({"best_week", "weekly_slope", "weeks_declining"})
_DOUBLE_WINDOW = frozenset({"users_gained", "users_lost", "modules_dropped"})
OF_VALUE = frozenset({"days_since_value", "value_to_date", "days_to_first_value"})
# These look at the account's first or last use, however long ago; the others of OF_HISTORY at more.
OF_SPAN = frozenset(
    {"days_since_use", "days_since_first_use", "days_as_customer", "longest_silence"}
)
OF_HISTORY = OF_SPAN | OF_VALUE | {"active_weeks_of_first"}
_OF_DAYS = OF_SPAN | {"active_days", "active_weeks_of_first"}
FUNCTIONS = frozenset(SUMS) | OF_USERS | OF_KINDS | OF_MODULES | OF_WEEKS | OF_HISTORY | _OF_DAYS


def compute(
    rows: Rows, requests: Requests, rollup: Rollup, group: list[Primitive]
) -> dict[Primitive, Floats]:
    """The figures of primitives for every request, all rows before the as-of date being known.

    Returns
    -------
    dict of Primitive to ndarray of float, (n_requests,)
        NaN where the primitive has no value.
    """
    found: dict[Primitive, Floats] = {}
    cuts = _cuts(requests, rows.days, group)
    by_name: dict[str, list[Primitive]] = {}
    for primitive in group:
        by_name.setdefault(primitive.name, []).append(primitive)
    for name, column in SUMS.items():
        if name in by_name:
            total = Total(rows, rows.facts[rollup.column_of(column)], cuts)
            scale = 1000.0 if name == "seconds" else 1.0
            found |= {p: total.window(requests, *_window(p)) / scale for p in by_name[name]}
    found |= _weeks(rows, requests, cuts, [p for p in group if p.name in OF_WEEKS])
    found |= _days(rows, requests, by_name)
    found |= _users(rows, requests, cuts, by_name)
    kinds = [p for p in group if p.name in OF_KINDS]
    found |= _kinds(rows, requests, rollup, _cuts(requests, rows.days, kinds), kinds)
    found |= _modules(rows, requests, rollup, cuts, [p for p in group if p.name in OF_MODULES])
    found |= _value(rows, requests, rollup, [p for p in group if p.name in OF_VALUE])
    return found


def reach_of(primitive: Primitive) -> int:
    """How many days before the as-of date a primitive looks at."""
    numbers = [argument for argument in primitive.arguments if isinstance(argument, int)]
    if not numbers:
        return 0
    if primitive.name in OF_WEEKS:
        return 7 * numbers[0]
    return sum(numbers) * (2 if primitive.name in _DOUBLE_WINDOW else 1)


def _window(primitive: Primitive) -> tuple[int, int]:
    numbers = [argument for argument in primitive.arguments if isinstance(argument, int)]
    return numbers[0], numbers[1] if len(numbers) > 1 else 0


def _cuts(requests: Requests, span: int, group: list[Primitive]) -> Cuts:
    """The days at which the windows of a group begin or end."""
    backs = {0}
    for primitive in group:
        if primitive.name in OF_HISTORY | _OF_DAYS:
            continue
        length, back = _window(primitive)
        if primitive.name in OF_WEEKS:
            backs |= {7 * week for week in range(length + 1)}
        else:
            backs |= {back, back + length}
            backs |= {2 * length} if primitive.name == "modules_dropped" else set()
    days = np.unique(requests.as_of)
    return Cuts(np.concatenate([days - back for back in sorted(backs)]), span)


def _weeks(
    rows: Rows, requests: Requests, cuts: Cuts, group: list[Primitive]
) -> dict[Primitive, Floats]:
    """Best week, slope and run of decline among the last weeks; week 0 is the newest."""
    if not group:
        return {}
    total = Total(rows, rows.facts["events"], cuts)
    most = max(_window(primitive)[0] for primitive in group)
    weekly = total.weekly(requests, most)
    found = {}
    for primitive in group:
        weeks = weekly[: _window(primitive)[0]]
        if primitive.name == "best_week":
            found[primitive] = weeks.max(axis=0)
        elif primitive.name == "weekly_slope":
            x = np.arange(len(weeks))[::-1] - (len(weeks) - 1) / 2
            found[primitive] = x @ weeks / (x @ x)
        else:
            fell = weeks[:-1] < weeks[1:]
            found[primitive] = np.cumprod(fell, axis=0).sum(axis=0).astype(np.float64)
    return found


def _days(
    rows: Rows, requests: Requests, by_name: dict[str, list[Primitive]]
) -> dict[Primitive, Floats]:
    """Figures of the days on which there was any event."""
    names = by_name.keys() & _OF_DAYS
    if not names:
        return {}
    used = Presence(rows)
    account, as_of = requests.account, requests.as_of
    if rows.span is None:
        first, last = used.first[account], used.last_before(account, as_of)
    else:
        first, last = (day[account] for day in rows.span)
    start = _start(requests, first)
    found: dict[Primitive, Floats] = {}
    for primitive in (p for name in names for p in by_name[name]):
        if primitive.name == "active_days":
            length, back = _window(primitive)
            end = as_of - back
            found[primitive] = used.count(account, end - length, end).astype(np.float64)
        elif primitive.name == "longest_silence":
            length, _ = _window(primitive)
            found[primitive] = longest_silence(used, requests, length, first)
        elif primitive.name == "active_weeks_of_first":
            weeks = np.zeros(len(requests))
            whole = np.where(np.isnan(start), 0, start).astype(np.int64)
            for week in range(_window(primitive)[0]):
                end = np.minimum(whole + 7 * week + 7, as_of)
                weeks += used.count(account, whole + 7 * week, end) > 0
            found[primitive] = np.where(np.isnan(start), np.nan, weeks)
        elif primitive.name == "days_as_customer":
            found[primitive] = as_of - start
        else:
            day = last if primitive.name == "days_since_use" else first
            known = (day > NEVER) & (day < as_of)
            found[primitive] = np.where(known, as_of - day, np.nan)
    return found


def _start(requests: Requests, first_use: np.ndarray) -> Floats:
    """The day from which the account is a customer: its first contract, else its first use."""
    used = np.where(first_use < requests.as_of, first_use.astype(np.float64), np.nan)
    return np.where(np.isnan(requests.start), used, requests.start)


def _users(
    rows: Rows, requests: Requests, cuts: Cuts, by_name: dict[str, list[Primitive]]
) -> dict[Primitive, Floats]:
    """Figures of known users."""
    group = [p for name in by_name.keys() & OF_USERS for p in by_name[name]]
    if not group:
        return {}
    first = requests.as_of.min(initial=rows.days) - max(map(reach_of, group))
    chosen = (rows.user >= 0) & (rows.day >= first)
    known = rows if chosen.all() else rows.only(chosen)
    ends = {back for _, back in map(_window, group)}
    dates = np.unique(requests.as_of)
    days = UserDays(known, Cuts(np.concatenate([dates - back for back in ends]), rows.days))
    cubes: dict[tuple[str, int], Callable[[Requests, int], Floats]] = {}
    makers = {
        "active_users": days.active, "users_lost": days.lost, "users_gained": days.gained
    }  # fmt: skip
    found: dict[Primitive, Floats] = {}
    for primitive in group:
        length, back = _window(primitive)
        if primitive.name == "user_days":
            once = Rows(days.account, days.user, days.day, {}, rows.accounts, rows.days)
            total = Total(once, np.ones_like(days.day), cuts)
            found[primitive] = total.window(requests, length, back)
        elif primitive.name == "top_user_events":
            found[primitive] = busiest(known, requests, length, back)
        else:
            key = (primitive.name, length)
            if key not in cubes:
                cubes[key] = makers[primitive.name](length)
            found[primitive] = cubes[key](requests, back)
    return found


def _kinds(
    rows: Rows, requests: Requests, rollup: Rollup, cuts: Cuts, group: list[Primitive]
) -> dict[Primitive, Floats]:
    """How many different events or modules of a kind were used."""
    if not group:
        return {}
    found = {primitive: np.zeros(len(requests)) for primitive in group}
    uses = Uses(rows, words(rollup.columns), requests, cuts)
    of_modules = [p for p in group if p.name in ("active_modules", "modules_dropped")]
    modules: dict[str, list[int]] = {}
    for number, event in enumerate(rollup.events):
        kind, declared = rollup.kinds.get(event, EventSettings()), event in rollup.kinds
        chosen = [
            p for p in group if p not in of_modules and _counts(p, event, kind, declared=declared)
        ]
        if chosen:
            uses.take(masks_of([number]))
        for primitive in chosen:
            found[primitive] += uses.within(*_window(primitive))
        if kind.module is not None:
            modules.setdefault(kind.module, []).append(number)
    for numbers in modules.values() if of_modules else ():
        uses.take(masks_of(numbers))
        for primitive in of_modules:
            length, back = _window(primitive)
            if primitive.name == "modules_dropped":
                found[primitive] += uses.within(length, length) & ~uses.within(length)
            else:
                found[primitive] += uses.within(length, back)
    return found


def _counts(primitive: Primitive, event: str, kind: EventSettings, *, declared: bool) -> bool:
    if primitive.name == "event_used":
        return primitive.arguments[0] == event
    wanted = {
        "declared_features": declared,
        "core_features": kind.core,
        "hard_to_leave_features": kind.hard_to_leave,
    }
    return wanted.get(primitive.name, True)


def _modules(
    rows: Rows, requests: Requests, rollup: Rollup, cuts: Cuts, group: list[Primitive]
) -> dict[Primitive, Floats]:
    """Events by module, and how much of the use lies in few of them."""
    if not group:
        return {}
    found: dict[Primitive, Floats] = {}
    spread = [p for p in group if p.name == "module_concentration"]
    whole = {p: np.zeros(len(requests)) for p in spread}
    squares = {p: np.zeros(len(requests)) for p in spread}
    for name in (name for name in rollup.facts.sums if name.startswith("module:")):
        total = Total(rows, rows.facts[rollup.column_of(name)], cuts)
        for primitive in group:
            if primitive.name == "module_events" and f"module:{primitive.arguments[0]}" == name:
                found[primitive] = total.window(requests, *_window(primitive))
        for primitive in spread:
            events = total.window(requests, *_window(primitive))
            whole[primitive] += events
            squares[primitive] += events**2
    for primitive in spread:
        some = whole[primitive] > 0
        share = squares[primitive] / np.where(some, whole[primitive] ** 2, 1)
        found[primitive] = np.where(some, share, np.nan)
    return found


def _value(
    rows: Rows, requests: Requests, rollup: Rollup, group: list[Primitive]
) -> dict[Primitive, Floats]:
    """When and how much value was had since the account became a customer."""
    if not group:
        return {}
    amount = rows.facts[rollup.column_of("value_actions")]
    had = Presence(rows.only(amount > 0))
    account, as_of = requests.account, requests.as_of
    used = Presence(rows)
    start = _start(requests, used.first[account])
    whole = np.where(np.isnan(start), 0, start).astype(np.int64)
    found: dict[Primitive, Floats] = {}
    for primitive in group:
        if primitive.name == "days_since_value":
            last = had.last_before(account, as_of)
            found[primitive] = np.where(last > NEVER, as_of - last, np.nan)
        elif primitive.name == "days_to_first_value":
            first = had.first_from(account, whole)
            there = (first < as_of) & ~np.isnan(start)
            found[primitive] = np.where(there, first - start, np.nan)
        else:
            # Before the first use there was nothing: then all of it counts.
            begun = np.where(np.isnan(requests.start), 0, whole)
            cuts = Cuts(np.concatenate([np.unique(begun), np.unique(as_of)]), rows.days)
            total = Total(rows, amount, cuts).between(account, begun, as_of)
            found[primitive] = np.where(np.isnan(start), np.nan, total)
    return found
