"""Which drivers stand for an account where there is room for few of them."""

from __future__ import annotations

from collections.abc import Sequence


def choose_reasons(drivers: Sequence[tuple[str, bool]], most: int) -> list[int]:
    """Places of the drivers to show, the strongest first.

    Of each group the strongest alone, since its features often say one thing several times: a first
    term is told by tenure, by the terms before it and by the days since it began. Those that raise
    the probability stand first; what lowers it explains it only where nothing raises it.

    Parameters
    ----------
    drivers : sequence of (str, bool)
        Group of each, and whether it raises the probability; strongest first.
    most : int
        How many are shown.
    """
    raising = [place for place, (_, raises) in enumerate(drivers) if raises]
    seen: set[str] = set()
    chosen = []
    for place in raising or range(len(drivers)):
        group = drivers[place][0]
        if group not in seen:
            seen.add(group)
            chosen.append(place)
    return chosen[:most]
