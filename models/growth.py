"""Accounts that are ready to grow: who is healthy, fills the seats and uses much of the product."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

GrowthCode = Literal["seats_full", "modules_broad", "health", "use_steady"]
GROWTH_CODES: tuple[GrowthCode, ...] = get_args(GrowthCode)
# Of seats used, of modules used, of the health score; and how far use may have fallen.
LEAST_SEATS, LEAST_MODULES, LEAST_HEALTH, MOST_FALL = 0.9, 0.5, 70.0, 0.05


class GrowthReason(NamedTuple):
    """One reason why an account is ready to grow.

    Parameters
    ----------
    code : str
        ``seats_full`` (share of the seats whose users were active in 28 days; above 1 more users
        than seats), ``modules_broad`` (share 0-1 of the modules that were used in 28 days),
        ``health`` (health score 0-100) or ``use_steady`` (change of the use in 28 days to the 28
        before, as a share: 0.1 is a tenth more).
    value : float
        The figure.
    """

    code: GrowthCode
    value: float


def find_growth(
    *,
    seats_used: float | None,
    modules_used: float | None,
    health: float | None,
    change: float | None,
) -> tuple[GrowthReason, ...]:
    """Why an account is ready to grow; empty where one of the reasons fails or is not known.

    Seats must be nearly full. Use must be broad, where the product has modules that are told
    apart. Health must be good; where there is no health score, use must not have fallen.

    Parameters
    ----------
    seats_used, modules_used, health, change : float or None
        As `GrowthReason` tells them; None where not known.
    """
    if seats_used is None or seats_used < LEAST_SEATS:
        return ()
    found = [GrowthReason("seats_full", seats_used)]
    if modules_used is not None:
        if modules_used < LEAST_MODULES:
            return ()
        found.append(GrowthReason("modules_broad", modules_used))
    if health is not None:
        return (*found, GrowthReason("health", health)) if health >= LEAST_HEALTH else ()
    if change is None or change < -MOST_FALL:
        return ()
    return (*found, GrowthReason("use_steady", change))
