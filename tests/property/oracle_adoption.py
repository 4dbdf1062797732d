"""The oracle's adoption: what of the product is used, by whom, and what no longer."""

from __future__ import annotations

from collections.abc import Iterable

from tests.property.company import Row
from tests.property.oracle_money import ratio
from tests.property.oracle_usage import WINDOWS, Past, Value, count, users


def module_of(past: Past, use: Row) -> str | None:
    """The module of a row's event, as the configuration says."""
    module: str | None = past.kinds.get(use["event"], {}).get("module")
    return module


def adoption_features(past: Past, seats: float | None) -> dict[str, Value]:
    """Every feature of the group adoption that usage tells of."""
    month, before, quarter = past.window(28), past.window(28, 28), past.window(91)
    core = {event for event, kind in past.kinds.items() if kind.get("core")}
    modules = {kind["module"] for kind in past.kinds.values() if "module" in kind}
    earlier = _modules(past, past.window(91, 91))
    core_used = _events(month) & core
    shallow = not core_used and not past.value(28)
    found: dict[str, Value] = {
        "features_used_28d": len(_events(month)),
        "modules_used_28d": len(_modules(past, month)),
        "modules_change_91d": past.once_used_for(182, len(_modules(past, quarter)) - len(earlier)),
        "core_share_28d": len(core_used) / len(core),
        "features_share_91d": len(_events(quarter) & set(past.kinds)) / len(past.kinds),
        "modules_share_91d": len(_modules(past, quarter)) / len(modules),
        "features_change_28d": past.once_used_for(56, len(_events(month)) - len(_events(before))),
        "core_features_unused_91d": len(core - _events(quarter)),
        "module_concentration_28d": _concentration(past, month),
        "only_shallow_28d": int(shallow) if month else None,
    }
    for event in core:
        found[f"{event}_used_28d"] = int(event in _events(month))
    for module in modules:
        here = [use for use in month if module_of(past, use) == module]
        found[f"{module}_events_28d"] = count(here)
    for length in WINDOWS:
        now = past.window(length)
        dropped = _modules(past, past.window(length, length)) - _modules(past, now)
        found[f"login_ratio_{length}d"] = ratio(len(users(now)), seats)
        found[f"modules_dropped_{length}d"] = past.once_used_for(2 * length, len(dropped))
        found[f"hard_to_leave_{length}d"] = len(_events(past.of_kind(now, "hard_to_leave")))
    return found | _user_features(past, month, before)


def _user_features(past: Past, month: list[Row], before: list[Row]) -> dict[str, Value]:
    lost = users(before) - users(month)
    rate = ratio(len(lost), len(users(before)))
    return {
        "users_gained_28d": past.once_used_for(56, len(users(month) - users(before))),
        "users_lost_28d": past.once_used_for(56, len(lost)),
        "user_loss_rate_28d": past.once_used_for(56, rate),
    }


def _events(uses: Iterable[Row]) -> set[str]:
    return {use["event"] for use in uses}


def _modules(past: Past, uses: Iterable[Row]) -> set[str]:
    return {module for use in uses if (module := module_of(past, use)) is not None}


def _concentration(past: Past, uses: list[Row]) -> float | None:
    """The sum of the squared shares of the modules."""
    sizes = [
        count(use for use in uses if module_of(past, use) == module)
        for module in sorted(_modules(past, uses))
    ]
    return sum((size / sum(sizes)) ** 2 for size in sizes) if sizes else None
