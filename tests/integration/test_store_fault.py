"""A store that is away, damaged or replaced says so, and is found again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from features.errors import InputError, TransientError
from models.store import SnapshotStore
from tests.integration.company import due, snapshot
from tests.integration.postgres import free_port


def test_a_server_that_is_away_is_a_passing_fault_that_shows_no_password() -> None:
    url = f"postgresql+psycopg://keepwell:geheim@127.0.0.1:{free_port()}/keepwell"
    with SnapshotStore(url) as store:
        for use in (store.current, lambda: store.publish(snapshot())):
            with pytest.raises(TransientError) as caught:
                use()
            assert "geheim" not in str(caught.value)
            assert "try again" in str(caught.value)


def test_a_file_that_is_no_database_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"no database at all, " * 1000)
    with SnapshotStore(f"sqlite:///{tmp_path}/store.db") as store:
        for use in (store.current, lambda: store.publish(snapshot())):
            with pytest.raises(InputError, match="must be a sound database"):
                use()


def test_a_sqlite_file_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    with SnapshotStore(f"sqlite:///{old}/store.db") as store:
        store.publish(snapshot(due("before", 0.5)))
        with SnapshotStore(f"sqlite:///{new}/store.db") as other:
            snapshot_id = other.publish(snapshot(due("after", 0.5)))
        shutil.rmtree(old)
        assert store.current() is None
        new.rename(old)
        header = store.current()
        assert header is not None
        assert header.snapshot_id == snapshot_id


def test_sqlite_keeps_a_write_ahead_log_so_that_readers_never_wait(tmp_path: Path) -> None:
    with SnapshotStore(f"sqlite:///{tmp_path}/store.db") as store:
        store.publish(snapshot())
        with store.database.read() as connection:
            read = connection.exec_driver_sql
            assert read("PRAGMA journal_mode").scalar() == "wal"
            assert read("PRAGMA synchronous").scalar() == 1
            assert read("PRAGMA foreign_keys").scalar() == 1
