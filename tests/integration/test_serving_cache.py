"""What callers may keep: ETags and 304, gzip, and what says that a snapshot is stale."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.account_score import AccountScore
from models.key_store import KeyStore
from models.row_filter import RowFilter
from models.service_store import ServiceStore
from models.store import SnapshotStore
from serving.application import Service
from serving.visit import Visit
from tests.integration.client import ask, serve
from tests.integration.company import due, snapshot

PATHS = (
    "/v1/accounts/A1/risk",
    "/v1/external-ids/001A1/risk",
    "/v1/accounts/A1/history",
    "/v1/accounts",
    "/v1/accounts?group_by=parent",
    "/v1/portfolio",
    "/v1/snapshots",
    "/v1/models/renewal",
)
MANY = tuple(due(f"A{number}", 0.5) for number in range(40))


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/store.db"
    publish(url, *MANY)
    return url


@pytest.fixture
def app(url: str) -> Iterator[Service]:
    made = serve(url)
    yield made
    made.close()


def publish(url: str, *scores: AccountScore, **changes: Any) -> str:
    with SnapshotStore(url) as store:
        return store.publish(snapshot(*scores, **changes))


@pytest.mark.parametrize("path", PATHS)
def test_what_the_caller_holds_is_a_304_until_the_next_snapshot(
    app: Service, url: str, path: str
) -> None:
    first = ask(app, path)
    etag = first.headers["etag"]
    assert first.headers["vary"] == "Authorization, Accept-Encoding"
    for held in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = ask(app, path, headers={"If-None-Match": held})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
        assert again.headers["vary"] == first.headers["vary"]
    for other in ('"other"', etag.strip('"'), ""):
        assert ask(app, path, headers={"If-None-Match": other}).status_code == 200
    publish(url, *MANY[:-1])
    changed = ask(app, path, headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


@pytest.mark.parametrize("path", PATHS)
def test_the_etag_covers_staleness(url: str, path: str) -> None:
    fresh, stale = serve(url), serve(url, stale_after_days=1)
    told = ask(fresh, path), ask(stale, path)
    if '"stale":' in told[0].text:
        assert [answer.json()["stale"] for answer in told] == [False, True]
        assert told[0].headers["etag"] != told[1].headers["etag"]
        held = {"If-None-Match": told[0].headers["etag"]}
        assert ask(stale, path, headers=held).status_code == 200
    for app in (fresh, stale):
        app.close()


@pytest.mark.parametrize("path", [*PATHS, "/readyz", "/v1/accounts/nobody/risk", "/nowhere"])
def test_head_is_answered_as_get_without_the_body(app: Service, path: str) -> None:
    with_body = ask(app, path)
    head = ask(app, path, method="HEAD")
    assert (head.status_code, head.content) == (with_body.status_code, b"")
    own = {"x-request-id", "content-length"}  # the id of the request is in a problem's body too
    assert {*head.headers} == {*with_body.headers}
    for name in {*head.headers} - own:
        assert head.headers[name] == with_body.headers[name]
    if with_body.status_code == 200:
        assert head.headers["content-length"] == with_body.headers["content-length"]


def test_a_snapshot_is_stale_by_its_as_of_date(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    for days, is_stale in ((0, False), (7, False), (9, True)):
        url = f"sqlite:///{tmp_path}/{days}.db"
        publish(url, MANY[0], as_of=today - timedelta(days=days))
        app = serve(url, stale_after_days=8)
        assert ask(app, "/v1/accounts/A0/risk").json()["stale"] is is_stale
        told = "keepwell_snapshot_stale " + ("1.0" if is_stale else "0.0")
        assert told in ask(app, "/metrics").text
        app.close()


@pytest.mark.parametrize(
    ("said", "option", "is_stale"), [(1.0, None, True), (3.0, None, False), (1.0, 3, False)]
)
def test_a_snapshot_says_itself_when_it_is_stale_unless_the_service_was_told(
    store_url: str, said: float, option: float | None, is_stale: bool
) -> None:
    two_days_ago = datetime.now(UTC).date() - timedelta(days=2)
    publish(store_url, MANY[0], as_of=two_days_ago, stale_after_days=said)
    app = serve(store_url, stale_after_days=option)
    assert ask(app, "/v1/accounts/A0/risk").json()["stale"] is is_stale
    app.close()


def test_the_etag_covers_row_filter_and_scopes(tmp_path: Path, url: str) -> None:
    service_url = f"sqlite:///{tmp_path}/service.db"
    app = serve(url, service_store_url=service_url)
    with ServiceStore(service_url) as service:
        keys, now = KeyStore(service), datetime.now(UTC)
        tokens = [
            keys.create("test", scopes, of, now=now).token
            for scopes in (["scores:read"], ["scores:read", "people:read"])
            for of in (RowFilter({}), RowFilter({"segment": ["smb"]}))
        ]
    assert app.guards.keys is not None
    app.guards.keys.refresh()
    etags = [
        ask(app, PATHS[0], headers={"Authorization": f"Bearer {token}"}).headers["etag"]
        for token in tokens
    ]
    assert len(set(etags)) == 4
    app.close()


def test_long_answers_are_compressed_for_who_reads_gzip(app: Service) -> None:
    plain = ask(app, "/v1/accounts", headers={"Accept-Encoding": "identity"})
    packed = ask(app, "/v1/accounts", headers={"Accept-Encoding": "br, gzip;q=0.8"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert packed.json() == plain.json()
    assert "content-encoding" not in plain.headers
    assert packed.headers["etag"] != plain.headers["etag"]
    held = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["etag"]}
    assert ask(app, "/v1/accounts", headers=held).status_code == 304
    held["Accept-Encoding"] = "identity"
    assert ask(app, "/v1/accounts", headers=held).status_code == 200


def test_a_long_lookup_is_compressed_too(app: Service, url: str) -> None:
    publish(url, due("A1", 0.5, drivers=MANY[0].drivers * 20))
    packed = ask(app, "/v1/accounts/A1/risk", headers={"Accept-Encoding": "gzip"})
    plain = ask(app, "/v1/accounts/A1/risk", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    assert packed.headers["etag"] != plain.headers["etag"]
    held = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["etag"]}
    assert ask(app, "/v1/accounts/A1/risk", headers=held).status_code == 304


def test_short_answers_are_not_compressed(app: Service) -> None:
    response = ask(app, "/v1/accounts/A1/risk", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        (b"gzip", True),
        (b"br, gzip", True),
        (b"gzip;q=0.5", True),
        (b"gzip ; q=1.0, br", True),
        (b"*", True),
        (b"gzip;q=0", False),
        (b"gzip;q=0.0, identity", False),
        (b"gzip;q=0.001", True),
        (b"identity", False),
        (b"xgzip", False),
        (b"", False),
        (b"GZip", True),
        (b"gzip;q=0, *", False),
        (b"*;q=0, gzip", True),
        (b"*;q=0", False),
        (b"gzip;q=1;level=9", True),
        (b",;,=;q", False),
        (b"gzip" + b" " * 60_000 + b"x", False),  # once took a minute
        (b"gzip;q=0," * 7_000, False),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_gzip_is_sent_to_who_accepts_it(accepted: bytes, takes: bool) -> None:
    assert Visit([(b"accept-encoding", accepted)], "1").takes_gzip is takes
