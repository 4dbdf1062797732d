"""How often a key may ask: counted in this process, or in Redis for several of them.

References
----------
draft-ietf-httpapi-ratelimit-headers-10: the fields ``RateLimit-Policy`` and ``RateLimit``.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any, NamedTuple, Protocol

from limits import parse
from limits.aio.storage import RedisStorage
from limits.errors import ConfigurationError
from limits.storage import MemoryStorage

from features.errors import InputError, Problem
from serving.caller import Caller

logger = logging.getLogger(__name__)

DEFAULT_RATE = "6000/minute"
LOCAL_NAME = "local"  # of who asks without a key
REDIS_WAIT_S = 0.25
REDIS_REST_S = 5.0  # how long Redis is left alone after it did not answer
REDIS_SCHEMES = ("redis://", "rediss://", "redis+unix://")


@dataclass(frozen=True, slots=True)
class Policy:
    """How many requests a key may send in a window that begins with its first one.

    Parameters
    ----------
    quota : int
        Requests in a window, from 1.
    window_s : int
        Length of a window in seconds, from 1.
    """

    quota: int
    window_s: int


class Ruling(NamedTuple):
    """What the limit says about one request.

    Parameters
    ----------
    allowed : bool
        Whether it may pass.
    remaining : int
        Requests left in the window.
    reset_s : int
        Seconds until the window ends, at least 1.
    headers : tuple of (bytes, bytes)
        For its answer, in lower case: ``ratelimit-policy``, ``ratelimit`` and, where it may not
        pass, ``retry-after``.
    """

    allowed: bool
    remaining: int
    reset_s: int
    headers: tuple[tuple[bytes, bytes], ...]


class Counter(Protocol):
    """Where requests are counted."""

    async def count(self, name: str, policy: Policy, cost: int) -> tuple[int, float]:
        """Requests of the window with this one, and seconds until the window ends."""


class Limiter:
    """The rate limit of every key.

    Parameters
    ----------
    policy : Policy
        The same for each.
    counter : Counter
        `MemoryCounter` for one process, `RedisCounter` for several.
    """

    def __init__(self, policy: Policy, counter: Counter) -> None:
        self.policy = policy
        self.counter = counter
        field = f'"key";q={policy.quota};w={policy.window_s}'
        self._policy_header = (b"ratelimit-policy", field.encode("ascii"))

    async def rule(self, caller: Caller, *, cost: int = 1) -> Ruling:
        """Count a request and say whether it may pass.

        Parameters
        ----------
        caller : Caller
            Who sends it; all that ask without a key count as one.
        cost : int
            As how many requests it counts.
        """
        name = caller.key_id or LOCAL_NAME
        count, left_s = await self.counter.count(name, self.policy, cost)
        remaining = max(0, self.policy.quota - count)
        reset_s = max(1, ceil(left_s))
        headers = (self._policy_header, (b"ratelimit", b'"key";r=%d;t=%d' % (remaining, reset_s)))
        if count > self.policy.quota:
            retry = (b"retry-after", b"%d" % reset_s)
            return Ruling(False, remaining, reset_s, (*headers, retry))
        return Ruling(True, remaining, reset_s, headers)


class MemoryCounter:
    """Counts in this process; there are never more counters than keys, and places of sign-in."""

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        self._storage.timer.cancel()
        self._storage.timer = _NoTimer(0, lambda: None)

    async def count(self, name: str, policy: Policy, cost: int) -> tuple[int, float]:
        """See `Counter`."""
        count = self._storage.incr(name, policy.window_s, cost)
        return count, self._storage.get_expiry(name) - time.time()


class _NoTimer(threading.Timer):
    """Stands for the storage's sweep of counters that are over: it would start a thread a request.

    A request 1 ms after the other costs 48 microseconds with it and 2 without.
    """

    def is_alive(self) -> bool:
        """Always, so that no other one is started."""
        return True


class RedisCounter:
    """Counts in Redis, so that several processes count as one.

    While Redis does not answer, this process counts for itself: a limit that is too kind for a
    while is better than a service that is down.

    Parameters
    ----------
    url : str
        ``redis://…``, ``rediss://…`` or ``redis+unix://…``.
    clock : callable
        Seconds of a clock that never goes back.

    Raises
    ------
    InputError
        It is no such URL, or the client library is not installed.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._windows = _make_windows(url)
        self._faults: tuple[type[Exception], ...] = (*self._windows.faults, OSError)
        self._clock = clock
        self._own = MemoryCounter()
        self._rests_until: float | None = None

    async def count(self, name: str, policy: Policy, cost: int) -> tuple[int, float]:
        """See `Counter`."""
        if self._rests_until is not None and self._clock() < self._rests_until:
            return await self._own.count(name, policy, cost)
        try:
            counted = await self._windows.count(name, policy.window_s, cost)
        except self._faults as fault:
            if self._rests_until is None:
                logger.error("Redis does not answer (%s): limits are kept by process",
                             type(fault).__name__)  # fmt: skip
            self._rests_until = self._clock() + REDIS_REST_S
            return await self._own.count(name, policy, cost)
        if self._rests_until is not None:
            logger.info("Redis answers again: limits are kept together")
            self._rests_until = None
        return counted

    async def close(self) -> None:
        """Close every connection."""
        await self._windows.close()


