"""The two forms of a Salesforce id: 15 characters, and the same with three that tell its case."""

from __future__ import annotations

import re

SHORT = re.compile(r"[0-9A-Za-z]{15}")
SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"  # 32: one for each pattern of five capitals
PART = 5


def to_long_id(short: str) -> str | None:
    """The 18-character form of an id of 15 characters; None for a text that is no such id.

    Parameters
    ----------
    short : str
        Case matters: two ids may differ in it alone.

    References
    ----------
    Salesforce, "What are Salesforce ID composed of?": each of the three signs tells, as a binary
    number whose lowest bit is the leftmost character, which of five characters are capitals.
    """
    if not SHORT.fullmatch(short):
        return None
    parts = (short[start : start + PART] for start in range(0, len(short), PART))
    return short + "".join(
        SIGNS[sum(1 << place for place, sign in enumerate(part) if "A" <= sign <= "Z")]
        for part in parts
    )


def other_form(identifier: str) -> str | None:
    """The other form of a Salesforce id; None for any other text."""
    if len(identifier) == 15:
        return to_long_id(identifier)
    return identifier[:15] if to_long_id(identifier[:15]) == identifier else None
