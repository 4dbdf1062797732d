"""Sessions in memory: how long they last, and what several processes know of each other's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event

from features.errors import TransientError
from models.key import Key
from models.key_store import KeyStore
from models.service_store import ServiceStore
from models.session_store import SessionStore
from serving.keyring import REFRESH_S, KeyRing
from serving.last_use import NOTE_USE_S
from serving.session import Sessions

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
IDLE_S, LIFE_S = 1800.0, 43_200.0


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = NOW.timestamp()

    def __call__(self) -> float:
        return self.now


class World:
    """A store with a key, and processes that follow it."""

    def __init__(self, service: ServiceStore) -> None:
        self.keys, self.store, self.clock = KeyStore(service), SessionStore(service), Clock()
        self.key: Key = self.keys.create("page", ["scores:read"], now=NOW).key
        self.here, self.there = self.process(), self.process()

    def process(self) -> Sessions:
        ring = KeyRing(self.keys, clock=self.clock)
        ring.refresh()
        made = Sessions(self.store, ring, idle_s=IDLE_S, life_s=LIFE_S, clock=self.clock)
        made.refresh()
        return made

    def begin(self) -> bytes:
        return asyncio.run(self.here.begin(self.key.key_id)).encode()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ServiceStore(f"sqlite:///{tmp_path}/service.db", lock_wait_s=0.05) as service:
        yield World(service)


def opens(sessions: Sessions, secret: bytes) -> bool:
    return asyncio.run(sessions.find(secret)) is not None


def queries(world: World) -> list[str]:
    """Filled with every statement from now on."""
    seen: list[str] = []
    engine = world.store.store.database.engine
    event.listen(engine, "before_cursor_execute", lambda *one: seen.append(one[2].split()[0]))
    return seen


def test_asking_reads_nothing(world: World) -> None:
    secret = world.begin()
    asked = queries(world)
    for _ in range(10):
        assert opens(world.here, secret)
    assert asked == []


def test_a_session_without_requests_is_over(world: World) -> None:
    secret = world.begin()
    for _ in range(5):
        world.clock.now += IDLE_S - 1
        assert opens(world.here, secret)
    world.clock.now += IDLE_S
    assert not opens(world.here, secret)
    world.clock.now -= 1
    assert opens(world.here, secret)


def test_a_session_is_over_after_its_life_however_often_it_was_used(world: World) -> None:
    secret = world.begin()
    while world.clock.now < NOW.timestamp() + LIFE_S - 600:
        world.clock.now += 600
        assert opens(world.here, secret)
    world.clock.now = NOW.timestamp() + LIFE_S
    assert not opens(world.here, secret)


def test_another_process_looks_a_new_session_up_once(world: World) -> None:
    secret = world.begin()
    asked = queries(world)
    assert opens(world.there, secret)
    assert opens(world.there, secret)
    assert len([one for one in asked if one == "SELECT"]) <= 2  # of the schema and the session
    late = world.process()
    assert opens(late, secret)


def test_another_process_looks_the_key_of_a_new_session_up_as_well(world: World) -> None:
    key = world.keys.create("new", ["scores:read"], now=NOW).key
    secret = asyncio.run(world.here.begin(key.key_id)).encode()
    assert opens(world.there, secret)


def test_what_one_process_saw_keeps_the_session_open_in_the_other(world: World) -> None:
    secret = world.begin()
    world.there.refresh()
    for _ in range(4):
        world.clock.now += IDLE_S / 2
        assert opens(world.here, secret)
        world.here.refresh()
        world.there.refresh()
    assert opens(world.there, secret)


def test_what_ended_in_one_process_ends_in_the_other_with_the_next_read(world: World) -> None:
    secret = world.begin()
    assert opens(world.there, secret)
    asyncio.run(world.here.end(secret))
    assert not opens(world.here, secret)
    world.there.refresh()
    assert not opens(world.there, secret)
    assert REFRESH_S <= 2.5


def test_a_read_that_began_before_the_end_does_not_bring_a_session_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = world.begin()
    before = world.store.all()
    asyncio.run(world.here.end(secret))
    monkeypatch.setattr(world.store, "all", lambda: before)
    monkeypatch.setattr(world.store, "find", lambda _name: before[0])
    world.here.refresh()
    assert not opens(world.here, secret)


def test_where_the_store_is_away_a_session_still_ends_here_and_others_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, other = world.begin(), world.begin()

    def fail(*_: object) -> None:
        raise TransientError("away")

    with monkeypatch.context() as patch:
        for name in ("all", "find", "end", "note_use"):
            patch.setattr(world.store, name, fail)
        with pytest.raises(TransientError):
            asyncio.run(world.here.end(secret))
        with pytest.raises(TransientError):
            world.here.refresh()
        assert not opens(world.here, secret)
        assert opens(world.here, other)
        with pytest.raises(TransientError):
            opens(world.there, b"A" * 43)
    world.here.refresh()
    assert not opens(world.here, secret)
    assert opens(world.here, other)


def test_the_last_use_is_written_at_most_once_a_minute(world: World) -> None:
    secret = world.begin()
    world.here.refresh()
    asked = queries(world)
    for second in range(int(2 * NOTE_USE_S)):
        world.clock.now = NOW.timestamp() + second
        assert opens(world.here, secret)
        world.here.refresh()
    assert asked.count("UPDATE") == 1
    asyncio.run(world.here.finish())
    assert world.store.all()[0].last_used_at.timestamp() == NOW.timestamp() + 2 * NOTE_USE_S - 1


def test_sessions_that_are_over_leave_the_store_and_the_memory(world: World) -> None:
    for _ in range(3):
        world.begin()
    world.here.refresh()
    world.clock.now += IDLE_S + 3 * NOTE_USE_S
    world.here.refresh()
    assert world.store.all() == []
    world.here.refresh()
    assert world.here._held == {}  # noqa: SLF001


def test_a_session_is_as_good_as_its_key(world: World) -> None:
    secret = world.begin()
    caller = asyncio.run(world.here.find(secret))
    assert caller is not None
    assert caller.key_id == world.key.key_id
    world.keys.revoke(world.key.key_id, now=NOW)
    assert not opens(world.process(), secret)
