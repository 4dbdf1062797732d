"""What may be published, and what the ids and totals of a snapshot are."""

from __future__ import annotations

import dataclasses
import json
import math
from datetime import UTC, date, datetime
from typing import Any

import pytest

from features.errors import InputError, InvariantError
from models.account_score import AccountScore, Driver
from models.database import Database
from models.health import Health
from models.snapshot import Snapshot, total_money
from models.snapshot_check import TEXTS, validate_snapshot
from models.snapshot_id import next_snapshot_id, past_snapshot_id, read_moment
from models.store_row import read_score, score_row
from models.store_table import ACCOUNT_SCORE


def published(*scores: AccountScore) -> Snapshot:
    return Snapshot(
        as_of=date(2026, 11, 1),
        data_end=date(2026, 11, 1),
        company="demo",
        currency=None,
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
        models={},
        thresholds=None,
        scores=scores,
        config_hash="",
    )


def account(account_id: str = "A1", **changes: Any) -> AccountScore:
    return AccountScore(account_id=account_id, **{"state": "to_decide", **changes})


def healthy(score: float) -> Health:
    return Health(
        score=score, outcome=score, experience=None, coverage=0.8, profile="standard", factors=()
    )


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"churn_probability": math.nan}, "churn_probability is nan"),
        ({"loss_probability": 1.01}, "loss_probability is 1.01, outside 0-1"),
        ({"arr": math.inf}, "arr is inf"),
        ({"arr_under_notice": math.nan}, "arr_under_notice is nan"),
        ({"north_star": math.inf}, "north_star is inf"),
        ({"health": healthy(101.0)}, "health_score is 101.0, outside 0-100"),
        ({"state": "gone"}, "unknown state 'gone'"),
        ({"basis": "guess"}, "unknown basis 'guess'"),
        ({"risk_tier": "red"}, "unknown risk tier 'red'"),
        ({"state": "renewed", "arr_at_risk": 1.0}, "state renewed carries ARR at risk"),
        ({"abstained": "no idea"}, "unknown abstention 'no idea'"),
        ({"abstained": "interval_too_wide", "loss_probability": 0.5}, "has loss_probability"),
        ({"abstained": "too_little_history", "risk_tier": "low"}, "abstained, but has risk_tier"),
        ({"loss_probability": 0.5, "loss_probability_low": 0.4}, "one end of the interval"),
        (
            {"loss_probability_low": 0.4, "loss_probability_high": 0.6, "loss_probability": 0.7},
            "loss_probability is 0.7, outside its interval 0.4-0.6",
        ),
        ({"loss_probability_low": 0.4, "loss_probability_high": 0.6}, "outside its interval"),
        ({"contributions": {"usage": math.nan}}, "not finite"),
        ({"drivers": (Driver("f", "g", "t", math.nan, None, 0.1),)}, "not finite"),
        ({"drivers": (Driver("f", "g", "t", 1.0, None, 0.1, points=math.nan),)}, "not finite"),
        ({"drivers": (Driver("f", "g", "t", 1.0, None, 0.1, previous=math.inf),)}, "not finite"),
    ],
)
def test_a_score_that_contradicts_itself_is_our_fault(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(InvariantError, match=f"account A1: .*{fault}"):
        validate_snapshot(published(account(**changes)))


def test_an_account_that_occurs_twice_is_our_fault() -> None:
    with pytest.raises(InvariantError, match="account A1 occurs 2 times"):
        validate_snapshot(published(account(), account()))


def test_texts_that_no_database_keeps_are_all_named_with_their_remedy() -> None:
    scores = (account("A1", name="a\x00b"), account("A2", owner="\ud800"), account("x" * 513))
    with pytest.raises(InputError) as caught:
        validate_snapshot(published(*scores))
    found = [(problem.column, problem.examples) for problem in caught.value.problems]
    assert found == [("name", ("A1",)), ("owner", ("A2",)), ("account_id", ("x" * 40,))]


def test_every_text_column_is_checked_and_every_field_has_a_column() -> None:
    fields = {item.name: str(item.type) for item in dataclasses.fields(AccountScore)}
    assert {name for name, kind in fields.items() if kind in ("str", "str | None")} == set(TEXTS)
    assert {column.name for column in ACCOUNT_SCORE.columns} == {
        *fields, "snapshot_id", "top_driver", "health_score", "open_warnings", "search_text"
    }  # fmt: skip


def test_a_driver_of_an_older_snapshot_is_read_without_what_it_did_not_know() -> None:
    driver = Driver("f", "g", "t", 2.0, None, -0.1, previous=1.0, peer_low=0.0, points=-0.02)
    row = score_row("s", 1, account(drivers=(driver,)))
    assert read_score(row).drivers == (driver,)
    stored = json.loads(row["drivers"])[0]
    older = {name: stored[name] for name in ("feature", "group", "text", "value", "unit")}
    row["drivers"] = json.dumps([older | {"contribution": -0.1}])
    (found,) = read_score(row).drivers
    assert (found.previous, found.peer_low, found.peer_high, found.points) == (None,) * 4
    assert found.direction == "lowers"
    row["drivers"] = json.dumps([stored | {"of_a_later_version": 1}])
    assert read_score(row).drivers == (driver,)


def test_totals_are_null_when_money_is_known_nowhere_and_zero_when_nobody_counts() -> None:
    unknown = total_money([account(basis="churn", risk_tier="high")])
    assert (unknown.arr_at_risk, unknown.arr_high_tier) == ({"churn": None}, None)
    known = total_money([account(arr=10.0, basis="churn", arr_at_risk=1.0, risk_tier="low")])
    assert (known.arr_at_risk, known.arr_high_tier, known.arr_notice_given) == (
        {"churn": 1.0}, 0.0, 0.0
    )  # fmt: skip


def test_arr_under_notice_is_that_of_the_contracts_and_not_of_the_whole_account() -> None:
    beside_an_open_one = account("A1", arr=1000.0, arr_under_notice=700.0)
    beside_an_auto_renewed = account("A2", state="notice_given", arr=1000.0, arr_under_notice=100.0)
    assert total_money([beside_an_open_one, beside_an_auto_renewed]).arr_notice_given == 800.0
    unpriced = account("A3", state="notice_given", arr=5.0)
    assert total_money([unpriced]).arr_notice_given is None
    assert total_money([unpriced, beside_an_open_one]).arr_notice_given == 700.0


def test_snapshot_ids_rise_even_when_the_clock_was_set_back() -> None:
    newest = None
    for clock_ms in (1_800_000_000_000, 1_800_000_000_001, 5, 5, 1_900_000_000_000):
        later = next_snapshot_id(newest, clock_ms=clock_ms)
        assert len(later) == 13
        assert newest is None or later > newest
        newest = later


def test_ids_of_past_dates_stand_in_their_order_before_what_was_published_since() -> None:
    days = [date(2026, 9, 30), date(2026, 10, 1), date(2026, 11, 1)]
    taken = {past_snapshot_id(day, set()) for day in days}
    ids = [past_snapshot_id(day, taken) for day in days]
    assert ids == sorted(ids)
    assert not taken & set(ids)
    midnight = datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1000
    assert ids[1] < next_snapshot_id(None, clock_ms=int(midnight)) < next_snapshot_id(ids[2])
    assert read_moment(ids[0]) == datetime(2026, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "url", ["", "store.db", "sqlite://", "sqlite:///:memory:", "mysql://x/y", "postgres://h/d"]
)
def test_a_url_of_another_database_is_refused_with_examples(url: str) -> None:
    with pytest.raises(InputError, match=r"store\.url: .*write sqlite:///folder/store\.db"):
        Database(url)