class _RedisWindows(RedisStorage):
    """The library's storage, asked once a request and without scripts, which some proxies lack."""

    STORAGE_SCHEME: list[str] | None = None  # type: ignore[assignment]  # not to be found by URL

    @property
    def faults(self) -> tuple[type[Exception], ...]:
        """What it raises when Redis does not answer."""
        found: Any = self.base_exceptions  # Any: a property that its base wraps
        return found if isinstance(found, tuple) else (found,)

    async def count(self, name: str, window_s: int, cost: int) -> tuple[int, float]:
        """Count within the window, which begins with the first request."""
        key = self.bridge.prefixed_key(name)
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.set(key, 0, ex=window_s, nx=True)
            pipe.incrby(key, cost)
            pipe.pttl(key)
            _, count, left_ms = await pipe.execute()
        return int(count), max(0, int(left_ms)) / 1000

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    @property
    def _client(self) -> Any:  # Any: the client library is not there to be named
        bridge: Any = self.bridge
        return bridge.get_connection()


def _make_windows(url: str) -> _RedisWindows:
    if not url.startswith(REDIS_SCHEMES):
        rule = "must be the URL of a Redis server"
        raise InputError([Problem("limits", "redis", rule, remedy="write redis://host:6379/0")])
    try:
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        options: dict[str, Any] = {  # Any: the client's own options
            "socket_timeout": REDIS_WAIT_S,
            "socket_connect_timeout": REDIS_WAIT_S,
            "retry": Retry(NoBackoff(), 0),
        }
        return _RedisWindows(
            f"async+{url}", implementation="redispy", key_prefix="keepwell", **options
        )
    except (ConfigurationError, ImportError, ValueError):
        # The text of the fault would repeat the URL, and with it a password.
        rule = "cannot be used: it is no sound URL, or the Python package redis is not installed"
        remedy = "write redis://host:6379/0, and install redis"
        raise InputError([Problem("limits", "redis", rule, remedy=remedy)]) from None


def read_policy(rate: str) -> Policy:
    """The policy that a text such as ``600/minute`` or ``5000 per hour`` says.

    Raises
    ------
    InputError
        It says none.
    """
    try:
        item = parse(rate)
    except ValueError:
        item = None
    if item is None or item.amount < 1 or item.get_expiry() < 1:
        rule = f"{rate!r} is no rate"
        raise InputError([Problem("limits", "rate", rule, remedy=f"write one like {DEFAULT_RATE}")])
    return Policy(item.amount, item.get_expiry())


def make_limiter(policy: Policy, *, workers: int = 1, redis_url: str | None = None) -> Limiter:
    """The limiter of a process.

    Parameters
    ----------
    policy : Policy
        The same for each key.
    workers : int
        Processes that serve at once.
    redis_url : str or None
        Where they count together; None counts in memory, which only one process can.

    Raises
    ------
    InputError
        Several processes without Redis, which would multiply every limit; see `RedisCounter`.
    """
    if workers > 1 and redis_url is None:
        rule = f"{workers} workers cannot keep a limit in memory: each would count for itself"
        remedy = "name a Redis server with KEEPWELL_REDIS, or serve with one worker"
        raise InputError([Problem("limits", "workers", rule, remedy=remedy)])
    return Limiter(policy, MemoryCounter() if redis_url is None else RedisCounter(redis_url))
