"""Ids of snapshots: short, and in the order of publishing; backfilled ones by their dates."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection
from datetime import UTC, date, datetime
from datetime import time as time_of_day

DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # in code point order, so that ids sort as numbers do
ID_DIGITS = 13
NOISE_BITS = 20


def next_snapshot_id(newest: str | None, *, clock_ms: int | None = None) -> str:
    """An id greater than the newest one, even when the clock was set back.

    Parameters
    ----------
    newest : str or None
        The greatest id of the store; None for the first.
    clock_ms : int or None
        Milliseconds since 1970; None asks the clock.
    """
    now = time.time_ns() // 1_000_000 if clock_ms is None else clock_ms
    number = (now << NOISE_BITS) | secrets.randbits(NOISE_BITS)
    if newest is not None:
        number = max(number, _id_number(newest) + 1)
    return _spell(number)


def past_snapshot_id(as_of: date, taken: Collection[str]) -> str:
    """An id for a snapshot that is made later for a past date.

    It stands among the others as if it had been published on that midnight: below all that were
    published since, and in the order of the dates.

    Parameters
    ----------
    as_of : date
    taken : collection of str
        Ids that are not free.
    """
    midnight = datetime.combine(as_of, time_of_day(), UTC)
    number = int(midnight.timestamp() * 1000) << NOISE_BITS
    while (found := _spell(number | secrets.randbits(NOISE_BITS))) in taken:
        pass
    return found


def least_snapshot_id(clock_ms: int) -> str:
    """An id that none of a later moment is below, in milliseconds since 1970."""
    return _spell(clock_ms << NOISE_BITS)


def read_moment(snapshot_id: str) -> datetime:
    """When a snapshot was published, to a millisecond; later where the clock was set back."""
    return datetime.fromtimestamp((_id_number(snapshot_id) >> NOISE_BITS) / 1000, UTC)


def _spell(number: int) -> str:
    places = range(ID_DIGITS - 1, -1, -1)
    return "".join(DIGITS[number // len(DIGITS) ** place % len(DIGITS)] for place in places)


def _id_number(snapshot_id: str) -> int:
    number = 0
    for digit in snapshot_id:
        number = number * len(DIGITS) + DIGITS.index(digit)
    return number
