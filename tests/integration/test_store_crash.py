"""Whatever stops a publish: readers see the old snapshot or the new one, and the next one works."""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text

from features.errors import InputError, TransientError
from models.account_score import AccountScore
from models.page_reader import PageReader
from models.snapshot_reader import SnapshotReader
from models.store import SnapshotStore
from models.store_table import (
    ACCOUNT_BOARD,
    ACCOUNT_LIFE,
    ACCOUNT_SCORE,
    OUTCOME,
    SNAPSHOT,
    SNAPSHOT_DOCUMENT,
)
from models.tier_change import TIER_CHANGE
from tests.integration.company import due, snapshot
from tests.integration.publisher import ACCOUNTS, DOCUMENT, KEEP, marked_snapshot

ROOT = Path(__file__).parents[2]
KILLS = 8


class Reader(threading.Thread):
    """Reads the served snapshot again and again, and keeps every sight that was not whole."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url, self._over = url, threading.Event()
        self.seen: list[str] = []
        self.broken: list[str] = []

    def run(self) -> None:
        with SnapshotStore(self._url) as store:
            while not self._over.is_set():
                self._look(store)  # what it raises fails the test

    def _look(self, store: SnapshotStore) -> None:
        header = store.current()
        assert header is not None
        scores = store.ranking(header.snapshot_id, limit=2 * ACCOUNTS)
        found = store.current_account("A000")
        assert found is not None
        assert found[1] is not None
        mark = PageReader(SnapshotReader(store)).document(header.snapshot_id, DOCUMENT)
        if fault := wrong(scores) or wrong_mark(scores, mark):
            if store.header(header.snapshot_id) is not None:  # else it had its time meanwhile
                self.broken.append(f"{header.snapshot_id}: {fault}")
        elif not self.seen or self.seen[-1] != header.snapshot_id:
            self.seen.append(header.snapshot_id)

    def stop(self) -> None:
        self._over.set()
        self.join(60)


@contextmanager
def reading(url: str) -> Iterator[Reader]:
    """A reader all the while."""
    reader = Reader(url)
    reader.start()
    try:
        yield reader
    finally:
        reader.stop()


def wrong(scores: list[AccountScore]) -> str | None:
    """What is not whole about the accounts of one snapshot."""
    if len(scores) != ACCOUNTS:
        return f"{len(scores)} accounts"
    marks = {(score.region, score.risk_tier) for score in scores}
    return None if len(marks) == 1 else f"accounts of {marks}"


def wrong_mark(scores: list[AccountScore], mark: object) -> str | None:
    """How a document of a snapshot is not its own."""
    return None if mark == scores[0].region else f"a document of {mark}"


def check_store(store: SnapshotStore) -> None:
    """No snapshot has a part of what belongs to it, and nothing stands without its snapshot."""
    with store.database.read() as connection:
        ids = set(connection.scalars(select(SNAPSHOT.c.snapshot_id)))
        counted, changed, told, boards, lives, known = (
            Counter(connection.scalars(select(table.c.snapshot_id)))
            for table in (
                ACCOUNT_SCORE,
                TIER_CHANGE,
                SNAPSHOT_DOCUMENT,
                ACCOUNT_BOARD,
                ACCOUNT_LIFE,
                OUTCOME,
            )
        )
    assert counted == dict.fromkeys(ids, ACCOUNTS)
    assert told == dict.fromkeys(ids, 1)
    assert set(changed.values()) <= {ACCOUNTS}
    header = store.current()
    assert header is not None
    assert header.snapshot_id == max(ids)
    assert boards == lives == {header.snapshot_id: ACCOUNTS}
    assert known.keys() < ids
    assert set(known.values()) <= {ACCOUNTS}
    pages = PageReader(SnapshotReader(store))
    scores = store.ranking(header.snapshot_id, limit=ACCOUNTS)
    boards_read = [pages.board(header.snapshot_id, one.account_id) for one in scores]
    assert boards_read == [{DOCUMENT: scores[0].region}] * ACCOUNTS
    assert {life.region for life in pages.lives(header.snapshot_id)} == {scores[0].region}
    if header.previous_id is not None:
        assert header.previous_id in ids
        assert header.snapshot_id in changed


def kill_while_publishing(url: str, first: int, after_s: float) -> None:
    """Start a publisher, and kill it that long after it began its second publish."""
    command = [sys.executable, "-m", "tests.integration.publisher", url, str(first)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as publisher:
        assert publisher.stdout is not None
        lines = [publisher.stdout.readline().strip() for _ in range(3)]
        assert lines[0] == lines[2] == "begin"
        try:
            publisher.wait(timeout=after_s)
        except subprocess.TimeoutExpired:
            publisher.send_signal(signal.SIGKILL)
        assert publisher.wait() == -signal.SIGKILL


def test_a_publish_that_is_killed_at_any_moment_is_whole_or_never_was(
    store: SnapshotStore, store_url: str
) -> None:
    began = time.monotonic()
    store.publish(marked_snapshot(0))
    took = time.monotonic() - began
    moments = random.Random(5)
    with reading(store_url) as reader:
        for kill in range(KILLS):
            # An even number after an odd one and so on: the tiers of neighbours always differ.
            with SnapshotStore(store_url) as at:
                scores = at.ranking(at.current().snapshot_id, limit=1)  # type: ignore[union-attr]
            first = int(scores[0].region or 0) + 1
            kill_while_publishing(store_url, first, moments.uniform(0, 2 * took))
            with SnapshotStore(store_url, lock_wait_s=30) as after:
                # Waits until the server has noticed that its client is gone.
                with after.database.write() as connection:
                    after.database.lock(connection, 0x6B656570)
                check_store(after)
            assert reader.broken == [], f"after kill {kill}"
    assert reader.broken == []
    assert len(reader.seen) > 1
    header = store.current()
    assert header is not None
    last = store.publish(marked_snapshot(1000), retention=KEEP)
    assert wrong(store.ranking(last, limit=2 * ACCOUNTS)) is None


def test_publishes_that_fail_at_every_statement_or_at_the_end_change_nothing_with_all_parts(
    store: SnapshotStore,
) -> None:
    for number in range(3):
        store.publish(marked_snapshot(number), retention=KEEP)
    before = store.current()
    assert before is not None
    told = marked_snapshot(3, after=before.snapshot_id)
    changes = store.tier_changes(limit=10_000)
    left = 0

    def fail(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt

    statements = 0
    for statements in range(60):
        left = statements
        engine = store.database.engine
        event.listen(engine, "before_cursor_execute", fail)
        event.listen(engine, "commit", fail)
        try:
            store.publish(told, retention=KEEP)
        except KeyboardInterrupt:
            pass
        else:
            break
        finally:
            event.remove(engine, "before_cursor_execute", fail)
            event.remove(engine, "commit", fail)
        assert store.current() == before
        assert store.tier_changes(limit=10_000) == changes
        check_store(store)
    # Tables, header, accounts, tiers, all that pages show, pointer, deletions and the commit.
    assert statements >= 30
    after = store.current()
    assert after is not None
    assert after.previous_id == before.snapshot_id
    assert len(PageReader(SnapshotReader(store)).outcomes(before.snapshot_id)) == ACCOUNTS
    assert len(store.tier_changes(limit=10_000)) == len(changes) + ACCOUNTS


def test_a_disk_that_is_full_at_any_page_of_a_publish_leaves_the_old_snapshot(
    tmp_path: Path,
) -> None:
    said: list[str] = []
    with SnapshotStore(f"sqlite:///{tmp_path}/store.db") as store:
        store.publish(snapshot(due("A1", 0.1)))
        before = store.current()
        big = snapshot(*(due(f"A{n}", 0.2) for n in range(40)))
        for more in range(200):
            with store.database.read() as connection:
                pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
                connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + more}")
            try:
                store.publish(big)
            except TransientError as fault:
                said.append(str(fault))
                assert store.current() == before
            else:
                break
        header = store.current()
        assert header is not None
        assert header.accounts == 40
    assert len(said) > 3
    assert all("disk is full" in text for text in said)


def test_two_publishers_at_once_are_each_compared_with_the_one_before(
    store: SnapshotStore, store_url: str
) -> None:
    first = store.publish(marked_snapshot(0))
    start = threading.Barrier(3)
    ids: list[str] = []

    def publish(number: int) -> None:
        with SnapshotStore(store_url, lock_wait_s=30) as writer:
            start.wait()
            ids.append(writer.publish(marked_snapshot(number)))

    threads = [threading.Thread(target=publish, args=(number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chain = [first, *sorted(ids)]
    assert len(chain) == 4
    tiers = {}
    for earlier, later in itertools.pairwise(chain):
        header = store.header(later)
        assert header is not None
        assert header.previous_id == earlier
        tiers[later] = store.tiers(later)["A000"][0], store.tiers(earlier)["A000"][0]
    told = {
        (one.snapshot_id, one.before, one.after)
        for one in store.tier_changes(limit=10_000)
        if one.account_id == "A000"
    }
    assert told == {(name, old, new) for name, (new, old) in tiers.items() if new != old}


def uses(store: SnapshotStore, snapshot_id: str) -> list[Callable[[], object]]:
    """What the service and a score run do with a store, a publish last."""
    pages = PageReader(SnapshotReader(store))
    return [
        store.current,
        lambda: store.current_account("A001"),
        lambda: store.ranking(snapshot_id, limit=500),
        lambda: store.tiers(snapshot_id),
        lambda: store.traces(snapshot_id),
        store.tier_changes,
        lambda: pages.document(snapshot_id, DOCUMENT),
        lambda: pages.board(snapshot_id, "A001"),
        lambda: pages.lives(snapshot_id),
        lambda: pages.outcomes(snapshot_id),
        lambda: store.publish(snapshot(due("A1", 0.5))),
    ]


@pytest.mark.parametrize("seed", range(40))
def test_a_store_with_damaged_pages_says_so_or_reads_but_never_fails_otherwise(
    tmp_path: Path, seed: int
) -> None:
    path = tmp_path / "store.db"
    with SnapshotStore(f"sqlite:///{path}") as store:
        first = store.publish(marked_snapshot(0))
        snapshot_id = store.publish(marked_snapshot(1, after=first))
        with store.database.read() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    damage = random.Random(seed)
    content = bytearray(path.read_bytes())
    for _ in range(200):
        content[damage.randrange(len(content))] = damage.randrange(256)
    if seed % 4 == 0:
        del content[damage.randrange(len(content)) :]
    path.write_bytes(content)
    for extra in ("-wal", "-shm"):
        path.with_name(path.name + extra).unlink(missing_ok=True)
    said = []
    with SnapshotStore(f"sqlite:///{path}", lock_wait_s=0.2) as store:
        for use in uses(store, snapshot_id):
            try:
                use()
            except (InputError, TransientError) as fault:
                said.append(str(fault))
    assert all(text.startswith("store") for text in said)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("account_score", "drivers", "[{"),
        ("account_score", "drivers", '[{"feature": 1}]'),
        ("account_score", "contributions", ""),
        ("account_score", "health", "{}"),
        ("account_score", "alerts", '[{"rule": "poor_fit"}]'),
        ("account_score", "growth", '[{"kind": "fit"}]'),
        ("account_score", "playbooks", "{"),
        ("snapshot", "models", "nothing"),
        ("snapshot", "totals", '{"arr": 1}'),
    ],
)
def test_a_value_that_cannot_be_read_is_a_damaged_store(
    store: SnapshotStore, table: str, column: str, value: str
) -> None:
    store.publish(snapshot(due("A1", 0.5)))
    with store.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET {column} = '{value}'".replace("%", "%%"))
    with pytest.raises(InputError, match=r"must be a sound database .*restore it"):
        store.current_account("A1")


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("account_board", "body", b"no zlib"),
        ("snapshot_document", "body", b"no zlib"),
        ("account_life", "contacts", "[{"),
        ("account_life", "contacts", "[1]"),
        ("account_life", "modules_used", "1"),
    ],
)
def test_what_pages_show_that_cannot_be_read_is_a_damaged_store(
    store: SnapshotStore, table: str, column: str, value: object
) -> None:
    snapshot_id = store.publish(marked_snapshot(0))
    pages = PageReader(SnapshotReader(store))
    with store.database.write() as connection:
        connection.execute(text(f"UPDATE {table} SET {column} = :value"), {"value": value})
    read: dict[str, Callable[[], object]] = {
        "account_board": lambda: pages.board(snapshot_id, "A000"),
        "snapshot_document": lambda: pages.document(snapshot_id, DOCUMENT),
        "account_life": lambda: pages.lives(snapshot_id),
    }
    with pytest.raises(InputError, match=r"must be a sound database .*restore it"):
        read[table]()
