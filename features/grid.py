"""The as-of dates: midnights, on one grid for every account."""

from __future__ import annotations

from datetime import date, timedelta

from features.settings import GridSettings


def as_of_dates(grid: GridSettings, *, first: date, last: date) -> list[date]:
    """The as-of dates from ``first`` to ``last``, both inclusive.

    Parameters
    ----------
    grid : GridSettings
        ``month`` keeps the day of the month of ``grid.first`` (at most the 28th), ``week`` its
        weekday. Without ``grid.first`` months start on the 1st and weeks on Monday.
    first, last : date
        Midnights. A ``grid.first`` later than ``first`` wins.

    Returns
    -------
    list of date
        Ascending; empty when ``first`` is after ``last``.
    """
    if grid.every == "week":
        start = grid.first or first + timedelta(days=-first.weekday() % 7)
        weeks = (last - start).days // 7
        return [start + timedelta(weeks=week) for week in range(weeks + 1)]
    start = grid.first or _month_start_from(first)
    start = start.replace(day=min(start.day, 28))
    dates = []
    while start <= last:
        dates.append(start)
        start = (start.replace(day=1) + timedelta(days=32)).replace(day=start.day)
    return dates


def _month_start_from(day: date) -> date:
    if day.day == 1:
        return day
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
