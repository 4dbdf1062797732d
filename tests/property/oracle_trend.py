"""The oracle's trends: windows against earlier windows, and the last weeks one by one."""

from __future__ import annotations

import itertools

from tests.property.oracle_adoption import module_of
from tests.property.oracle_money import change, ratio
from tests.property.oracle_usage import Past, Value, count, seconds, sessions, users


def trend_features(past: Past) -> dict[str, Value]:
    """Every feature of the group trend."""
    found: dict[str, Value] = {}
    for length in (7, 28, 91):
        now, before = past.window(length), past.window(length, length)
        changes = {
            "events": change(count(now), count(before)),
            "users": change(len(users(now)), len(users(before))),
            "value": change(past.value(length), past.value(length, length)),
            "hours": change(seconds(now), seconds(before)),
            "sessions": change(sessions(now), sessions(before)),
            "active_days": len({u["day"] for u in now}) - len({u["day"] for u in before}),
        }
        for module in ("report", "data"):
            here = [use for use in now if module_of(past, use) == module]
            earlier = [use for use in before if module_of(past, use) == module]
            changes[module] = change(count(here), count(earlier))
        for name, figure in changes.items():
            found[f"{name}_change_{length}d"] = past.once_used_for(2 * length, figure)
    usual = change(count(past.window(28)) / 28, count(past.window(91, 28)) / 91)
    found["events_vs_usual"] = past.once_used_for(28 + 91, usual)
    value_usual = change(past.value(28) / 28, past.value(91, 28) / 91)
    found["value_vs_usual"] = past.once_used_for(28 + 91, value_usual)
    for module in ("report", "data"):
        found |= _usual_week(past, module)
    return found | _week_features(past)


def _usual_week(past: Past, module: str) -> dict[str, Value]:
    week, earlier = (
        count(use for use in uses if module_of(past, use) == module)
        for uses in (past.window(7), past.window(91, 7))
    )
    usual = earlier / 13
    return {
        f"{module}_usual_week": past.once_used_for(7 + 91, usual),
        f"{module}_vs_usual_7d": past.once_used_for(7 + 91, change(week, usual)),
    }


def _week_features(past: Past) -> dict[str, Value]:
    weeks = [count(past.window(7, 7 * week)) for week in range(26)]  # the newest first
    year_half = change(weeks[0], max(weeks))
    newest = weeks[:12]
    declining = 0
    for week, before in itertools.pairwise(newest):
        if week >= before:
            break
        declining += 1
    slope = ratio(_slope(newest[::-1]), sum(newest) / 12)
    return {
        "events_vs_best_week": past.once_used_for(7 * 26, year_half),
        "weeks_declining": past.once_used_for(7 * 12, declining),
        "events_slope_12w": past.once_used_for(7 * 12, slope),
    }


def _slope(values: list[float]) -> float:
    """The slope of the straight line of least squares through values one week apart."""
    weeks = range(len(values))
    mean_week, mean = sum(weeks) / len(values), sum(values) / len(values)
    above = sum((w - mean_week) * (v - mean) for w, v in zip(weeks, values, strict=True))
    return above / sum((week - mean_week) ** 2 for week in weeks)
