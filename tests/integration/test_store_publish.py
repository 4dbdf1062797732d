"""Snapshots are published whole or not at all, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, insert, select, text, update

from features.errors import InputError, TransientError
from models.account_score import AccountScore
from models.snapshot import Totals
from models.store import SnapshotStore
from models.store_schema import ADDED, ADDED_TABLES, SCHEMA_VERSION
from models.store_table import ACCOUNT_SCORE, SNAPSHOT, STORE_SCHEMA
from tests.integration.client import ask, problem, serve
from tests.integration.company import due, lost, snapshot

FIRST = snapshot(due("A1", 0.2), due("A2", 0.9), lost("A3"))
SECOND = snapshot(due("A1", 0.7), lost("A3"))


def read_all(store: SnapshotStore, snapshot_id: str) -> tuple[AccountScore, ...]:
    return tuple(store.ranking(snapshot_id, limit=1000))


def test_what_was_published_is_read_back_equal(store: SnapshotStore) -> None:
    snapshot_id = store.publish(FIRST)
    header = store.current()
    assert header is not None
    for item in dataclasses.fields(header):
        if hasattr(FIRST, item.name):
            assert getattr(header, item.name) == getattr(FIRST, item.name)
    assert header.snapshot_id == snapshot_id
    assert {score.account_id: score for score in read_all(store, snapshot_id)} == {
        score.account_id: score for score in FIRST.scores
    }
    for score in FIRST.scores:
        assert store.account(snapshot_id, score.account_id) == score
        assert store.current_account(score.account_id) == (header, score)
    assert store.header(snapshot_id) == header


def test_texts_of_every_script_and_an_apostrophe_come_back_as_they_were(
    store: SnapshotStore,
) -> None:
    for name in ("O'Brien & Söhne", "株式会社", "';DROP TABLE snapshot;--", "👩‍💻", ""):
        snapshot_id = store.publish(snapshot(due(f"id {name}", 0.1, name=name)))
        found = store.account(snapshot_id, f"id {name}")
        assert found is not None
        assert found.name == name


def test_the_moment_of_creation_is_the_same_moment_in_utc(store: SnapshotStore) -> None:
    east = datetime(2026, 11, 2, 1, 0, tzinfo=timezone(timedelta(hours=5)))
    store.publish(snapshot(created_at=east))
    header = store.current()
    assert header is not None
    assert header.created_at == east
    assert header.created_at.tzinfo is UTC


def test_a_store_that_was_never_written_holds_nothing(store: SnapshotStore) -> None:
    assert store.current() is None
    assert store.current_account("A1") is None
    assert store.header("0" * 13) is None
    assert store.account("0" * 13, "A1") is None
    assert store.ranking("0" * 13, limit=5) == []
    assert store.tiers("0" * 13) == {}


def test_reading_a_store_makes_no_file(tmp_path: Path) -> None:
    with SnapshotStore(f"sqlite:///{tmp_path}/store.db") as store:
        assert store.current() is None
    assert list(tmp_path.iterdir()) == []


def test_the_ranking_goes_by_arr_at_risk_then_loss_then_id_with_nulls_last(
    store: SnapshotStore,
) -> None:
    snapshot_id = store.publish(
        snapshot(
            lost("Z-lost"),
            lost("B-lost"),
            due("no-arr-low", 0.1, None),
            due("no-arr-high", 0.9, None),
            due("b-tie", 0.5, 100),
            due("B-tie", 0.5, 100),
            due("likelier", 0.8, 62.5),
            due("most", 0.4, 10_000),
            due("nothing at stake", 0.9, 0),
        )
    )
    ranking = store.ranking(snapshot_id, limit=100)
    expected = ["most", "likelier", "B-tie", "b-tie", "nothing at stake"]
    expected += ["no-arr-high", "no-arr-low", "B-lost", "Z-lost"]
    assert [score.account_id for score in ranking] == expected
    assert [score.rank for score in ranking] == list(range(1, 10))


def test_pages_of_the_ranking_join_without_a_gap(store: SnapshotStore) -> None:
    snapshot_id = store.publish(snapshot(*(due(f"A{n:02}", n / 50) for n in range(23))))
    seen: list[AccountScore] = []
    while page := store.ranking(snapshot_id, limit=5, after=seen[-1].rank if seen else None):
        assert len(page) == min(5, 23 - len(seen))
        seen += page
    assert seen == store.ranking(snapshot_id, limit=500)


def test_the_header_counts_states_and_sums_money(store: SnapshotStore) -> None:
    churn = due("A4", 0.1, 2000, basis="churn", state="no_term")
    unknown = due("A5", 0.9, None)
    store.publish(snapshot(due("A1", 0.5, 1000), due("A2", 0.9, 100), lost("A3"), churn, unknown))
    header = store.current()
    assert header is not None
    assert header.accounts == 5
    assert {state: n for state, n in header.counts.items() if n} == {
        "to_decide": 3, "notice_given": 1, "no_term": 1
    }  # fmt: skip
    assert header.totals == Totals(
        arr_at_risk={"renewal": 590.0, "churn": 200.0}, arr_high_tier=1100.0, arr_notice_given=500.0
    )


def test_tiers_of_the_last_run_are_found_by_account(store: SnapshotStore) -> None:
    snapshot_id = store.publish(snapshot(due("A1", 0.9, tier_runs_below=2), lost("A2")))
    assert store.tiers(snapshot_id) == {"A1": ("high", 2)}


def test_ids_of_later_snapshots_are_greater(store: SnapshotStore) -> None:
    ids = [store.publish(FIRST) for _ in range(4)]
    assert ids == sorted(set(ids))


def test_a_reader_sees_the_old_snapshot_until_the_publish_is_done(
    store: SnapshotStore, store_url: str
) -> None:
    old = store.publish(FIRST)
    seen: list[object] = []

    def look(_connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith(("INSERT", "UPDATE")):
            with SnapshotStore(store_url) as reader:
                header = reader.current()
                seen.append((header and header.snapshot_id, read_all(reader, old)))

    event.listen(store.database.engine, "after_cursor_execute", look)
    new = store.publish(SECOND)
    event.remove(store.database.engine, "after_cursor_execute", look)
    assert seen == [(old, read_all(store, old))] * 4  # snapshot, accounts, tiers, pointer
    header = store.current()
    assert header is not None
    assert header.snapshot_id == new


def test_a_publish_that_fails_at_any_statement_changes_nothing(store: SnapshotStore) -> None:
    old = store.publish(FIRST)
    before = store.current()
    left = 0

    def fail(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt

    for statements in range(20):
        left = statements
        event.listen(store.database.engine, "before_cursor_execute", fail)
        try:
            store.publish(SECOND)
        except KeyboardInterrupt:
            pass
        else:
            break
        finally:
            event.remove(store.database.engine, "before_cursor_execute", fail)
        assert store.current() == before
        assert {score.account_id for score in read_all(store, old)} == {"A1", "A2", "A3"}
        with store.database.read() as connection:
            assert connection.scalar(select(func.count()).select_from(SNAPSHOT)) == 1
            assert connection.scalar(select(func.count()).select_from(ACCOUNT_SCORE)) == 3
    assert statements >= 4  # it did fail at each write before it went through
    header = store.current()
    assert header is not None
    assert header.snapshot_id > old


def test_a_first_publish_that_fails_leaves_no_snapshot(store: SnapshotStore) -> None:
    def fail(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE"):
            raise KeyboardInterrupt

    event.listen(store.database.engine, "before_cursor_execute", fail)
    with pytest.raises(KeyboardInterrupt):
        store.publish(FIRST)
    event.remove(store.database.engine, "before_cursor_execute", fail)
    assert store.current() is None
    store.publish(FIRST)


def test_publishes_at_once_follow_one_another(store: SnapshotStore, store_url: str) -> None:
    start = threading.Barrier(4)  # the store is new, so they also race to make its tables

    def publish(number: int) -> str:
        with SnapshotStore(store_url, lock_wait_s=20) as writer:
            start.wait()
            return writer.publish(snapshot(*(due(f"W{number}-{n}", 0.5) for n in range(200))))

    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(publish, range(4)))
    header = store.current()
    assert header is not None
    assert header.snapshot_id == max(ids)
    for number, snapshot_id in enumerate(ids):
        found = {score.account_id for score in read_all(store, snapshot_id)}
        assert found == {f"W{number}-{n}" for n in range(200)}


def test_a_publish_that_waits_too_long_fails_and_may_be_tried_again(
    store: SnapshotStore, store_url: str
) -> None:
    old = store.publish(FIRST)
    with SnapshotStore(store_url, lock_wait_s=0.05) as hasty:
        with store.database.write() as connection:
            connection.execute(update(SNAPSHOT).values(company="demo"))
            store.database.lock(connection, 0x6B656570)
            with pytest.raises(TransientError, match=r"^store .*lock"):
                hasty.publish(SECOND)
        header = store.current()
        assert header is not None
        assert header.snapshot_id == old
        hasty.publish(SECOND)


def test_a_day_that_nobody_knows_comes_back_as_none(store: SnapshotStore) -> None:
    first = store.publish(snapshot(due("A1", 0.7), as_of=None, data_end=None))
    header = store.header(first)
    assert header is not None
    assert (header.as_of, header.data_end) == (None, None)


def test_whose_ranking_is_served_is_told_of_a_store_of_the_version_before_too(
    store: SnapshotStore, store_url: str
) -> None:
    assert store.served_company() is None
    store.publish(FIRST)
    make_older(store, 2)
    with SnapshotStore(store_url) as newer:
        assert newer.served_company() == "demo"
    with store.database.write() as connection:
        connection.execute(update(STORE_SCHEMA).values(version=1))
    with SnapshotStore(store_url) as newer, pytest.raises(InputError, match="another store"):
        newer.served_company()


def test_the_newest_ranking_of_a_version_is_brought_back(store: SnapshotStore) -> None:
    def publish(company: str, version: str) -> str:
        models = {"churn": {"version": version}, "renewal": None}
        return store.publish(snapshot(due("A1", 0.7), company=company, models=models))

    def current() -> str:
        header = store.current()
        assert header is not None
        return header.snapshot_id

    publish("acme", "1")
    newest, last = publish("acme", "1"), publish("acme", "2")
    assert store.bring_back("acme", "churn", "3") is None
    assert current() == last
    assert store.bring_back("acme", "churn", "1") == newest == current()
    other = publish("other", "1")
    assert store.bring_back("acme", "churn", "1") is None
    assert current() == other


def test_pruning_keeps_the_newest_and_the_current(store: SnapshotStore) -> None:
    ids = [store.publish(FIRST) for _ in range(4)]
    assert store.prune(2) == [ids[1], ids[0]]
    assert [snapshot_id for snapshot_id in ids if store.header(snapshot_id)] == ids[2:]
    assert read_all(store, ids[0]) == ()
    assert len(read_all(store, ids[3])) == 3
    assert store.prune(2) == []
    with pytest.raises(InputError, match="keep one snapshot or more"):
        store.prune(0)


def test_a_store_of_a_newer_version_is_refused_with_a_remedy(
    store: SnapshotStore, store_url: str
) -> None:
    store.publish(FIRST)
    with store.database.write() as connection:
        connection.execute(update(STORE_SCHEMA).values(version=99))
    with SnapshotStore(store_url) as older:
        for use in (older.current, lambda: older.publish(FIRST), lambda: older.prune(1)):
            with pytest.raises(InputError, match=r"version 6, not 99; update Keepwell"):
                use()


def test_a_store_of_an_older_version_is_refused_with_a_remedy(
    store: SnapshotStore, store_url: str
) -> None:
    store.publish(FIRST)
    with store.database.write() as connection:
        connection.execute(update(STORE_SCHEMA).values(version=1))
    with SnapshotStore(store_url) as newer:
        for use in (
            newer.current,
            newer.upgrade,
            lambda: newer.publish(FIRST),
            lambda: newer.prune(1),
        ):
            with pytest.raises(InputError, match=r"version 6, not 1; .*another store"):
                use()


def make_older(store: SnapshotStore, version: int) -> None:
    """Give the store the shape that an earlier version left behind."""
    with store.database.write() as connection:
        for step in reversed(range(version + 1, SCHEMA_VERSION + 1)):
            for column in ADDED[step]:
                drop = f"ALTER TABLE {column.table.name} DROP COLUMN {column.name}"
                connection.execute(text(drop))
            for table in ADDED_TABLES.get(step, ()):
                connection.execute(text(f"DROP TABLE {table.name}"))
        connection.execute(update(STORE_SCHEMA).values(version=version))


@pytest.mark.parametrize("version", [2, 3, 4, 5])
def test_a_store_of_an_earlier_version_is_brought_up_to_date_and_keeps_its_snapshots(
    store: SnapshotStore, store_url: str, version: int
) -> None:
    first = store.publish(FIRST)
    make_older(store, version)
    with SnapshotStore(store_url) as newer:
        with pytest.raises(InputError, match=rf"version 6, not {version}; run `keepwell score`"):
            newer.current()
        newer.upgrade()
        newer.upgrade()
        kept = {score.account_id: score for score in read_all(newer, first)}
        assert kept == {score.account_id: score for score in FIRST.scores}
        sure = due("A1", 0.7, loss_probability_low=0.6, loss_probability_high=0.8)
        second = newer.publish(snapshot(sure))
        found = newer.account(second, "A1")
        assert found == sure
        assert found.loss_probability_interval == (0.6, 0.8)
        header = newer.current()
        assert header is not None
        assert header.previous_id == first
        told = [(change.account_id, change.company) for change in newer.tier_changes()]
        assert told == [("A1", FIRST.company), ("A2", FIRST.company)]


def test_a_publish_brings_a_store_of_the_version_before_up_to_date_too(
    store: SnapshotStore, store_url: str
) -> None:
    store.publish(FIRST)
    make_older(store, 2)
    with SnapshotStore(store_url) as newer:
        assert read_all(newer, newer.publish(SECOND))


@pytest.mark.parametrize("version", [2, 3, 4, 5])
def test_a_store_of_an_earlier_version_is_served_once_it_is_up_to_date(
    store: SnapshotStore, store_url: str, version: int
) -> None:
    store.publish(FIRST)
    make_older(store, version)
    app = serve(store_url)
    paths = ("/v1/accounts/A1/risk", "/v1/accounts", "/v1/portfolio", "/v1/track-record")
    pages = ("/", "/portfolio.csv", "/modules", "/model", "/accounts/A1")
    for path in (*paths, *pages):
        problem(ask(app, path), 503, "store-away")
    with SnapshotStore(store_url) as newer:
        newer.upgrade()
    for path in (*paths, *pages):
        assert ask(app, path).status_code == 200, path
    answer = ask(app, "/v1/accounts/A1/risk").json()
    assert (answer["health"], answer["alerts"], answer["playbooks"]) == (None, [], [])
    app.close()


def test_upgrading_a_store_that_is_not_there_makes_no_file(tmp_path: Path) -> None:
    with SnapshotStore(f"sqlite:///{tmp_path}/store.db") as store:
        store.upgrade()
    assert list(tmp_path.iterdir()) == []


def test_a_row_without_its_snapshot_is_refused_by_the_database(store: SnapshotStore) -> None:
    store.publish(FIRST)
    orphan = {"snapshot_id": "gone", "account_id": "A", "rank": 1, "state": "renewed"}
    orphan |= {"tier_runs_below": 0, "drivers": "[]", "contributions": "{}"}
    with pytest.raises(Exception, match=r"(?i)foreign key"), store.database.write() as connection:
        connection.execute(insert(ACCOUNT_SCORE), orphan)
