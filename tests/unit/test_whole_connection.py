"""An answer's head leaves together with the first bytes of its body."""

from __future__ import annotations

import h11

from serving.protocol import WholeConnection


def answering() -> WholeConnection:
    """A connection on which a request came."""
    connection = WholeConnection(h11.SERVER)
    connection.receive_data(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    while not isinstance(connection.next_event(), h11.EndOfMessage):
        pass
    return connection


def respond(connection: WholeConnection, length: int) -> bytes | None:
    headers = [(b"content-length", b"%d" % length)]
    return connection.send(h11.Response(status_code=200, headers=headers))


def test_the_head_waits_for_the_body_and_leaves_once() -> None:
    connection = answering()
    assert respond(connection, 4) == b""
    first = connection.send(h11.Data(data=b"ab"))
    assert first is not None
    assert first.startswith(b"HTTP/1.1 200")
    assert first.endswith(b"\r\n\r\nab")
    assert connection.send(h11.Data(data=b"cd")) == b"cd"
    assert connection.send(h11.EndOfMessage()) == b""


def test_an_answer_without_a_body_is_sent_with_its_end() -> None:
    connection = answering()
    assert respond(connection, 0) == b""
    end = connection.send(h11.EndOfMessage())
    assert end is not None
    assert end.endswith(b"content-length: 0\r\n\r\n")
    assert connection.send(h11.ConnectionClosed()) is None


def test_what_is_only_announced_is_sent_at_once() -> None:
    connection = answering()
    told = connection.send(h11.InformationalResponse(status_code=103, headers=[]))
    assert told is not None
    assert told.startswith(b"HTTP/1.1 103")
