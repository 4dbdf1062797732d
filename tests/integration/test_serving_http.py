"""The service as it runs: a real server on a loopback port, read over HTTP."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from models.store import SnapshotStore
from serving.__main__ import main
from serving.server import build_server, reason_not_to_listen
from serving.settings import Settings
from tests.integration.client import PROBLEM
from tests.integration.company import due, snapshot


@pytest.fixture
def address(store_url: str) -> Iterator[tuple[str, int]]:
    """Host and port of a running server over the store."""
    listener = socket.create_server(("127.0.0.1", 0))  # callers queue until the server accepts
    address = listener.getsockname()
    server = build_server(Settings(store_url=store_url, refresh_s=0.05))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield address
    server.should_exit = True
    thread.join()


def test_a_newly_published_snapshot_is_served_without_a_restart(
    address: tuple[str, int], store: SnapshotStore
) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{address[1]}", timeout=20) as client:
        assert client.get("/readyz").status_code == 503
        for loss in (0.2, 0.7, 0.4):
            snapshot_id = store.publish(snapshot(due("A1", loss), due("A2", 0.1)))
            wait_for(client, snapshot_id)
            risk = client.get("/v1/accounts/A1/risk").json()
            assert (risk["loss_probability"], risk["snapshot_id"]) == (loss, snapshot_id)
            top = client.get("/v1/accounts", params={"limit": 1}).json()
            assert top["accounts"][0]["loss_probability"] == loss
            assert top["snapshot_id"] == snapshot_id
            assert client.get("/readyz").json()["snapshot_id"] == snapshot_id


def test_answers_name_no_server_and_are_kept_by_their_caller_alone(
    address: tuple[str, int],
) -> None:
    response = httpx.get(f"http://127.0.0.1:{address[1]}/livez", timeout=20)
    assert "server" not in response.headers
    assert response.headers["cache-control"] == "private, no-cache"
    assert response.headers["x-content-type-options"] == "nosniff"


def wait_for(client: httpx.Client, snapshot_id: str) -> None:
    """Ask until the snapshot is served."""
    while client.get("/readyz").json().get("snapshot_id") != snapshot_id:
        pass


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"NONSENSE\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    ],
)
def test_a_request_that_is_no_http_is_answered_with_a_problem(
    address: tuple[str, int], request_bytes: bytes
) -> None:
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(request_bytes)
        answer = connection.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert PROBLEM.encode() in head
    assert json.loads(body)["status"] == 400


def test_the_command_serves_logs_json_lines_and_stops_on_a_signal(store_url: str) -> None:
    with SnapshotStore(store_url) as store:
        store.publish(snapshot(due("A1", 0.3, name="Company A1")))
    command = [sys.executable, "-W", "error", "-m", "serving", "--port", "0"]
    lines = []
    with subprocess.Popen(
        command, env={**os.environ, "KEEPWELL_STORE": store_url}, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(json.loads(line))
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", lines[-1]["message"]):
                base = f"http://127.0.0.1:{found[1]}"
                assert httpx.get(f"{base}/v1/accounts/A1/risk", timeout=20).status_code == 200
                assert httpx.get(f"{base}/v1/accounts/A9/risk", timeout=20).status_code == 404
                process.send_signal(signal.SIGTERM)
    assert all(line["level"] == "info" for line in lines)
    assert not any("A1" in line["message"] or "Company" in line["message"] for line in lines)
    assert any("shutdown complete" in line["message"] for line in lines)


def test_a_taken_port_is_told_in_one_sentence_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        store = f"sqlite:///{tmp_path}/store.db"
        assert main(["--store", store, "--port", str(port)]) == 1
        said = capsys.readouterr().err
    assert said == (
        f"keepwell serve: port {port} of 127.0.0.1 is taken, perhaps by a service that still runs; "
        "choose another one with --port\n"
    )
    assert reason_not_to_listen(Settings(store_url=store, port=port)) is None
    assert reason_not_to_listen(Settings(store_url=store, host="localhost", port=0)) is None


def test_the_service_loads_nothing_that_trains_or_schedules() -> None:
    heavy = "prefect mlflow shap lightgbm pandas numpy sklearn matplotlib duckdb pipelines"
    check = f"import serving.__main__, sys; print(sorted(set({heavy.split()}) & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
