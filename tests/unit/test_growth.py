"""Which accounts are ready to grow, and which get no probability."""

from __future__ import annotations

from typing import Any

import pytest

from models.growth import GrowthReason, find_growth

READY: dict[str, Any] = {
    "seats_used": 0.95, "modules_used": 0.5, "health": None, "change": 0.0,
}  # fmt: skip


def test_full_seats_broad_and_steady_use_make_an_account_ready() -> None:
    assert find_growth(**READY) == (
        GrowthReason("seats_full", 0.95),
        GrowthReason("modules_broad", 0.5),
        GrowthReason("use_steady", 0.0),
    )


def test_health_stands_in_place_of_steady_use_where_it_is_known() -> None:
    assert find_growth(**READY | {"health": 80.0, "change": None})[-1] == GrowthReason(
        "health", 80.0
    )
    assert find_growth(**READY | {"health": 50.0}) == ()


@pytest.mark.parametrize(
    "changed",
    [{"seats_used": 0.89}, {"seats_used": None}, {"modules_used": 0.4}, {"change": -0.2},
     {"change": None}],
)  # fmt: skip
def test_an_account_is_not_ready_where_one_reason_fails_or_is_unknown(
    changed: dict[str, float | None],
) -> None:
    assert find_growth(**READY | changed) == ()


def test_a_product_without_modules_does_not_hold_anybody_back() -> None:
    found = find_growth(**READY | {"modules_used": None})
    assert [reason.code for reason in found] == ["seats_full", "use_steady"]
