"""Whether what the configuration says of the health score can be had at all."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from features.catalogue import possible_units
from features.north_star import CHANGE, change_names
from features.settings import CompanySettings
from models.health_settings import NORTH_STAR, HealthSettings

Fault = tuple[str, str, str]  # key, what is wrong, remedy
_CLOSEST = 3


def health_faults(company: CompanySettings, health: HealthSettings) -> Iterator[Fault]:
    """Features that no company under this configuration can have, and a north star without change.

    Parameters
    ----------
    company : CompanySettings
        Windows, measures, events, attributes and own features, which give the names.
    health : HealthSettings
    """
    named = {
        f"health.profiles.{place}.factors.{at}.feature": factor.feature
        for place, profile in enumerate(health.profiles)
        for at, factor in enumerate(profile.factors)
    }
    # The default is none where there is no window of 28 days: the company then has no north star.
    if health.north_star != NORTH_STAR:
        named["health.north_star"] = health.north_star
    if not named:
        return
    units = possible_units(company)
    for key, name in named.items():
        if name not in units:
            yield key, f"{name} is no number of the feature catalogue", _remedy(name, list(units))
        elif key == "health.north_star" and not any(
            units.get(change) == CHANGE for change in change_names(name)
        ):
            fitting = ", ".join(name for name in units if _has_change(name, units))
            yield key, f"{name} has no change to the span before", f"give one of {fitting}"


def _has_change(name: str, units: dict[str, str]) -> bool:
    return any(units.get(change) == CHANGE for change in change_names(name))


def _remedy(name: str, known: list[str]) -> str:
    alike = get_close_matches(name, known, _CLOSEST)
    if alike:
        return f"did you mean {' or '.join(alike)}?"
    return "keepwell features lists them; what is a category cannot be scored"
