"""Connections whose other side takes nothing: how long they are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from serving.protocol import HEAD_S, LAST_S, STUCK_S, ProblemProtocol
from serving.server import configure


class Timer:
    """A call that was put off."""

    def __init__(self, after_s: float, call: Callable[..., None], given: tuple[Any, ...]) -> None:
        self.after_s, self._call, self._given = after_s, call, given
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True

    def ring(self) -> None:
        assert not self.is_cancelled
        self._call(*self._given)


class Loop:
    """Keeps what is put off."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []

    def call_later(self, after_s: float, call: Callable[..., None], *given: object) -> Timer:
        self.timers.append(Timer(after_s, call, given))
        return self.timers[-1]


class Transport(asyncio.Transport):
    """A connection with some bytes that the other side has not taken."""

    left = 0
    is_aborted = False

    def get_write_buffer_size(self) -> int:
        return self.left

    def abort(self) -> None:
        self.is_aborted = True

    def is_closing(self) -> bool:
        return True


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def protocol(loop: Loop, transport: Transport) -> ProblemProtocol:
    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        """Answers nothing."""

    config = configure(nothing, host="127.0.0.1", port=0)
    config.load()
    made = ProblemProtocol(config, ServerState(), {}, _loop=loop)  # type: ignore[arg-type]
    made.connection_made(transport)
    return made


def test_a_connection_that_sends_no_request_is_ended(
    protocol: ProblemProtocol, loop: Loop, transport: Transport
) -> None:
    del protocol
    (timer,) = loop.timers
    assert timer.after_s == HEAD_S
    timer.ring()
    assert transport.is_aborted


def test_an_answer_of_which_nothing_is_taken_is_dropped(
    protocol: ProblemProtocol, loop: Loop, transport: Transport
) -> None:
    transport.left = 100_000
    protocol.pause_writing()
    assert loop.timers[-1].after_s == STUCK_S
    loop.timers[-1].ring()
    assert transport.is_aborted


def test_an_answer_that_is_taken_slowly_goes_on(
    protocol: ProblemProtocol, loop: Loop, transport: Transport
) -> None:
    transport.left = 100_000
    protocol.pause_writing()
    for transport.left in (90_000, 80_000):
        loop.timers[-1].ring()
    assert not transport.is_aborted
    protocol.resume_writing()
    assert loop.timers[-1].is_cancelled
    assert len(loop.timers) == 4


def test_an_idle_connection_that_still_holds_an_answer_is_not_kept_for_ever(
    protocol: ProblemProtocol, loop: Loop, transport: Transport
) -> None:
    protocol.timeout_keep_alive_handler()
    assert len(loop.timers) == 1
    transport.left = 10
    protocol.timeout_keep_alive_handler()
    loop.timers[-1].ring()
    assert transport.is_aborted


def test_a_connection_that_is_lost_is_not_waited_for(
    protocol: ProblemProtocol, loop: Loop, transport: Transport
) -> None:
    transport.left = 10
    protocol.pause_writing()
    protocol.connection_lost(ConnectionResetError())
    assert all(timer.is_cancelled for timer in loop.timers)


def test_a_connection_has_a_moment_for_a_last_request_when_the_service_stops(
    protocol: ProblemProtocol, loop: Loop, transport: Transport
) -> None:
    protocol.shutdown()
    assert loop.timers[-1].after_s == LAST_S
    loop.timers[-1].ring()  # it is closing already
    assert not transport.is_aborted
