"""Which accounts are ready to grow, and which get no probability."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from models.account_score import AccountScore
from models.growth import GrowthReason, find_growth
from models.unscored import Unscored, find_unscored
from tests.integration.company import due, lost

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


def test_accounts_without_a_probability_are_told_by_reason() -> None:
    young = AccountScore(
        account_id="Y", state="too_little_history", abstained="too_little_history", arr=10.0
    )
    wide = AccountScore(account_id="W", state="to_decide", abstained="interval_too_wide")
    no_model = AccountScore(account_id="N", state="no_term", arr=5.0)
    scores = [due("A", 0.4), lost("L"), young, replace(young, account_id="Z"), wide, no_model]
    assert find_unscored(scores) == [
        Unscored("too_little_history", ("Y", "Z"), 20.0),
        Unscored("interval_too_wide", ("W",), None),
        Unscored("no_model", ("N",), 5.0),
    ]
