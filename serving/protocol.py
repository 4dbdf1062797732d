"""HTTP as the server speaks it: problems instead of plain text, and an end to what never ends."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.problem import BAD_REQUEST, problem_response

HEAD_S = 30.0  # from the connection, or from the first byte, to the end of a request's head
STUCK_S = 75.0  # without a byte taken of an answer
LAST_S = 0.5  # for a request that was sent before the service stopped


class WholeConnection(h11.Connection):
    """A connection that gives out the head of an answer together with what follows it.

    One write instead of two: a small answer is sent at once, and its reader woken once.
    """

    _head = b""

    def send(self, event: h11.Event) -> bytes | None:  # type: ignore[override]
        """The bytes to send now; those of a head with the first ones after it."""
        given: bytes | None = super().send(event)
        if given is None:
            return None
        whole = self._head + given
        is_head = isinstance(event, h11.Response)
        self._head = whole if is_head else b""
        return b"" if is_head else whole


class ProblemProtocol(H11Protocol):
    """HTTP that answers a request it cannot parse with a problem document, not plain text.

    The head of an answer leaves with its body, as ASGI asks for.
    It also ends connections whose other side neither finishes a request's head nor takes its
    answer: a socket and what is buffered for it would else be held for ever.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _buffer_timer: asyncio.TimerHandle | None = None
    _is_last = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self.conn = WholeConnection(h11.SERVER)
        self._head_timer = self.loop.call_later(HEAD_S, self._end)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_head_timer()
        self._stop_buffer_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; the time for a head runs from its first byte to its last."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_head_timer()
            self.cycle.keep_alive = self.cycle.keep_alive and not self._is_last
        elif self._head_timer is None and not self.transport.is_closing():
            # A part of a head, or what is left of a body that nobody reads.
            self._head_timer = self.loop.call_later(HEAD_S, self._end)

    def shutdown(self) -> None:
        """End the connection when the service stops, but answer what was sent before first.

        A request may be on its way that the server has not read yet: it has a moment to come.
        """
        self._is_last = True
        self.loop.call_later(LAST_S, self._shut_down)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's signature
        """Answer and close the connection."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()  # an answer was begun, or given, before the request went wrong
            return
        detail = "It is no valid HTTP/1.1, or its head is too large."
        answer = problem_response(
            BAD_REQUEST, "/", detail, request_id=None, headers={"Connection": "close"}
        )
        body = bytes(answer.body)
        for event in (
            h11.Response(status_code=answer.status_code, headers=answer.raw_headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def pause_writing(self) -> None:
        """More is buffered than the other side takes: see whether it takes any."""
        super().pause_writing()
        self._watch_buffer()

    def resume_writing(self) -> None:
        """It was taken."""
        self._stop_buffer_timer()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """End an idle connection; one whose answer is still being read may read on."""
        super().timeout_keep_alive_handler()
        self._watch_buffer()

    def _watch_buffer(self) -> None:
        left = self.transport.get_write_buffer_size()
        if left and self._buffer_timer is None:
            self._buffer_timer = self.loop.call_later(STUCK_S, self._end_if_stuck, left)

    def _end_if_stuck(self, before: int) -> None:
        self._buffer_timer = None
        if self.transport.get_write_buffer_size() >= before:
            self.transport.abort()
        else:
            self._watch_buffer()

    def _shut_down(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def _end(self) -> None:
        self._head_timer = None
        self.transport.abort()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_buffer_timer(self) -> None:
        if self._buffer_timer is not None:
            self._buffer_timer.cancel()
            self._buffer_timer = None
