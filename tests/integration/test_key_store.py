"""Keys are kept, ended and replaced, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.errors import InputError
from models.key import SCOPES
from models.key_store import KeyStore
from models.row_filter import RowFilter
from models.service_store import ServiceStore

NOW = datetime(2026, 11, 26, 12, 0, 0, 123456, tzinfo=UTC)
DAY = timedelta(days=1)
BOOKS = RowFilter({"segment": ["smb", "O'Brien & Söhne"], "owner": ["株式会社"]})


@pytest.fixture
def keys(service: ServiceStore) -> KeyStore:
    """An empty store of keys, on each database in turn."""
    return KeyStore(service)


def test_a_key_comes_back_as_it_was_made(keys: KeyStore) -> None:
    one = keys.create("crm", ["people:read", "scores:read"], BOOKS, now=NOW, expires_at=NOW + DAY)
    two = keys.create("ops", SCOPES, now=NOW + DAY)
    assert keys.all() == [one.key, two.key]


def test_a_store_that_was_never_written_has_no_keys(keys: KeyStore) -> None:
    assert keys.all() == []


def test_a_key_that_cannot_be_made_leaves_nothing(keys: KeyStore) -> None:
    with pytest.raises(InputError):
        keys.create("crm", ["admin"], BOOKS, now=NOW)
    assert keys.all() == []


def test_neither_token_nor_secret_lies_in_the_database_file(tmp_path: Path) -> None:
    with ServiceStore(f"sqlite:///{tmp_path}/service.db") as service:
        keys = KeyStore(service)
        new = keys.create("crm", ["scores:read"], now=NOW)
        other, _ = keys.rotate(new.key.key_id, now=NOW, overlap=DAY)
        keys.note_use({new.key.key_id: NOW})
        files = [path for path in tmp_path.iterdir() if path.is_file()]
        kept = b"".join(path.read_bytes() for path in files)
    assert new.key.secret_hash.encode() in kept
    for token in (new.token, other.token):
        assert token.encode() not in kept
        assert token[-43:].encode() not in kept


def test_a_revoked_key_is_kept_with_the_moment_of_the_first_time(keys: KeyStore) -> None:
    one, two = (keys.create("crm", ["scores:read"], now=NOW + n * DAY).key for n in range(2))
    assert keys.revoke(one.key_id, now=NOW + DAY).revoked_at == NOW + DAY
    assert keys.revoke(one.key_id, now=NOW + 2 * DAY).revoked_at == NOW + DAY
    assert [key.status(NOW) for key in keys.all()] == ["revoked", "active"]
    assert keys.all()[1] == two


def test_a_key_that_is_not_there_is_named_with_a_remedy(keys: KeyStore) -> None:
    for act in (
        lambda: keys.revoke("0123abcz", now=NOW),
        lambda: keys.rotate("0123abcz", now=NOW, overlap=DAY),
    ):
        with pytest.raises(InputError, match="no key 0123abcz; see them with: keepwell keys list"):
            act()


def test_after_a_rotation_both_open_until_the_overlap_is_over(keys: KeyStore) -> None:
    old = keys.create("crm", ["scores:read"], BOOKS, now=NOW).key
    new, ended = keys.rotate(old.key_id, now=NOW + DAY, overlap=7 * DAY)
    assert keys.all() == [ended, new.key]
    assert ended.replaced_by == new.key.key_id
    assert new.key.row_filter == BOOKS
    assert [key.status(NOW + 7 * DAY) for key in keys.all()] == ["active", "active"]
    assert [key.status(NOW + 8 * DAY) for key in keys.all()] == ["expired", "active"]
    with pytest.raises(InputError, match="rotate that one"):
        keys.rotate(old.key_id, now=NOW + 2 * DAY, overlap=DAY)
    assert len(keys.all()) == 2


def test_of_rotations_at_once_one_wins(keys: KeyStore, store_url: str) -> None:
    old = keys.create("crm", ["scores:read"], now=NOW).key
    start = threading.Barrier(3)

    def rotate(_: int) -> bool:
        with ServiceStore(store_url, lock_wait_s=20) as service:
            start.wait()
            try:
                KeyStore(service).rotate(old.key_id, now=NOW, overlap=DAY)
            except InputError:
                return False
            return True

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(rotate, range(3))) == [False, False, True]
    assert len(keys.all()) == 2


def test_first_keys_made_at_once_are_all_there(keys: KeyStore, store_url: str) -> None:
    start = threading.Barrier(4)  # the store is new, so they also race to make its tables

    def create(number: int) -> str:
        with ServiceStore(store_url, lock_wait_s=20) as service:
            start.wait()
            made = KeyStore(service).create(f"key {number}", ["scores:read"], now=NOW)
            return made.key.key_id

    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(create, range(4)))
    assert {key.key_id for key in keys.all()} == made


def test_the_last_use_never_goes_back(keys: KeyStore) -> None:
    one = keys.create("crm", ["scores:read"], now=NOW).key.key_id
    two = keys.create("crm", ["scores:read"], now=NOW + DAY).key.key_id
    keys.note_use({})
    keys.note_use({one: NOW + 2 * DAY, "0123abcz": NOW})
    keys.note_use({two: NOW + DAY, one: NOW + DAY})
    assert [key.last_used_at for key in keys.all()] == [NOW + 2 * DAY, NOW + DAY]
