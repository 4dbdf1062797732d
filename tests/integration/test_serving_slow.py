"""Bytes on a socket that no decent client sends: slow, broken, endless, odd."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from models.key_store import KeyStore
from models.service_store import ServiceStore
from models.store import SnapshotStore
from serving.settings import Settings
from tests.integration.company import due, snapshot
from tests.integration.test_serving_load import served

HEAD = b"GET /v1/accounts/A1/risk HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /v1/accounts/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/store.db"
    with SnapshotStore(url) as store:
        store.publish(snapshot(due("A1", 0.5)))
    return url


@pytest.fixture
def base(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A service that waits for less long than it does elsewhere."""
    monkeypatch.setattr("serving.protocol.HEAD_S", 0.5)
    monkeypatch.setattr("serving.protocol.STUCK_S", 0.5)
    with served(Settings(store_url=url, body_wait_s=0.5)) as base:
        yield base


@pytest.fixture
def patient(url: str) -> Iterator[str]:
    """A service that waits as long as it does elsewhere, for what is answered in any case."""
    with served(Settings(store_url=url)) as base:
        yield base


def connect(base: str) -> socket.socket:
    port = int(base.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def read_to_end(opened: socket.socket) -> bytes:
    """What is sent until the other side hangs up, in order or not."""
    parts = []
    try:
        while part := opened.recv(65_536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def talk(base: str, sent: bytes) -> bytes:
    with connect(base) as opened:
        opened.sendall(sent)
        return read_to_end(opened)


def count_bytes(opened: socket.socket, *, most: int) -> int:
    """How many bytes could be sent, one at a time with a pause, until the other side hung up."""
    for number in range(most):
        try:
            opened.sendall(b"x")
            if opened.recv(1) == b"":
                return number
        except TimeoutError:
            pass
        except ConnectionError:
            return number
    return most


@pytest.mark.parametrize("begun", [b"", b"G", HEAD, HEAD + b"X-Slow: "], ids=repr)
def test_a_head_that_does_not_end_is_given_up(base: str, begun: bytes) -> None:
    assert talk(base, begun) == b""


def test_a_head_that_comes_by_the_byte_is_given_up_all_the_same(base: str) -> None:
    began = time.monotonic()
    with connect(base) as opened:
        opened.sendall(HEAD + b"X-Slow: ")
        opened.settimeout(0.05)
        assert count_bytes(opened, most=400) < 400
    assert time.monotonic() < began + 20


@pytest.mark.parametrize(
    "begun",
    [POST + b"Content-Length: 50\r\n\r\n{", CHUNKED + b"5\r\n{", CHUNKED],
    ids=["length", "chunk", "nothing"],
)
def test_a_body_that_does_not_end_is_a_408_problem(base: str, begun: bytes) -> None:
    head, _, body = talk(base, begun).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in head.lower()
    assert json.loads(body)["type"].endswith("/too-slow")


def test_slow_requests_leave_places_for_others_again(url: str) -> None:
    settings = Settings(store_url=url, body_wait_s=0.5, most_requests=3)
    with served(settings) as base, httpx.Client(base_url=base, timeout=30) as client:
        assert client.get("/readyz").status_code == 200
        slow = [connect(base) for _ in range(6)]
        for opened in slow:
            opened.sendall(POST + b"Content-Length: 50\r\n\r\n{")
        statuses = [client.get("/v1/accounts/A1/risk").status_code]
        while statuses[-1] != 200:
            statuses.append(client.get("/v1/accounts/A1/risk").status_code)
        assert set(statuses) <= {200, 503}
        for opened in slow:
            opened.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"GET /liv\xe9z HTTP/1.1\r\nHost: localhost\r\n\r\n",
        HEAD + b"A: b\x00c\r\n\r\n",
        HEAD + b"A\r\nB : c\r\n\r\n",
        HEAD + b"Host: evil.example\r\n\r\n",
        HEAD + b"X: " + b"x" * 100_000,
        HEAD + b"X: y\r\n" * 20_000,
        b"GET /" + b"a" * 100_000,
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        POST + b"Transfer-Encoding: identity\r\n\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"fffffffffffffffffffffff\r\n",
    ],
    ids=lambda sent: repr(sent[-30:]),
)
def test_what_is_no_http_is_a_problem_or_an_end_and_never_a_failure(
    base: str, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        told = talk(base, sent)
    head, _, body = told.partition(b"\r\n\r\n")
    assert head[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 408", b"HTTP/1.1 413", b"HTTP/1.1 501", b"")
    if head and b"transfer-encoding: chunked" not in head.lower():
        assert json.loads(body)["type"].startswith("tag:keepwell,2026:problem/")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET http://evil.example/v1/accounts/A1/risk HTTP/1.1", b"404"),
        (b"GET //v1/accounts/A1/risk HTTP/1.1", b"404"),
        (b"GET /v1/../v1/accounts/A1/risk HTTP/1.1", b"404"),
        (b"GET /v1/accounts/%2e%2e/%2e%2e/metrics HTTP/1.1", b"404"),
        (b"GET /%76%31/accounts/A1/risk HTTP/1.1", b"200"),
        (b"GET /v1/accounts/A1%2Frisk HTTP/1.1", b"200"),
        (b"GET /v1/accounts/%00/risk HTTP/1.1", b"422"),
        (b"GET /v1/accounts/A1%/risk HTTP/1.1", b"404"),
        (b"GET /v1/accounts/%ff%fe/risk HTTP/1.1", b"404"),
        (b"GET /v1/accounts/%ed%a0%80/history HTTP/1.1", b"404"),
        (b"GET /v1/accounts/A1/risk#x HTTP/1.1", b"404"),
        (b"GET * HTTP/1.1", b"404"),
        (b"OPTIONS * HTTP/1.1", b"404"),
        (b"HEAD /v1/accounts/A1/risk HTTP/1.1", b"200"),
        (b"HEAD /v1/accounts/batch HTTP/1.1", b"405"),
        (b"OPTIONS /v1/accounts/A1/risk HTTP/1.1", b"405"),
        (b"TRACE /v1/accounts/A1/risk HTTP/1.1", b"405"),
        (b"get /v1/accounts/A1/risk HTTP/1.1", b"405"),
        (b"CONNECT evil.example:443 HTTP/1.1", b"404"),
        (b"PROPFIND /nowhere HTTP/1.1", b"404"),
    ],
    ids=lambda value: repr(value)[2:60],
)
def test_odd_paths_and_methods_are_answered_by_the_letter(
    patient: str, request_line: bytes, status: bytes
) -> None:
    told = talk(patient, request_line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert told.split(b" ")[1] == status
    assert b"text/plain" not in told
    assert not request_line.startswith(b"HEAD") or told.endswith(b"\r\n\r\n")


def test_a_request_to_change_the_protocol_changes_none(patient: str) -> None:
    for upgrade in (b"websocket", b"h2c"):
        told = talk(
            patient, HEAD + b"Connection: Upgrade, close\r\nUpgrade: " + upgrade + b"\r\n\r\n"
        )
        assert told.startswith(b"HTTP/1.1 200 ")


def test_a_stranger_whose_body_goes_on_after_the_refusal_is_cut_off(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("serving.protocol.HEAD_S", 0.5)
    service_url = f"sqlite:///{tmp_path}/service.db"
    with ServiceStore(service_url) as service:
        KeyStore(service).create("crm", ["scores:read"], now=datetime.now(UTC))
    settings = Settings(store_url=url, service_store_url=service_url)
    with served(settings) as base, connect(base) as opened:
        opened.sendall(CHUNKED)
        assert opened.recv(65_536).split(b" ")[1] in (b"401", b"503")
        opened.sendall(b"1\r\n \r\n")
        assert b"HTTP/1.1" not in read_to_end(opened)
        with connect(base) as another:
            another.sendall(CHUNKED)
            another.recv(65_536)
            another.sendall(b"no chunk\r\n")
            read_to_end(another)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
