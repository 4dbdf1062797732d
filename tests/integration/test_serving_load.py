"""The service under load and at its end: real servers, real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from features.errors import InputError
from models.key_store import KeyStore
from models.service_store import ServiceStore
from models.store import SnapshotStore
from serving.server import build_server
from serving.settings import Settings
from tests.integration.client import PROBLEM
from tests.integration.company import due, snapshot
from tests.integration.postgres import free_port

MANY = [f"A{number}" for number in range(400)]
BATCH = json.dumps({"account_ids": MANY * 25}).encode()  # 10,000 ids
PATH = "/v1/accounts/batch?fields=top_drivers"


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/store.db"
    with SnapshotStore(url) as store:
        store.publish(snapshot(*(due(name, 0.5) for name in MANY)))
    return url


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The base URL of a server in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = build_server(settings)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


async def post(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post(PATH, content=BATCH, headers={"Content-Type": "application/json"})


def test_too_many_requests_at_once_are_answered_503_and_the_service_recovers(url: str) -> None:
    async def press(base: str) -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=60)
        async with httpx.AsyncClient(base_url=base, timeout=60, limits=limits) as client:
            answers = await asyncio.gather(*(post(client) for _ in range(40)), client.get("/livez"))
            assert answers.pop().status_code == 200
            after = [await client.get("/v1/accounts/A1/risk") for _ in range(5)]
        assert all(answer.status_code == 200 for answer in after)
        return list(answers)

    with served(Settings(store_url=url, most_requests=4)) as base:
        answers = asyncio.run(press(base))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert 0 < len(refused) <= len(answers) - 3  # the probe may have taken the fourth place
    for answer in refused:
        assert answer.status_code == 503
        assert answer.headers["content-type"] == PROBLEM
        assert answer.headers["retry-after"] == "5"
        assert answer.json()["type"].endswith("/overloaded")


def test_a_body_without_a_length_is_read_up_to_the_limit_alone(url: str) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 65_536
            yield b" " * 65_536

    with served(Settings(store_url=url)) as base, httpx.Client(timeout=60) as client:
        try:
            answer = client.post(
                base + PATH, content=endless(), headers={"Content-Type": "application/json"}
            )
            assert answer.status_code == 413
            assert answer.headers["content-type"] == PROBLEM
        except httpx.WriteError:
            pass  # the server hung up before all was sent
        assert client.get(f"{base}/livez").status_code == 200
    assert sent < 20_000_000


def test_requests_in_flight_are_answered_whole_when_the_service_is_stopped(url: str) -> None:
    environment = {**os.environ, "KEEPWELL_STORE": url}
    command = [sys.executable, "-W", "error", "-m", "serving", "--port", "0"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        base = next(
            found[0]
            for line in process.stderr
            if (found := re.search(r"http://127\.0\.0\.1:\d+", line))
        )

        async def press() -> list[httpx.Response | BaseException]:
            async with httpx.AsyncClient(base_url=base, timeout=60) as client:
                assert (await client.get("/readyz")).status_code == 200
                asked = [asyncio.create_task(post(client)) for _ in range(4)]
                done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
                assert done
                process.send_signal(signal.SIGTERM)
                return await asyncio.gather(*asked, return_exceptions=True)

        answers = asyncio.run(press())
        lines = [json.loads(line) for line in process.stderr]
    assert all(isinstance(one, httpx.Response) for one in answers)
    for one in answers:
        assert isinstance(one, httpx.Response)
        assert one.status_code == 200
        assert len(one.json()["results"]) == 10_000
    noted = [line for line in lines if line["logger"] == "request"]
    assert [line["status"] for line in noted if "batch" in line["route"]] == [200] * 4
    assert not [line for line in lines if line["level"] == "error"]


def test_a_service_with_keys_asks_for_one_and_tells_metrics(tmp_path: Path, url: str) -> None:
    service_url = f"sqlite:///{tmp_path}/service.db"
    with ServiceStore(service_url) as service:
        token = KeyStore(service).create("crm", ["scores:read"], now=datetime.now(UTC)).token
    settings = Settings(store_url=url, service_store_url=service_url, host="0.0.0.0")
    with served(settings) as base, httpx.Client(base_url=base, timeout=60) as client:
        assert client.get("/v1/accounts").status_code in (401, 503)
        client.headers["Authorization"] = f"Bearer {token}"
        while client.get("/readyz").json()["snapshot_id"] is None:
            pass  # until the keys are read
        for _ in range(3):
            assert client.get("/v1/accounts/A1/risk").status_code == 200
        told = client.get("/metrics").text
    route = 'route="/v1/accounts/{account_id}/risk"'
    assert f'keepwell_requests_total{{method="GET",{route},status="200"}} 3.0' in told
    assert f"keepwell_request_seconds_count{{{route}}} 3.0" in told
    assert 'keepwell_snapshot_model_info{model="renewal",version="3"} 1.0' in told
    assert "keepwell_store_answers 1.0" in told
    assert re.search(r"keepwell_snapshot_age_seconds [\d.e+]+\n", told)


def test_a_port_of_this_machine_tells_metrics_and_no_account_without_a_key(
    tmp_path: Path, url: str
) -> None:
    service_url = f"sqlite:///{tmp_path}/service.db"
    with ServiceStore(service_url) as service:
        KeyStore(service).create("crm", ["scores:read"], now=datetime.now(UTC))
    port = free_port()
    settings = Settings(store_url=url, service_store_url=service_url, local_port=port)
    with served(settings) as base, httpx.Client(timeout=60) as client:
        local = f"http://127.0.0.1:{port}"
        while client.get(f"{base}/metrics").status_code != 401:
            pass  # until the keys are read
        assert "keepwell_requests_total" in client.get(f"{local}/metrics").text
        assert client.get(f"{local}/openapi.json").json()["info"]["title"] == "Keepwell"
        assert client.get(f"{local}/readyz").json()["in_memory"] is True
        for path in ("/v1/accounts", "/v1/accounts/A1/risk", "/v1/portfolio", "/metrics/"):
            assert client.get(local + path).status_code == 404
        for name, value in (("Host", "evil.example"), ("X-Forwarded-For", "127.0.0.1")):
            answer = client.get(f"{local}/metrics", headers={name: value})
            assert answer.status_code in (400, 403)


def test_a_service_that_others_reach_does_not_start_without_a_key(tmp_path: Path, url: str) -> None:
    settings = Settings(
        store_url=url, service_store_url=f"sqlite:///{tmp_path}/service.db", host="0.0.0.0"
    )
    with pytest.raises(InputError, match="keepwell keys create"):
        build_server(settings)


@pytest.mark.parametrize("left", [b"no database at all, " * 1000, None], ids=["damaged", "gone"])
def test_a_snapshot_goes_on_being_served_while_its_store_is_away(
    tmp_path: Path, url: str, left: bytes | None
) -> None:
    with (
        served(Settings(store_url=url, refresh_s=0.02)) as base,
        httpx.Client(base_url=base, timeout=60) as client,
    ):
        assert client.get("/v1/accounts/A1/risk").status_code == 200
        for file in tmp_path.glob("store.db*"):
            file.unlink()
        if left is not None:
            (tmp_path / "store.db").write_bytes(left)
        while "keepwell_store_answers 0.0" not in client.get("/metrics").text:
            pass
        assert client.get("/v1/accounts/A1/risk").status_code == 200
        assert client.get("/v1/accounts").status_code == 200
        assert client.get("/readyz").status_code == 200
        history = client.get("/v1/accounts/A1/history")
        assert history.status_code == 503
        assert history.json()["type"].endswith("/store-away")
