"""Sessions as they are kept: by hash, up to so many of a key, and removed when they are over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models.service_store import ServiceStore
from models.session_store import MOST_OF_A_KEY, Session, SessionStore

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def session(name: str, *, key_id: str = "0123abcz", used: datetime = NOW) -> Session:
    return Session(session_hash=name, key_id=key_id, created_at=NOW, last_used_at=used)


@pytest.fixture
def sessions(service: ServiceStore) -> SessionStore:
    return SessionStore(service)


def names(sessions: SessionStore) -> set[str]:
    return {one.session_hash for one in sessions.all()}


def test_a_session_is_found_until_it_ends(sessions: SessionStore) -> None:
    assert sessions.all() == []
    assert sessions.find("a") is None
    sessions.add(session("a"))
    sessions.add(session("b"))
    assert sessions.find("a") == session("a")
    sessions.end("a")
    sessions.end("a")
    sessions.end("nobody")
    assert sessions.all() == [session("b")]


def test_the_last_use_moves_forward_alone_and_brings_back_nothing(sessions: SessionStore) -> None:
    sessions.add(session("a"))
    sessions.note_use({"a": NOW + 2 * MINUTE, "gone": NOW})
    sessions.note_use({"a": NOW + MINUTE})
    sessions.note_use({})
    assert sessions.all() == [session("a", used=NOW + 2 * MINUTE)]


def test_of_a_key_with_too_many_sessions_the_one_unused_for_longest_ends(
    sessions: SessionStore,
) -> None:
    for number in range(MOST_OF_A_KEY):
        sessions.add(session(f"s{number}", used=NOW + number * MINUTE))
    sessions.add(session("other", key_id="9876zyxw", used=NOW - MINUTE))
    sessions.note_use({"s0": NOW + 1000 * MINUTE})
    sessions.add(session("new", used=NOW + 1001 * MINUTE))
    kept = names(sessions)
    assert len(kept) == MOST_OF_A_KEY + 1
    assert "s1" not in kept
    assert {"s0", "s2", "new", "other"} <= kept


def test_sessions_that_are_over_are_removed(sessions: SessionStore) -> None:
    sessions.add(session("a"))
    sessions.add(session("b", used=NOW + MINUTE))
    sessions.remove_before(created=NOW, used=NOW)
    assert names(sessions) == {"a", "b"}
    sessions.remove_before(created=NOW, used=NOW + MINUTE)
    assert names(sessions) == {"b"}
    sessions.remove_before(created=NOW + MINUTE, used=NOW)
    assert names(sessions) == set()


def test_a_session_shows_nothing_that_opens() -> None:
    assert "secret-hash" not in repr(session("secret-hash"))
