"""The service while snapshots are published under it: every answer is whole, none is a failure."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.settings import RetentionSettings
from models.store import SnapshotStore
from serving.settings import Settings
from serving.shelf import Shelf
from serving.stored_shelf import StoredShelf
from tests.integration.client import ask, problem, serve
from tests.integration.live_service import wait_until
from tests.integration.publisher import ACCOUNTS, marked_snapshot
from tests.integration.test_serving_load import served
from tests.integration.test_store_crash import kill_while_publishing

TWO, FIVE = (RetentionSettings(snapshots=kept) for kept in (2, 5))
BURSTS, BURST = 3, 4
PATHS = (
    "/v1/accounts/A000/risk",
    "/v1/external-ids/001A299/risk",
    "/v1/accounts/A007/history",
    "/v1/accounts?limit=500",
    "/v1/accounts?group_by=parent",
    "/v1/portfolio",
    "/v1/snapshots",
    "/v1/models/renewal",
    "/v1/track-record",
    "/readyz",
    "/",
    "/portfolio.csv",
    "/modules",
    "/model",
    "/accounts/A000",
)


class Reader(threading.Thread):
    """Asks for everything again and again, and reads long lists page by page."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base, self._over = base, threading.Event()
        self.statuses: Counter[int] = Counter()
        self.broken: list[str] = []
        self.seen: set[str] = set()
        self.lists = 0

    def run(self) -> None:
        with httpx.Client(base_url=self._base, timeout=60) as client:
            while not self._over.is_set():
                for path in PATHS:
                    self.statuses[client.get(path).status_code] += 1
                self._read_changes(client)
                self._read_list(client)

    def _read_list(self, client: httpx.Client) -> None:
        """One list of several pages is of one snapshot, or ends with 410."""
        marks, ids, snapshots = set(), set(), set()
        path = "/v1/accounts?limit=77"
        while path:
            answer = client.get(path)
            self.statuses[answer.status_code] += 1
            if answer.status_code != 200:
                return
            page = answer.json()
            snapshots.add(page["snapshot_id"])
            marks |= {(one["region"], one["risk_tier"]) for one in page["accounts"]}
            ids |= {one["account_id"] for one in page["accounts"]}
            cursor = page["next_cursor"]
            path = cursor and f"/v1/accounts?limit=77&cursor={cursor}"
        self.lists += 1
        self.seen |= snapshots
        if (len(ids), len(marks), len(snapshots)) != (ACCOUNTS, 1, 1):
            self.broken.append(f"{len(ids)} accounts of {marks} from {snapshots}")

    def _read_changes(self, client: httpx.Client) -> None:
        """No account is ever gone, whichever snapshots are compared."""
        for line in client.get("/v1/snapshots").json()["snapshots"]:
            answer = client.get(f"/v1/accounts?limit=500&changed_since={line['snapshot_id']}")
            self.statuses[answer.status_code] += 1
            if answer.status_code == 200:
                told = answer.json()
                if told["gone"] or len(told["accounts"]) not in (0, ACCOUNTS):
                    self.broken.append(f"{len(told['gone'])} gone, {len(told['accounts'])} told")

    def has_read_more_than(self, lists: int) -> bool:
        return self.lists > lists

    def stop(self) -> None:
        self._over.set()
        self.join(60)


@contextmanager
def reading(store_url: str, *, memory_mb: int = 64) -> Iterator[Reader]:
    """A reader of a service that looks for newer snapshots all the time."""
    settings = Settings(store_url=store_url, refresh_s=0.01, memory_mb=memory_mb)
    with served(settings) as base:
        reader = Reader(base)
        reader.start()
        try:
            yield reader
        finally:
            reader.stop()


def check(reader: Reader) -> None:
    assert reader.broken == []
    assert reader.lists
    assert set(reader.statuses) <= {200, 410}, reader.statuses


