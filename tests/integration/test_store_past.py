"""Snapshots of past dates stand before the others and change nothing else, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from models.life import Life
from models.page_reader import PageReader
from models.snapshot import Snapshot
from models.snapshot_reader import SnapshotReader
from models.store import SnapshotStore
from tests.integration.company import due, snapshot


def past(day: date, loss: float = 0.9) -> Snapshot:
    """A backfilled snapshot."""
    models = {"renewal": {"version": f"backfill-{day}", "backfilled": True}}
    return snapshot(
        due("A1", loss), as_of=day, data_end=day, models=models, backfilled=True,
        documents={"forecast": 1}, boards={"A1": "then"},
        created_at=datetime(2026, 11, 2, tzinfo=UTC),
    )  # fmt: skip


def dates(store: SnapshotStore) -> list[date | None]:
    return [one.as_of for one in SnapshotReader(store).headers("demo", limit=None)]


def test_a_past_snapshot_moves_no_pointer_changes_no_tier_and_keeps_the_boards(
    store: SnapshotStore,
) -> None:
    life = Life(account_id="A1", started_on=date(2025, 1, 1))
    served = store.publish(replace(snapshot(due("A1", 0.1)), boards={"A1": "now"}, lives=(life,)))
    made = store.backfill(past(date(2026, 9, 1)))
    assert made is not None
    assert made < served
    header = store.current()
    assert header is not None
    assert (header.snapshot_id, header.backfilled) == (served, False)
    pages = PageReader(SnapshotReader(store))
    assert (pages.board(served, "A1"), pages.board(made, "A1")) == ("now", None)
    assert pages.lives(served) == [life]
    assert pages.document(made, "forecast") == 1
    assert store.tier_changes() == []
    found = store.header(made)
    assert found is not None
    assert (found.backfilled, found.previous_id) == (True, None)
    assert found.models["renewal"] == {"version": "backfill-2026-09-01", "backfilled": True}


def test_past_snapshots_stand_in_the_order_of_their_dates_before_what_was_published(
    store: SnapshotStore,
) -> None:
    store.publish(snapshot(due("A1", 0.1)))
    for day in (date(2026, 9, 1), date(2026, 7, 1), date(2026, 8, 1)):
        store.backfill(past(day))
    assert dates(store) == [date(2026, month, 1) for month in (11, 9, 8, 7)]
    current = store.current()
    assert current is not None
    before = SnapshotReader(store).before(current)
    assert before is not None
    assert before.as_of == date(2026, 9, 1)
    moments = SnapshotReader(store).history("demo", "A1", limit=9)
    assert [one.backfilled for one in moments] == [False, True, True, True]


def test_a_date_that_has_a_snapshot_is_left_alone(store: SnapshotStore) -> None:
    served = store.publish(snapshot(due("A1", 0.1)))
    assert store.backfill(past(date(2026, 11, 1))) is None
    made = store.backfill(past(date(2026, 10, 1), 0.8))
    assert store.backfill(past(date(2026, 10, 1), 0.2)) is None
    assert made is not None
    score = store.account(made, "A1")
    assert score is not None
    assert score.loss_probability == 0.8
    assert store.backfill(replace(past(date(2026, 10, 1)), company="other")) is not None
    header = store.current()
    assert header is not None
    assert header.snapshot_id == served


def test_past_snapshots_come_first_where_nothing_was_ever_published(store: SnapshotStore) -> None:
    assert store.backfill(past(date(2026, 10, 1))) is not None
    assert store.current() is None
    store.publish(snapshot(due("A1", 0.1)))
    assert dates(store) == [date(2026, 11, 1), date(2026, 10, 1)]
    assert store.tier_changes() == []  # nobody was told of a tier before


def test_retention_counts_past_snapshots_and_takes_the_oldest_dates_first(
    store: SnapshotStore,
) -> None:
    for month in (6, 7, 8, 9):
        store.backfill(past(date(2026, month, 1)))
    store.publish(snapshot(due("A1", 0.1)))
    store.prune(3)
    assert dates(store) == [date(2026, month, 1) for month in (11, 9, 8)]
