"""The oracle's usage and measures: rows as known on a day, and the days of a window."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from tests.property.company import Company, Row


def window_days(as_of: date, length: int, back: int = 0) -> list[date]:
    """The days of a window, its last one ``back + 1`` days before the as-of date."""
    return [as_of - timedelta(days=back + age) for age in range(1, length + 1)]


def last_day_covered(day: date, grain: str) -> date:
    """The last day of the period for which a row of this day stands."""
    if grain == "week":
        return day + timedelta(days=6 - day.weekday())
    if grain == "month":
        return day.replace(day=calendar.monthrange(day.year, day.month)[1])
    return day


def known_usage(company: Company, account_id: str, on: date) -> list[Row]:
    """The account's usage known before ``on``; an event delivered twice counts once."""
    uses: list[Row] = []
    for row in company.tables["usage"]:
        if row["account_id"] != account_id:
            continue
        use = {**row, "count": 1 if row["count"] is None else row["count"]}
        use["raw_count"] = row["count"]
        use["day"] = last_day_covered(row["ts"], company.settings["time"]["grain"])
        use["known"] = max(use["day"], row["known_at"] or row["ts"])
        use["told"] = max(row["ts"], row["known_at"] or row["ts"])
        uses.append(use)
    uses = [use for use in uses if use["count"] > 0]  # of 0 says that nothing happened
    return [use for use in uses if use["known"] < on and not _told_before(use, uses)]


def _told_before(use: Row, uses: list[Row]) -> bool:
    """Whether the same event was told of earlier by another row."""
    return use["event_id"] is not None and any(
        other["event_id"] == use["event_id"] and _told(other) < _told(use) for other in uses
    )


def _told(use: Row) -> tuple[object, ...]:
    """By what the first of several rows is found; on the same day by what they say."""
    said = [use["raw_count"], use["duration_s"], use["session_id"], use["user_id"]]
    return (use["told"], use["ts"], use["event"], *((cell is None, cell) for cell in said))


def known_measures(company: Company, account_id: str, name: str, on: date) -> list[Row]:
    """The account's values of a measure known before ``on``."""
    values = []
    for row in company.tables["measures"]:
        if row["account_id"] != account_id or row["name"] != name:
            continue
        day = last_day_covered(row["ts"], company.settings["time"]["grain"])
        known = max(day, row["known_at"] or row["ts"])
        if known < on:
            values.append({"day": day, "known": known, "value": row["value"]})
    return values