@pytest.mark.parametrize("memory_mb", [64, 0], ids=["in memory", "by request"])
def test_publishes_at_once_under_a_reader_break_no_answer(
    store: SnapshotStore, store_url: str, memory_mb: int
) -> None:
    store.publish(marked_snapshot(0))

    def publish(first: int, reader: Reader) -> None:
        numbers = itertools.count(first, 2)
        with SnapshotStore(store_url, lock_wait_s=60) as own:
            for _ in range(BURSTS):
                lists = reader.lists
                # More than are kept, so that lists are cut off; then one may come to its end.
                for number in itertools.islice(numbers, BURST):
                    own.publish(marked_snapshot(number), retention=FIVE)
                wait_until(partial(reader.has_read_more_than, lists))

    with reading(store_url, memory_mb=memory_mb) as reader:
        publishers = [threading.Thread(target=publish, args=(first, reader)) for first in (1, 2)]
        for publisher in publishers:
            publisher.start()
        for publisher in publishers:
            publisher.join()
        newest = store.current()
        assert newest is not None
        wait_until(lambda: newest.snapshot_id in reader.seen)
    check(reader)
    assert len(reader.seen) > 1


def test_a_reader_of_the_service_sees_whole_snapshots_while_publishers_are_killed(
    store: SnapshotStore, store_url: str
) -> None:
    store.publish(marked_snapshot(0))
    with reading(store_url) as reader:
        for number in range(4):
            kill_while_publishing(store_url, 10 * number + 1, 0.02 * number)
    check(reader)


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("page", "/v1/accounts?limit=500", 410, "snapshot-gone"),
        ("families", "/v1/accounts?group_by=parent", 410, "snapshot-gone"),
        ("portfolio", "/v1/portfolio", 503, "store-away"),
        ("find_many", "/v1/accounts/A000/risk", 503, "store-away"),
    ],
)
def test_a_snapshot_that_is_removed_while_it_is_read_is_a_problem_and_never_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, path: str, status: int, kind: str
) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    real: Callable[..., Any] = getattr(StoredShelf, method)  # Any: whichever it is
    with SnapshotStore(url) as store:
        store.publish(marked_snapshot(0))

        def read_late(shelf: Shelf, *given: object, **more: object) -> object:
            for number in (1, 2, 3):
                store.publish(marked_snapshot(number), retention=TWO)
            return real(shelf, *given, **more)

        app = serve(url, memory_mb=0, refresh_s=3600.0)
        assert ask(app, path).status_code == 200
        with monkeypatch.context() as patched:
            patched.setattr(StoredShelf, method, read_late)
            problem(ask(app, path), status, kind)
        app.close()


def test_what_changed_since_a_snapshot_that_is_removed_meanwhile_is_never_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    real = StoredShelf.outlines
    with SnapshotStore(url) as store:
        first = store.publish(marked_snapshot(0))
        store.publish(marked_snapshot(2))

        def read_late(shelf: StoredShelf, *given: Any) -> Iterator[Any]:  # Any: as the real one
            store.publish(marked_snapshot(4), retention=TWO)
            return real(shelf, *given)

        app = serve(url, refresh_s=3600.0)
        assert ask(app, "/readyz").status_code == 200
        monkeypatch.setattr(StoredShelf, "outlines", read_late)
        path = f"/v1/accounts?changed_since={first}"
        for _ in range(2):
            problem(ask(app, path), 410, "snapshot-gone")
        app.close()


def test_a_tracking_server_that_is_away_plays_no_part(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    with SnapshotStore(url) as store:
        store.publish(marked_snapshot(0))
    away = "http://127.0.0.1:9"  # nobody listens there
    script = (
        "import sys; from serving.application import create_app; "
        "from serving.settings import Settings; from tests.integration.client import ask; "
        f"app = create_app(Settings(store_url={url!r}, home=None)); "
        f"print([ask(app, path).status_code for path in {PATHS!r}]); "
        "print('mlflow' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={"MLFLOW_TRACKING_URI": away, "MLFLOW_REGISTRY_URI": away, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert told.stdout.split("\n")[:2] == [str([200] * len(PATHS)), "False"]
