"""Words for people: a feature's value as a driver in plain language."""

from __future__ import annotations

import math

from features.catalogue import Feature
from features.phrase import AS_GIVEN

_MINUS = "\N{MINUS SIGN}"


def describe(feature: Feature, value: float | str | None, *, currency: str) -> str:
    """The driver's text: the catalogue's wording with the value in it.

    Parameters
    ----------
    feature : Feature
    value : float, str or None
        None or NaN: missing, which has a wording of its own.
    currency : str
        Reporting currency, for money.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return feature.text_missing or fill_in(feature.text, "unknown")
    text = feature.text
    if feature.text_below_zero and not isinstance(value, str) and value < 0:
        text, value = feature.text_below_zero, -value
    return fill_in(text, format_value(value, feature.unit, currency=currency))


def fill_in(text: str, value: str) -> str:
    """The wording of a value as people read it, nouns marked by ``{s}`` in their number.

    What is counted at the text's beginning is "no ticket" instead of "0 tickets".
    """
    if value == "0" and text.startswith("{value} ") and "{s}" in text:
        return text.replace("{value}", "no").replace("{s}", "")
    return text.replace("{s}", "" if value == "1" else "s").replace("{value}", value)


def format_value(value: float | str, unit: str, *, currency: str) -> str:
    """A value as people read it: no more digits than it deserves.

    Parameters
    ----------
    value : float or str
        A category, or a number in the unit.
    unit : str
        As the catalogue says: share (0-1), ratio (may exceed 1), change, percentage points, money,
        flag, or what is counted.
    currency : str
    """
    if isinstance(value, str):
        return value
    if unit in ("share", "share of ARR", "ratio"):
        return f"{100 * value:.0f} %"
    if unit == "percentage points":
        return f"{100 * value:.0f} points"
    if unit == "change":
        return f"{'+' if value > 0 else _MINUS if value < 0 else '±'}{abs(100 * value):.0f} %"
    if unit == "money":
        return f"{currency} {_number(value)}"
    if unit == "flag":
        return "yes" if value else "no"
    if unit == AS_GIVEN and abs(value) < 100 and value != round(value):
        return f"{value:.3g}".replace("-", _MINUS)
    return _number(value)


def _number(value: float) -> str:
    whole = abs(value) >= 100 or value == round(value)
    return f"{value:,.0f}".replace("-", _MINUS) if whole else f"{value:,.1f}".replace("-", _MINUS)
