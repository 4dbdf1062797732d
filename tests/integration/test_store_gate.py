"""Gates, outbox and retention of a publish, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.errors import InputError, InvariantError
from models.settings import PublishSettings, RetentionSettings
from models.snapshot import Snapshot
from models.snapshot_diff import compare_snapshots, trace_account
from models.snapshot_id import least_snapshot_id
from models.store import SnapshotStore
from models.tier_change import TIER_CHANGE, TierChange
from tests.integration.company import due, lost, snapshot

GATE = PublishSettings()


def book(count: int, loss: float = 0.3, **changes: str) -> Snapshot:
    return snapshot(*(due(f"A{n:02}", loss) for n in range(count)), **changes)


def test_a_snapshot_that_is_held_back_changes_nothing_and_names_every_reason(
    store: SnapshotStore,
) -> None:
    old = store.publish(book(40), gate=GATE)
    with pytest.raises(InputError) as caught:
        store.publish(book(30, 0.9), gate=GATE)
    columns = [problem.column for problem in caught.value.problems]
    assert columns == ["max_fewer", "max_missing", "max_mean_shift"]
    header = store.current()
    assert header is not None
    assert (header.snapshot_id, header.forced, header.previous_id) == (old, (), None)
    assert store.tier_changes() == []


def test_a_forced_publish_has_the_reasons_against_it_in_its_header(store: SnapshotStore) -> None:
    old = store.publish(book(40), gate=GATE, force=True)
    new = store.publish(book(30), gate=GATE, force=True)
    first, header = store.header(old), store.current()
    assert first is not None
    assert header is not None
    assert first.forced == ()
    missing = "10 are missing (25.0%), more than 20.0%; seen: A30, A31, A32"
    assert (header.snapshot_id, header.previous_id) == (new, old)
    assert header.forced == (
        "publish.max_fewer: 30 accounts after 40 are 25.0% fewer, more than 20.0%",
        f"publish.max_missing: of the 40 served accounts, {missing}",
    )
    passed = store.publish(book(30), gate=GATE, force=True)
    later = store.header(passed)
    assert later is not None
    assert later.forced == ()


def test_what_is_no_number_or_no_share_is_never_published_not_even_by_force(
    store: SnapshotStore,
) -> None:
    old = store.publish(book(40), gate=GATE)
    for loss in (float("nan"), 1.5):
        spoilt = snapshot(*(due(f"A{n:02}", 0.3) for n in range(39)), due("A39", loss))
        with pytest.raises(InvariantError, match="account A39"):
            store.publish(spoilt, gate=GATE, force=True)
    header = store.current()
    assert header is not None
    assert header.snapshot_id == old


def test_another_companys_snapshot_is_nothing_to_compare_with(store: SnapshotStore) -> None:
    store.publish(book(40), gate=GATE)
    new = store.publish(book(2, 0.9, company="other"), gate=GATE)
    header = store.current()
    assert header is not None
    assert (header.snapshot_id, header.previous_id, header.forced) == (new, None, ())
    assert store.tier_changes() == []


def test_what_changed_is_read_from_two_snapshots(store: SnapshotStore) -> None:
    first = store.publish(snapshot(due("A1", 0.2), due("A2", 0.9), lost("A3")))
    second = store.publish(snapshot(due("A1", 0.22), lost("A3"), due("A4", 0.9)))
    found = store.diff(first, second)
    assert found is not None
    assert (found.changed, found.new) == (("A1",), ("A4",))
    assert [(one.account_id, one.external_id) for one in found.gone] == [("A2", "001A2")]
    less = store.diff(first, second, points=0.05)
    assert less is not None
    assert less.changed == ()
    assert store.diff(first, "0" * 13) is None
    assert store.diff("0" * 13, second) is None


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    books=st.lists(
        st.dictionaries(st.sampled_from("ABCD"), st.sampled_from([0.1, 0.105, 0.9]), max_size=4),
        min_size=2,
        max_size=2,
    )
)
def test_traces_of_the_store_are_those_of_the_scores(
    store: SnapshotStore, books: list[dict[str, float]]
) -> None:
    sides = [snapshot(*(due(name, loss) for name, loss in one.items())) for one in books]
    first, second = (store.publish(side) for side in sides)
    expected = [[trace_account(score) for score in side.scores] for side in sides]
    assert store.diff(first, second) == compare_snapshots(*expected)


def test_the_outbox_holds_each_change_of_tier_in_the_order_of_publishing(
    store: SnapshotStore,
) -> None:
    store.publish(snapshot(due("A1", 0.2), due("A2", 0.9), lost("A3"), due("A5", 0.9)))
    second = store.publish(snapshot(due("A1", 0.9), lost("A3"), due("A4", 0.9), due("A5", 0.8)))
    third = store.publish(snapshot(due("A1", 0.1), lost("A3"), due("A4", 0.9), due("A5", 0.8)))
    found = store.tier_changes()
    assert [(one.snapshot_id, one.account_id, one.before, one.after) for one in found] == [
        (second, "A1", "low", "high"),
        (second, "A2", "high", None),
        (second, "A4", None, "high"),
        (third, "A1", "high", "low"),
    ]
    assert (found[1].external_id, found[1].owner, found[1].region) == ("001A2", "team-1", "emea")
    seen: list[TierChange] = []
    while page := store.tier_changes(
        after=(seen[-1].snapshot_id, seen[-1].account_id) if seen else None, limit=3
    ):
        seen += page
    assert seen == found


def test_retention_removes_in_the_publish_but_never_the_served_one_or_the_one_before(
    store: SnapshotStore,
) -> None:
    rules = RetentionSettings(snapshots=1)
    ids = [store.publish(book(3), retention=rules) for _ in range(4)]
    assert [name for name in ids if store.header(name)] == ids[2:]
    assert store.ranking(ids[1], limit=5) == []
    assert store.traces(ids[1]) is None
    assert len(store.ranking(ids[2], limit=5)) == 3
    four = RetentionSettings(snapshots=4)
    ids += [store.publish(book(3), retention=four) for _ in range(2)]
    assert [name for name in ids if store.header(name)] == ids[2:]


def test_retention_by_days_counts_from_the_snapshot_that_is_published(
    store: SnapshotStore,
) -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    rules = RetentionSettings(snapshots=None, days=7)
    ids = []
    for days in (20, 9, 8, 6, 0):
        made = dataclasses.replace(book(3), created_at=now - timedelta(days=days))
        ids.append(store.publish(made, retention=rules))
    assert [name for name in ids if store.header(name)] == ids[3:]


def test_the_outbox_outlives_its_snapshot_by_a_month(store: SnapshotStore) -> None:
    rules = RetentionSettings(snapshots=1)
    for n in range(4):
        store.publish(book(2, 0.9 if n % 2 else 0.1), retention=rules)
    assert len(store.tier_changes()) == 6
    old = least_snapshot_id(int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000))
    with store.database.write() as connection:
        connection.execute(
            TIER_CHANGE.update()
            .values(snapshot_id=old)
            .where(TIER_CHANGE.c.snapshot_id == store.tier_changes()[0].snapshot_id)
        )
    later = dataclasses.replace(book(2, 0.9), created_at=datetime.now(UTC))
    store.publish(later, retention=rules)
    assert len(store.tier_changes()) == 4
