"""The oracle's usage: what an account had done before a day, and how much that was."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from tests.property.company import Company, Row
from tests.property.oracle_money import ratio
from tests.property.oracle_use import known_usage, window_days

Value = float | str | None
WINDOWS = (7, 28, 91)


class Past:
    """The usage of an account that was known before an as-of date."""

    def __init__(self, company: Company, account_id: str, as_of: date) -> None:
        self.kinds = company.settings["catalogue"]
        self.as_of = as_of
        self.uses = known_usage(company, account_id, as_of)

    def window(self, length: int, back: int = 0) -> list[Row]:
        """The rows of a window."""
        days = window_days(self.as_of, length, back)
        return [use for use in self.uses if use["day"] in days]

    def of_kind(self, uses: Iterable[Row], flag: str) -> list[Row]:
        """Those rows whose event is of a kind, such as ``core``."""
        return [use for use in uses if self.kinds.get(use["event"], {}).get(flag)]

    def value(self, length: int, back: int = 0) -> float:
        """The value actions in a window."""
        return count(self.of_kind(self.window(length, back), "value_action"))

    @property
    def days(self) -> list[date]:
        """All days with use, in order."""
        return sorted({use["day"] for use in self.uses})

    @property
    def age(self) -> int | None:
        """Days since the first use."""
        return (self.as_of - self.days[0]).days if self.days else None

    def once_used_for(self, days: int, figure: float | None) -> float | None:
        """The figure, once the first use lies so many days back."""
        return figure if self.age is not None and self.age >= days else None


def count(uses: Iterable[Row]) -> float:
    """How many events these rows stand for."""
    return float(sum(use["count"] for use in uses))


def seconds(uses: Iterable[Row]) -> float:
    """Time online."""
    return float(sum(use["duration_s"] or 0 for use in uses))


def sessions(uses: Iterable[Row]) -> int:
    """Sessions; one counts once for each user and day."""
    return len(
        {(u["user_id"], u["day"], u["session_id"]) for u in uses if u["session_id"] is not None}
    )


def users(uses: Iterable[Row]) -> set[str]:
    """The users who are known."""
    return {use["user_id"] for use in uses if use["user_id"] is not None}


def usage_features(
    past: Past, seats: float | None, days_to_decision: float | None
) -> dict[str, Value]:
    """Every feature of the groups activity and value, and how much hangs on one user."""
    found: dict[str, Value] = {}
    for length in WINDOWS:
        uses = past.window(length)
        found[f"events_{length}d"] = count(uses)
        found[f"active_users_{length}d"] = len(users(uses))
        found[f"active_days_{length}d"] = len({use["day"] for use in uses})
        found[f"value_actions_{length}d"] = past.value(length)
        found[f"page_views_{length}d"] = count(past.of_kind(uses, "view"))
        found[f"hours_online_{length}d"] = seconds(uses) / 3600
        found[f"sessions_{length}d"] = sessions(uses)
    found["days_since_use"] = (past.as_of - past.days[-1]).days if past.days else None
    found["first_use_days"] = past.age  # no feature of its own; tenure reads it
    found["longest_silence_91d"] = _longest_silence(past)
    return found | _month_features(past) | _value_features(past, seats, days_to_decision)


def _month_features(past: Past) -> dict[str, Value]:
    """What a user, a session or a day of the last 28 comes to."""
    month = past.window(28)
    here, visits, views = len(users(month)), sessions(month), count(past.of_kind(month, "view"))
    user_days = len({(u["user_id"], u["day"]) for u in month if u["user_id"] is not None})
    by_user = [count(u for u in month if u["user_id"] == user) for user in users(month)]
    return {
        "stickiness_28d": ratio(user_days / 28, here),
        "dau_28d": user_days / 28,
        "wau_over_mau": ratio(len(users(past.window(7))), here),
        "events_per_user_28d": ratio(count(month), here),
        "hours_per_user_28d": ratio(seconds(month) / 3600, here),
        "sessions_per_user_28d": ratio(visits, here),
        "events_per_session_28d": ratio(count(month), visits),
        "minutes_per_session_28d": ratio(seconds(month) / 60, visits),
        "views_per_session_28d": ratio(views, visits),
        "top_user_share_28d": ratio(max(by_user, default=0.0), count(month)),
    }


def _longest_silence(past: Past) -> int | None:
    """The longest run of days without use in the last 91, none of them before the first use."""
    if not past.days:
        return None
    longest = run = 0
    for age in range(91, 0, -1):
        day = past.as_of - timedelta(days=age)
        run = 0 if day in past.days or day < past.days[0] else run + 1
        longest = max(longest, run)
    return longest


def _value_features(
    past: Past, seats: float | None, days_to_decision: float | None
) -> dict[str, Value]:
    month, value = past.window(28), past.value(28)
    had = [use["day"] for use in past.of_kind(past.uses, "value_action")]
    near = days_to_decision is not None and 0 <= days_to_decision <= 60
    lately, before = past.value(60) / 60, past.value(122, 60) / 122
    daily = [past.value(1, age) * (2 if age < 60 else 1) for age in range(182)]
    return {
        "value_share_28d": ratio(value, count(month)),
        "value_per_user_28d": ratio(value, len(users(month))),
        "value_per_view_28d": ratio(value, count(past.of_kind(month, "view"))),
        "value_per_seat_28d": ratio(value, seats),
        "days_since_value": (past.as_of - max(had)).days if had else None,
        "recent_value_a_day": sum(daily) / (2 * 60 + 122),
        "value_before_decision": past.once_used_for(182, lately / before - 1)
        if near and before
        else None,
    }
