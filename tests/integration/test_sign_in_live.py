"""Signing in at a server that runs, with two workers: a session is one of all of them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from models.key_store import KeyStore
from models.service_store import ServiceStore
from models.store import SnapshotStore
from serving.form import NONCE_BYTES, _sign
from tests.integration.browser import HTML
from tests.integration.company import due, snapshot
from tests.integration.live_service import wait_until
from tests.integration.postgres import free_port

COMMAND = [sys.executable, "-W", "error", "-m", "serving", "--port", "0", "--workers", "2"]
STARTED = re.compile(r"Started server process")


class Server:
    """Two workers on one port, and a key."""

    def __init__(self, base: str, log: list[str], keys: KeyStore) -> None:
        self.base, self.log, self.keys = base, log, keys

    def make_key(self) -> str:
        """A new key's token, which no worker knows yet."""
        return self.keys.create("page", ["scores:read"], now=datetime.now(UTC)).token

    def ask(self, path: str, cookie: str | None = None, **options: object) -> httpx.Response:
        """One answer over a connection of its own, which either worker may take."""
        headers = {"Accept": HTML, **({} if cookie is None else {"Cookie": cookie})}
        fields = options.get("data")
        if fields is None:
            return httpx.get(f"{self.base}{path}", headers=headers, timeout=60)
        headers["Origin"] = self.base
        assert isinstance(fields, dict)
        return httpx.post(f"{self.base}{path}", headers=headers, data=fields, timeout=60)

    def sign_in(self, key: str) -> str:
        """The cookie of a new session."""
        page = self.ask("/sign-in")
        token, form_cookie = token_of(page), cookie_of(page, "keepwell-form")
        fields = {"form_token": token, "key": key, "next": "/docs"}
        sent = self.ask("/sign-in", form_cookie, data=fields)
        assert (sent.status_code, sent.headers["location"]) == (303, "/docs"), sent.text
        return cookie_of(sent, "keepwell")


def token_of(page: httpx.Response) -> str:
    found = re.search(r'name="form_token" value="(\w+)"', page.text)
    assert found is not None
    return found[1]


def cookie_of(answer: httpx.Response, name: str) -> str:
    (line,) = [one for one in answer.headers.get_list("set-cookie") if one.startswith(f"{name}=")]
    return line.partition(";")[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    tmp_path = tmp_path_factory.mktemp("service")
    url, service_url = (f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "service"))
    with SnapshotStore(url) as store:
        store.publish(snapshot(due("A1", 0.5)))
    environment = {
        **os.environ,
        "KEEPWELL_STORE": url,
        "KEEPWELL_SERVICE_STORE": service_url,
        "KEEPWELL_REDIS": f"redis://127.0.0.1:{free_port()}/0",  # there is none: see the crew
    }
    log: list[str] = []
    with ServiceStore(service_url) as service:
        keys = KeyStore(service)
        keys.create("crm", ["scores:read"], now=datetime.now(UTC))
        process = subprocess.Popen(COMMAND, env=environment, stderr=subprocess.PIPE, text=True)
        with process:
            assert process.stderr is not None
            lines = process.stderr
            reader = threading.Thread(target=lambda: log.extend(lines))
            reader.start()
            wait_until(lambda: sum(bool(STARTED.search(line)) for line in log) == 2)
            base = next(found[0] for line in log if (found := re.search(r"http://[\d.:]+", line)))
            yield Server(base, log, keys)
            process.send_signal(signal.SIGTERM)
            reader.join()


def test_a_session_opens_and_ends_at_every_worker_and_is_never_logged(server: Server) -> None:
    key = server.make_key()
    cookie = server.sign_in(key)
    for _ in range(20):
        assert server.ask("/docs", cookie).status_code == 200
        assert server.ask("/v1/accounts", cookie).status_code == 401
    gone = server.ask("/nowhere", cookie)
    assert gone.status_code == 404
    assert gone.headers.get_list("cache-control") == ["private, no-store"]
    assert gone.headers.get_list("x-content-type-options") == ["nosniff"]
    second = server.sign_in(key)
    assert second != cookie
    server.keys.revoke(key[3:11], now=datetime.now(UTC))
    wait_until(lambda: {server.ask("/docs", cookie).status_code for _ in range(8)} == {303})
    wait_until(lambda: any('"route": "/sign-in"' in line for line in server.log))
    told = "".join(server.log)
    for text in (cookie.partition("=")[2], second.partition("=")[2], key[-43:]):
        assert text not in told


def test_a_form_that_is_too_large_or_odd_is_answered_and_not_reset(server: Server) -> None:
    page = server.ask("/sign-in")
    fields = {"form_token": token_of(page), "key": "x" * 500_000}
    large = server.ask("/sign-in", cookie_of(page, "keepwell-form"), data=fields)
    assert large.status_code == 413
    assert "text/html" in large.headers["content-type"]
    larger = {"form_token": token_of(page), "key": "x" * 3_000_000}
    assert server.ask("/sign-in", cookie_of(page, "keepwell-form"), data=larger).status_code == 413


def test_signing_out_reaches_every_worker_within_seconds(server: Server) -> None:
    cookie = server.sign_in(server.make_key())
    for _ in range(10):
        assert server.ask("/docs", cookie).status_code == 200
    # As a page of this session would hold it.
    secret = cookie.partition("=")[2].encode()
    nonce = "0" * 2 * NONCE_BYTES
    out = server.ask("/sign-out", cookie, data={"form_token": nonce + _sign(secret, nonce)})
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert "Max-Age=0" in out.headers["set-cookie"]
    wait_until(lambda: {server.ask("/docs", cookie).status_code for _ in range(8)} == {303})
