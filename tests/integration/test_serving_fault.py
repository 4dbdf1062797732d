"""Who may ask, and that every failure is a problem document without a word of the exception."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import update
from starlette.types import Message

from models.store import SnapshotStore
from models.store_table import ACCOUNT_SCORE, STORE_SCHEMA
from serving.problem import KINDS
from tests.integration.client import ask, problem, serve
from tests.integration.company import due, snapshot
from tests.integration.postgres import free_port
from tests.integration.publisher import marked_snapshot


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def app(url: str) -> Iterator[FastAPI]:
    with SnapshotStore(url) as store:
        store.publish(snapshot(due("A1", 0.5)))
    made = serve(url)
    yield made
    made.close()


@pytest.mark.parametrize("path", ["/nowhere", "/redoc", "/v1", "/v1/accounts/", "/v2/accounts"])
def test_an_unknown_path_is_a_404_problem(app: FastAPI, path: str) -> None:
    assert problem(ask(app, path), 404, "not-found")["instance"] == path


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_another_method_is_a_405_problem_that_names_the_allowed_one(
    app: FastAPI, method: str
) -> None:
    response = ask(app, "/v1/accounts", method=method)
    problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/accounts/A1/feedback", "GET, HEAD, POST"),
        ("/v1/accounts/A1/playbooks", "GET, HEAD, POST"),
        ("/v1/webhooks", "GET, HEAD, POST"),
        ("/v1/webhooks/T1", "DELETE"),
        ("/v1/accounts/batch", "POST"),
        ("/sign-in", "GET, HEAD, POST"),
    ],
)
def test_a_405_names_every_method_that_the_path_takes(
    app: FastAPI, path: str, allowed: str
) -> None:
    response = ask(app, path, method="PUT")
    problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == allowed


def test_head_of_a_path_that_is_only_written_to_is_a_405_without_a_body(app: FastAPI) -> None:
    response = ask(app, "/v1/accounts/batch", method="HEAD")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.content == b""


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:1", "LOCALHOST:80"])
def test_a_local_host_name_is_answered(app: FastAPI, host: str) -> None:
    assert ask(app, "/livez", host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "127.0.0.1:x",
        "127.0.0.2",
        "0.0.0.0",
        "[::]",
        "localhost:80:80",
        "localhost ",
    ],
)
def test_another_host_name_is_refused_on_every_path(app: FastAPI, host: str) -> None:
    for path in ("/livez", "/v1/accounts", "/openapi.json", "/nowhere"):
        problem(ask(app, path, host=host), 400, "wrong-host")


@pytest.mark.parametrize(
    "name", ["Forwarded", "X-Forwarded-For", "x-forwarded-host", "X-Forwarded-Proto"]
)
def test_a_forwarded_request_is_refused(app: FastAPI, name: str) -> None:
    problem(ask(app, "/v1/accounts", headers={name: "for=127.0.0.1"}), 403, "forwarded")


def test_another_origin_gets_no_leave_to_read(app: FastAPI) -> None:
    response = ask(app, "/v1/accounts", headers={"Origin": "https://evil.example"})
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_a_failure_of_ours_is_a_500_problem_without_its_text(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError(told)

    told = "Anna Nowak owes 5"

    monkeypatch.setattr(SnapshotStore, "current", fail)
    with caplog.at_level(logging.ERROR):
        response = ask(app, "/v1/accounts/A1/risk")
    problem(response, 500, "internal-error")
    assert told not in response.text + caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "lookup.py" in caplog.text


def test_a_stored_row_that_the_api_cannot_show_is_a_500_problem_without_its_values(
    app: FastAPI, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with SnapshotStore(url) as store:
        store.publish(snapshot(due("A1", 0.5, name="Anna Nowak"), models={"churn": {}}))
    response = ask(app, "/v1/accounts/A1/risk")
    problem(response, 500, "internal-error")
    assert "Anna" not in response.text + caplog.text


def test_a_store_that_is_away_is_a_503_problem_and_the_process_stays_alive(
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = f"postgresql+psycopg://keepwell:geheim@127.0.0.1:{free_port()}/keepwell"
    app = serve(url)
    for path in ("/readyz", "/v1/accounts", "/v1/accounts/A1/risk"):
        response = ask(app, path)
        document = problem(response, 503, "store-away")
        assert response.headers["retry-after"] == "5"
        assert "refused" not in str(document)
    assert "refused" in caplog.text
    assert "geheim" not in caplog.text
    assert ask(app, "/livez").status_code == 200


def test_a_damaged_or_newer_store_is_a_503_problem(tmp_path: Path, url: str) -> None:
    with SnapshotStore(url) as store:
        store.publish(snapshot(due("A1", 0.5)))
        with store.database.write() as connection:
            connection.execute(update(STORE_SCHEMA).values(version=99))
    (tmp_path / "damaged.db").write_bytes(b"no database at all, " * 1000)
    for broken in (url, f"sqlite:///{tmp_path}/damaged.db"):
        app = serve(broken)
        problem(ask(app, "/readyz"), 503, "store-away")
        problem(ask(app, "/v1/accounts/A1/risk"), 503, "store-away")
        app.close()


def test_a_value_that_was_damaged_on_disk_is_a_503_problem_without_it(
    app: FastAPI, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with SnapshotStore(url) as store, store.database.write() as connection:
        connection.execute(update(ACCOUNT_SCORE).values(drivers='[{"text": "Anna'))
    response = ask(app, "/v1/accounts/A1/risk")
    problem(response, 503, "store-away")
    assert "Anna" not in response.text + caplog.text


def test_a_request_that_the_stopping_server_ends_is_a_503_problem(app: FastAPI) -> None:
    sent: list[Message] = []

    async def stop() -> None:
        asked = asyncio.Event()

        async def receive() -> Message:
            asked.set()
            await asyncio.Event().wait()  # a body that does not come
            raise AssertionError

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {
            "type": "http", "method": "POST", "path": "/v1/accounts/batch", "headers": headers,
            "query_string": b"", "root_path": "", "http_version": "1.1",
        }  # fmt: skip
        request = asyncio.create_task(app(scope, receive, send))
        await asked.wait()
        request.cancel()
        await request

    asyncio.run(stop())
    assert (sent[0]["status"], len(sent)) == (503, 2)
    assert (b"retry-after", b"5") in sent[0]["headers"]
    assert json.loads(sent[1]["body"])["type"].endswith("/overloaded")


@pytest.mark.parametrize("memory_mb", [64, 0], ids=["in memory", "by request"])
def test_a_store_that_is_damaged_while_it_is_served_is_never_a_failure_of_ours(
    tmp_path: Path, url: str, memory_mb: int
) -> None:
    with SnapshotStore(url) as store:
        first = store.publish(marked_snapshot(0))
        store.publish(marked_snapshot(1))
        with store.database.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    file, chance = tmp_path / "store.db", random.Random(7)
    whole = file.read_bytes()
    paths = (
        *("/v1/accounts/A000/risk", "/v1/external-ids/001A299/risk", "/v1/accounts/A007/history"),
        *("/v1/accounts?limit=500", "/v1/accounts?group_by=parent", "/v1/portfolio"),
        *("/v1/snapshots", f"/v1/accounts?changed_since={first}", "/readyz"),
    )
    statuses = set()
    for damage in range(12):
        for left in tmp_path.glob("store.db*"):
            left.unlink()
        file.write_bytes(whole)
        app = serve(url, memory_mb=memory_mb, refresh_s=0.0 if damage % 2 else 3600.0)
        assert ask(app, "/readyz").status_code == 200
        with file.open("r+b") as opened:
            if damage % 4 == 0:
                opened.truncate(chance.randrange(len(whole)))
            for _ in range(chance.choice([1, 5, 40])):
                opened.seek(4096 * chance.randrange(len(whole) // 4096))
                opened.write(chance.choice([bytes(4096), chance.randbytes(4096), b"?"]))
        statuses |= {ask(app, path).status_code for path in paths}
        app.close()
    assert statuses <= {200, 404, 410, 503}
    assert 503 in statuses


def test_every_kind_of_problem_has_a_name_of_its_own() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
