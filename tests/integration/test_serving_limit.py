"""Rate limits by key: in memory, together in Redis, and while Redis is away."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from fakeredis import TcpFakeServer

from features.errors import InputError
from models.row_filter import EVERYTHING
from serving.caller import LOCAL, Caller
from serving.limit import (
    DEFAULT_RATE,
    REDIS_REST_S,
    Limiter,
    MemoryCounter,
    Policy,
    RedisCounter,
    Ruling,
    make_limiter,
    read_policy,
)

THREE = Policy(3, 60)
CRM = Caller("0123abcz", frozenset({"scores:read"}), EVERYTHING)
OTHER = Caller("9876zyxw", frozenset({"scores:read"}), EVERYTHING)


def rule(limiter: Limiter, *callers: Caller, cost: int = 1) -> list[Ruling]:
    async def ask() -> list[Ruling]:
        return [await limiter.rule(caller, cost=cost) for caller in callers]

    return asyncio.run(ask())


def test_requests_pass_until_the_quota_is_used_up() -> None:
    rulings = rule(make_limiter(THREE), CRM, CRM, CRM, CRM, CRM)
    assert [ruling.allowed for ruling in rulings] == [True, True, True, False, False]
    assert [ruling.remaining for ruling in rulings] == [2, 1, 0, 0, 0]
    assert all(1 <= ruling.reset_s <= 60 for ruling in rulings)


def test_headers_say_the_policy_what_is_left_and_when_to_come_back() -> None:
    passed, *_, refused = rule(make_limiter(THREE), CRM, CRM, CRM, CRM)
    assert dict(passed.headers) == {
        b"ratelimit-policy": b'"key";q=3;w=60',
        b"ratelimit": b'"key";r=2;t=%d' % passed.reset_s,
    }
    assert dict(refused.headers) == {
        b"ratelimit-policy": b'"key";q=3;w=60',
        b"ratelimit": b'"key";r=0;t=%d' % refused.reset_s,
        b"retry-after": b"%d" % refused.reset_s,
    }


def test_every_key_has_a_quota_of_its_own_and_all_without_one_share_theirs() -> None:
    limiter = make_limiter(Policy(1, 60))
    rulings = rule(limiter, CRM, OTHER, LOCAL, CRM, LOCAL)
    assert [ruling.allowed for ruling in rulings] == [True, True, True, False, False]


def test_a_request_may_count_as_several() -> None:
    limiter = make_limiter(THREE)
    assert rule(limiter, CRM, CRM, cost=2)[1].allowed is False


def test_a_new_window_has_the_whole_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    limiter = make_limiter(THREE)
    assert not rule(limiter, *[CRM] * 4)[-1].allowed
    now += 59.5
    assert rule(limiter, CRM)[0][:3] == (False, 0, 1)
    now += 0.5
    assert rule(limiter, CRM)[0][:3] == (True, 2, 60)


def test_counting_in_memory_starts_no_thread() -> None:
    limiter = make_limiter(read_policy("100/second"))
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()
    before = threading.active_count()
    rule(limiter, *[CRM] * 50)
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("rate", "policy"),
    [
        (DEFAULT_RATE, Policy(6000, 60)),
        ("600/minute", Policy(600, 60)),
        ("5000 per hour", Policy(5000, 3600)),
        ("10/2 second", Policy(10, 2)),
    ],
)
def test_a_rate_is_read(rate: str, policy: Policy) -> None:
    assert read_policy(rate) == policy


@pytest.mark.parametrize("rate", ["", "fast", "0/minute", "-1/minute", "10", "1e3/minute"])
def test_what_is_no_rate_is_refused(rate: str) -> None:
    with pytest.raises(InputError, match=r"^limits\.rate: .*write one like 6000/minute"):
        read_policy(rate)


def test_several_workers_need_redis() -> None:
    with pytest.raises(InputError, match=r"2 workers .*KEEPWELL_REDIS"):
        make_limiter(THREE, workers=2)
    make_limiter(THREE, workers=2, redis_url="redis://127.0.0.1:1/0")


@pytest.mark.parametrize("url", ["", "memory://", "http://host", "redis://u:hush@host:port/x"])
def test_what_is_no_redis_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InputError, match=r"^limits\.redis") as caught:
        RedisCounter(url)
    assert "hush" not in str(caught.value)


def test_without_its_client_library_redis_is_refused_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("redis", "redis.asyncio", "redis.asyncio.retry", "redis.backoff"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"^limits\.redis: .*and install redis"):
        RedisCounter("redis://127.0.0.1:6379/0")


@pytest.fixture
def redis() -> Iterator[TcpFakeServer]:
    """A server that speaks Redis on a loopback port."""
    server: Any = TcpFakeServer(("127.0.0.1", 0))
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    yield server
    server.shutdown()
    server.server_close()
    serving.join()


def url_of(server: TcpFakeServer) -> str:
    return f"redis://127.0.0.1:{server.server_address[1]}/0"


def test_several_workers_count_together_in_redis(redis: TcpFakeServer) -> None:
    async def ask() -> list[Ruling]:
        counters = [RedisCounter(url_of(redis)) for _ in range(2)]
        one, two = (Limiter(THREE, counter) for counter in counters)
        rulings = [await limiter.rule(CRM) for limiter in (one, two, one, two)]
        rulings.append(await two.rule(OTHER))
        for counter in counters:
            await counter.close()
        return rulings

    rulings = asyncio.run(ask())
    assert [ruling.allowed for ruling in rulings] == [True, True, True, False, True]
    assert [ruling.remaining for ruling in rulings] == [2, 1, 0, 0, 2]
    assert all(59 <= ruling.reset_s <= 60 for ruling in rulings)


def test_while_redis_is_away_each_process_counts_and_asks_again_after_a_rest(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    counter = RedisCounter("redis://:hush@127.0.0.1:1/0", clock=lambda: now)
    limiter = Limiter(THREE, counter)
    with caplog.at_level(logging.INFO):
        assert [ruling.remaining for ruling in rule(limiter, CRM, CRM)] == [2, 1]
        asked: list[str] = []

        async def answer(name: str, _window_s: int, _cost: int) -> tuple[int, float]:
            asked.append(name)
            return 1, 60.0

        monkeypatch.setattr(counter._windows, "count", answer)  # noqa: SLF001  Redis is back
        assert rule(limiter, CRM)[0].remaining == 0
        assert asked == []
        now += REDIS_REST_S
        assert rule(limiter, CRM)[0].remaining == 2
        assert asked == ["0123abcz"]
    assert [record.getMessage() for record in caplog.records if "serving" in record.name] == [
        "Redis does not answer (ConnectionError): limits are kept by process",
        "Redis answers again: limits are kept together",
    ]
    assert "hush" not in caplog.text


def test_counting_in_memory_is_what_one_worker_does() -> None:
    assert isinstance(make_limiter(THREE).counter, MemoryCounter)
