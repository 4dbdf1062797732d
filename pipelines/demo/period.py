"""The demo's time span, and days as numbers.

Inside the generator a day is a whole number, 0 being ``ORIGIN``; written tables hold real dates.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

Days = npt.NDArray[np.int64]

ORIGIN = date(2021, 8, 1)  # the oldest contract starts on or after this day
DATA_START = (date(2024, 8, 1) - ORIGIN).days  # the first day with usage
DATA_END = (date(2026, 11, 1) - ORIGIN).days  # exclusive
WINDOW = DATA_END - DATA_START


def day_of(when: date) -> int:
    """Day number of a date."""
    return (when - ORIGIN).days


def date_of(day: int) -> date:
    """Date of a day number."""
    return date.fromordinal(ORIGIN.toordinal() + day)


def add_months(day: int, months: int) -> int:
    """Day number `months` later on the same day of the month, which must be at most the 28th."""
    when = date_of(day)
    count = when.year * 12 + when.month - 1 + months
    return day_of(date(count // 12, count % 12 + 1, when.day))


def early_in_month(day: int) -> int:
    """The same day, or the 28th when it falls later in its month."""
    return day - max(0, date_of(day).day - 28)


def month_starts() -> Days:
    """Day numbers of every first of a month from the first day with usage to the end, inclusive."""
    days = [DATA_START]
    while days[-1] < DATA_END:
        days.append(add_months(days[-1], 1))
    return np.array(days, dtype=np.int64)
