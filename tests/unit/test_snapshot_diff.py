"""What changed between two snapshots, and whose tier."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.account_score import STATES, TIERS, AccountScore
from models.alert import mark_open
from models.snapshot_diff import (
    Trace,
    compare_snapshots,
    has_changed,
    lost_external_ids,
    trace_account,
)
from models.tier_change import TIER_CHANGE, TierChange, find_tier_changes
from tests.integration.company import DRIVERS, WARNED, due, lost

BEFORE = trace_account(due("A1", 0.30, external_id="X1"))._replace(health_score=65.0)


def test_a_trace_is_a_part_of_the_score_and_the_first_driver() -> None:
    score = due("A1", 0.3)
    trace = trace_account(score)
    assert trace.top_driver == DRIVERS[0].feature
    names = {item.name for item in dataclasses.fields(AccountScore)}
    for name in Trace._fields:
        if name in names:
            assert getattr(trace, name) == getattr(score, name)
    assert trace_account(lost("A2")).top_driver is None
    assert trace_account(due("A3", 0.3, alerts=WARNED)).open_warnings == mark_open(WARNED)


@pytest.mark.parametrize(
    ("changes", "changed"),
    [
        ({}, False),
        ({"loss_probability": 0.309}, False),
        ({"loss_probability": 0.31}, True),
        ({"loss_probability": 0.29}, True),
        ({"loss_probability": None}, True),
        ({"risk_tier": "high"}, True),
        ({"risk_tier": None}, True),
        ({"state": "renewed"}, True),
        ({"top_driver": "plan"}, True),
        ({"top_driver": None}, False),  # a snapshot of before it was written down
        ({"external_id": "X2"}, True),
        ({"basis": "churn"}, True),
        ({"decision_date": date(2027, 5, 1)}, True),
        ({"arr": None}, True),
        ({"arr": 2 * (BEFORE.arr or 1.0)}, True),
        ({"arr": 1.001 * (BEFORE.arr or 1.0)}, False),
        ({"health_score": 60.0}, True),
        ({"health_score": 64.9}, False),
        ({"health_score": None}, True),
        ({"open_warnings": "|poor_fit|"}, True),
        ({"owner": "other", "segment": "other", "region": None}, False),
    ],
)
def test_an_account_has_changed_by_tier_state_driver_point_or_record_in_the_crm(
    changes: dict[str, Any], changed: bool
) -> None:
    after = BEFORE._replace(**changes)
    assert has_changed(BEFORE, after) is changed
    assert has_changed(after, BEFORE) is changed


@pytest.mark.parametrize("low", range(100))
def test_every_full_point_counts_however_it_is_rounded(low: int) -> None:
    before = BEFORE._replace(loss_probability=low / 100)
    assert has_changed(before, before._replace(loss_probability=(low + 1) / 100))
    assert not has_changed(before, before._replace(loss_probability=(low + 0.99) / 100))


def test_the_amount_that_counts_can_be_set() -> None:
    after = BEFORE._replace(loss_probability=0.34)
    assert has_changed(BEFORE, after, points=0.04)
    assert not has_changed(BEFORE, after, points=0.05)


def test_new_accounts_and_those_that_are_gone_are_told_apart_from_changed_ones() -> None:
    before = [trace_account(due(name, 0.3)) for name in ("same", "moved", "gone")]
    after = [trace_account(due("new", 0.3)), before[0], before[1]._replace(loss_probability=0.9)]
    found = compare_snapshots(before, after)
    assert (found.changed, found.new, found.gone) == (("moved",), ("new",), (before[2],))
    assert compare_snapshots(before, before) == compare_snapshots([], [])


def test_of_a_caller_who_sees_a_part_an_account_that_left_the_part_is_gone() -> None:
    before = [trace_account(due("A1", 0.3, owner="ann"))]
    after = [trace_account(due("A1", 0.3, owner="bob"))]

    def seen(traces: list[Trace], owner: str) -> list[Trace]:
        return [trace for trace in traces if trace.owner == owner]

    assert compare_snapshots(seen(before, "ann"), seen(after, "ann")).gone == tuple(before)
    assert compare_snapshots(seen(before, "bob"), seen(after, "bob")).new == ("A1",)


def test_an_external_id_is_lost_with_its_account_or_when_the_account_gets_another() -> None:
    before = [
        BEFORE._replace(account_id=name, external_id=crm)
        for name, crm in (("kept", "X1"), ("gone", "X2"), ("other", "X3"), ("never", None))
    ]
    after = [before[0], before[2]._replace(external_id="X4")]
    assert [one.external_id for one in lost_external_ids(before, after)] == ["X2", "X3"]
    taken_over = [*after, BEFORE._replace(account_id="heir", external_id="X2")]
    assert [one.external_id for one in lost_external_ids(before, taken_over)] == ["X3"]


traces = st.builds(
    Trace,
    account_id=st.sampled_from("ABCDEF"),
    state=st.sampled_from(STATES),
    external_id=st.none() | st.sampled_from("XYZ"),
    loss_probability=st.none() | st.sampled_from([0.1, 0.105, 0.11, 0.9]),
    risk_tier=st.none() | st.sampled_from(TIERS),
    top_driver=st.none() | st.sampled_from("pq"),
)
books = st.lists(traces, max_size=6, unique_by=lambda trace: trace.account_id)


@given(before=books, after=books)
def test_what_is_told_otherwise_is_all_that_a_plain_loop_finds(
    before: list[Trace], after: list[Trace]
) -> None:
    found = compare_snapshots(before, after)
    old = {one.account_id: one for one in before}
    new = {one.account_id: one for one in after}
    for name in "ABCDEF":
        assert (name in found.new) == (name in new and name not in old)
        assert (name in [one.account_id for one in found.gone]) == (name in old and name not in new)
        both = name in old and name in new
        assert (name in found.changed) == (both and has_changed(old[name], new[name]))
    tiers = {
        change.account_id: (change.before, change.after)
        for change in find_tier_changes("S", "demo", before, after)
    }
    for name in "ABCDEF":
        pair = tuple(side[name].risk_tier if name in side else None for side in (old, new))
        assert tiers.get(name, (None, None)) == (pair if pair[0] != pair[1] else (None, None))


def test_a_change_of_tier_has_the_columns_of_a_row_filter_as_of_now_or_as_they_last_were() -> None:
    before = [trace_account(due("moved", 0.1, owner="ann")), trace_account(due("gone", 0.9))]
    after = [trace_account(due("moved", 0.9, owner="bob")), trace_account(due("new", 0.1))]
    gone, moved, new = find_tier_changes("S1", "demo", before, after)
    assert moved == TierChange(
        snapshot_id="S1", account_id="moved", company="demo", external_id="001moved",
        parent_id="P1", segment="smb", account_tier="gold", region="emea", owner="bob",
        before="low", after="high",
    )  # fmt: skip
    assert (gone.account_id, gone.before, gone.after, gone.owner) == (
        "gone",
        "high",
        None,
        "team-1",
    )
    assert (new.account_id, new.before, new.after) == ("new", None, "low")
    assert set(moved.to_row()) == {column.name for column in TIER_CHANGE.columns}


def test_a_tier_that_stays_is_no_change() -> None:
    same = [trace_account(due("A1", 0.9)), trace_account(lost("A2"))]
    moved = [same[0]._replace(loss_probability=0.5), same[1]]
    assert find_tier_changes("S1", "demo", same, moved) == []
