"""Lengths of time as people write them: ``90d``, ``12h``."""

from __future__ import annotations

import re
from datetime import timedelta

from features.errors import InputError, Problem

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
SHAPE = re.compile(r"([0-9]{1,6})([mhdw])")
LONGEST = timedelta(days=3650)


def read_duration(text: str, option: str) -> timedelta:
    """The length of time that an option gives.

    Parameters
    ----------
    text : str
        A whole number and its unit: m (minutes), h, d or w. At most ten years.
    option : str
        Its name, for the message.

    Raises
    ------
    InputError
        It is no such text.
    """
    found = SHAPE.fullmatch(text.strip())
    length = timedelta(**{UNITS[found[2]]: int(found[1])}) if found else None
    if length is None or length > LONGEST:
        rule = f"{text!r} is no length of time of at most {LONGEST.days} days"
        raise InputError([Problem(option, "", rule, remedy="write one like 90d, 12h or 30m")])
    return length
