"""How much each table grows by: days without usage, far more or less than usual, and how fresh.

Only totals per period are fetched; rows stay where they lie.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from statistics import median

import duckdb

from features.errors import Problem
from features.quarantine import USAGE_COLUMNS, keep_rows, too_many
from features.rule import FUTURE_REMEDY, in_future, last_day_so_far
from features.settings import GRAIN_DAYS, CompanySettings

# The column that tells when a row of the table happened.
_DATED = {
    "usage": ("usage_total", "day", "events"),
    "measures": ("measures", "day", "1"),
    "tickets": ("tickets", "opened_at", "1"),
    "surveys": ("surveys", "day", "1"),
    "touchpoints": ("touchpoints", "day", "1"),
    "invoices": ("invoices", "issued_at", "1"),
}
_SPOKEN = {"usage": "ts", "tickets": "opened_at", "invoices": "issued_at"}
_FACTOR = 10
_PERIODS = 8
# Fewer rows than this in a usual period say nothing.
_ENOUGH = 20
_EXAMPLES = 3


def check_volume(
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    tables: Collection[str],
    end: date,
) -> list[Problem]:
    """What the rows per period say: missing days, unusual volume, usage that is too old.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds the tables; of usage, ``usage_total``.
    settings : CompanySettings
    tables : collection of str
        Those to check.
    end : date
        Exclusive end of the data.
    """
    problems: list[Problem] = []
    for name in (table for table in _DATED if table in tables):
        totals = _totals(connection, name, end)
        if not totals:
            continue
        problems += _unusual(name, totals, settings)
        if name == "usage":
            problems += _missing_days(totals, settings)
            problems += _stale(max(totals), settings, end)
    return problems


def check_usage_dates(
    connection: duckdb.DuckDBPyConnection, settings: CompanySettings, rows: str
) -> list[Problem]:
    """Use that lies in the future, and use that is known only after the configured end of the data.

    Neither is used. The first is put into quarantine, or stops the run, as the configuration says.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    settings : CompanySettings
    rows : str
        Query of all usage: ``account_id``, ``user_id``, ``day``, ``known_day``, ``events``.
    """
    last, end = last_day_so_far(settings.time), settings.time.data_end
    ahead = f"greatest(day, known_day) > DATE '{last}'"
    late = f"known_day >= DATE '{end}' AND NOT {ahead}" if end else "FALSE"
    found = connection.execute(
        f"SELECT coalesce(sum(events) FILTER (WHERE {ahead}), 0), coalesce(sum(events), 0), "
        f"coalesce(sum(events) FILTER (WHERE {late}), 0) FROM ({rows})"
    ).fetchone() or (0, 0, 0)
    problems = _future_use(connection, settings, rows, ahead, found) if found[0] else []
    if found[2]:
        rule = f"must be known before the data's end, {end}: later rows are not used"
        remedy = "set a later time.data_end to use them"
        problems.append(Problem("usage", "ts", rule, int(found[2]), (), remedy, "allow"))
    return problems


def _future_use(
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    rows: str,
    ahead: str,
    found: tuple[float, ...],
) -> list[Problem]:
    expected = in_future(last_day_so_far(settings.time))
    shown = connection.execute(
        "SELECT DISTINCT account_id || ' (' || CAST(greatest(day, known_day) AS VARCHAR) || ')' "
        f"FROM ({rows}) WHERE {ahead} ORDER BY 1 LIMIT {_EXAMPLES}"
    ).fetchall()
    action: str = settings.checks.future_date
    if action == "quarantine" and too_many(found[0], found[1]):
        action = "stop"
    if action == "quarantine":
        use, reason = f"(SELECT {USAGE_COLUMNS} FROM ({rows}))", f"'ts {expected}'"
        keep_rows(connection, "usage_day", use, ahead, rule="'future_date'", reason=reason)
    examples = tuple(str(row[0]) for row in shown)
    return [Problem("usage", "ts", expected, int(found[0]), examples, FUTURE_REMEDY, action)]


def _totals(connection: duckdb.DuckDBPyConnection, name: str, end: date) -> dict[date, float]:
    """Rows (of usage, events) by day, or by the last day of the grain's period."""
    relation, day, rows = _DATED[name]
    found = connection.execute(
        f"SELECT {day}, CAST(sum({rows}) AS DOUBLE) FROM {relation} WHERE {day} < $1 GROUP BY 1",
        [end],
    ).fetchall()
    return dict(found)


def _earlier(day: date, grain: str) -> Iterator[date]:
    """The same period before: of a day the same weekday, since few people work on Sundays."""
    for number in range(1, _PERIODS + 1):
        if grain == "month":
            month = day.year * 12 + day.month - number  # of the day after that month's last
            yield date(month // 12, month % 12 + 1, 1) - timedelta(days=1)
        else:
            yield day - timedelta(weeks=number)


def _usual(totals: Mapping[date, float], day: date, grain: str) -> float | None:
    """The median of the same periods before; None when there are too few, or too little in them."""
    before = list(_earlier(day, grain))
    if min(before) < min(totals):
        return None
    usual = median(totals.get(period, 0.0) for period in before)
    return usual if usual >= _ENOUGH else None


def _unusual(name: str, totals: Mapping[date, float], settings: CompanySettings) -> list[Problem]:
    """Whether the last period has ten times or a tenth of the usual rows."""
    grain = settings.time.grain if _DATED[name][1] == "day" else "day"
    last = max(totals)
    usual, now = _usual(totals, last, grain), totals[last]
    if usual is None or usual / _FACTOR < now < usual * _FACTOR:
        return []
    what = "events" if name == "usage" else "rows"
    rule = (
        f"must have about as many rows as usual, but the {grain} that ends on {last} has "
        f"{now:,.0f} {what} and usually {usual:,.0f}"
    )
    remedy = "compare the query with the last one, and load what is missing"
    column, action = _SPOKEN.get(name, "ts"), settings.checks.volume
    return [Problem(name, column, rule, int(now), (str(last),), remedy, action)]


def _missing_days(totals: Mapping[date, float], settings: CompanySettings) -> list[Problem]:
    """Days inside the data on which nobody did anything, though the weekday is a busy one."""
    if settings.time.grain != "day":
        return []
    first, last = min(totals), max(totals)
    days = (first + timedelta(days=number) for number in range((last - first).days))
    missing = [
        day for day in days if not totals.get(day) and _usual(totals, day, "day") is not None
    ]
    if not missing:
        return []
    rule = (
        f"must have events on every day, but {len(missing)} busy "
        f"{'day has' if len(missing) == 1 else 'days have'} none"
    )
    remedy = "load the days that are missing"
    examples, action = tuple(map(str, missing[:_EXAMPLES])), settings.checks.missing_day
    return [Problem("usage", "ts", rule, 0, examples, remedy, action)]


def _stale(last: date, settings: CompanySettings, end: date) -> list[Problem]:
    """Whether usage ends long before the data does: everybody would look silent."""
    old = (end - last).days - 1
    if old < settings.checks.fresh_days + GRAIN_DAYS[settings.time.grain]:
        return []
    rule = (
        f"must reach up to the data's end, {end}, but its last day is {last}: "
        f"everybody looks silent for {old} days"
    )
    remedy = "load the newer usage, or set time.data_end to the day after its last"
    return [Problem("usage", "ts", rule, 0, (str(last),), remedy, settings.checks.fresh)]
