"""Texts that a spreadsheet would run, made harmless."""

from __future__ import annotations

import re

# What begins a formula, = + - @; then their full-width, small, raised and lowered forms and the
# minus sign, which some spreadsheets fold to the plain ones.
_MARK = (
    "=+\\-@"
    "\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207c\u207a\u207b\u208c\u208a\u208b\u2212"
)
# What may be passed over before it: white space, control and zero-width characters, quotes.
_PASSED = r"[\s\x00-\x1f\x7f\u00ad\u200b-\u200f\u2060\ufeff\"']*"
_BEGINS = re.compile(rf"[\t\r\n]|{_PASSED}[{_MARK}]")
# A spreadsheet set to another separator ends the cell earlier, and the rest begins one.
_INSIDE = re.compile(rf"([,;|\t\r\n]{_PASSED})([{_MARK}])")


def harmless_text(text: str) -> str:
    """The text with an apostrophe wherever a spreadsheet would begin a formula.

    Numbers are no texts: they are written as they are, also below zero.

    Parameters
    ----------
    text : str
        Of a user's table, or made of such.

    References
    ----------
    OWASP, "CSV Injection": the characters, and that separators begin cells too.
    """
    inside = _INSIDE.sub(r"\1'\2", text)
    return f"'{inside}" if _BEGINS.match(text) else inside
