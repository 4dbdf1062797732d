"""What people say of a score comes in once, and only where it belongs."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.feedback_store import FeedbackStore
from models.key_store import KeyStore
from models.row_filter import RowFilter
from models.service_store import ServiceStore
from models.store import SnapshotStore
from serving.application import Service
from tests.integration.client import ask, problem, serve
from tests.integration.company import due, lost, snapshot

SALESFORCE = "0015g00000XyZabAAF"
SAID = {"disposition": "disagree", "reason": "usage_is_seasonal", "note": "Anna knows"}
LATER = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
EARLIER = (datetime.now(UTC).date() - timedelta(days=2)).isoformat()


class Desk:
    """A service over two snapshots, and what it has written."""

    def __init__(self, folder: Path) -> None:
        self.store_url, self.service_url = (
            f"sqlite:///{folder}/{name}.db" for name in ("store", "service")
        )
        with SnapshotStore(self.store_url) as store:
            first = [due("A1", 0.9, external_id=SALESFORCE), due("gone", 0.2), due("b/c", 0.1)]
            self.older = store.publish(snapshot(*first))
            self.newer = store.publish(snapshot(first[0], lost("lost"), first[2], due("new", 0.4)))
        self.app = self.open()
        self.service = ServiceStore(self.service_url)
        self.said = FeedbackStore(self.service)

    def open(self) -> Service:
        """Another service over the same stores, which knows that there are no keys."""
        app = serve(self.store_url, service_store_url=self.service_url)
        assert app.guards.keys is not None
        app.guards.keys.refresh()
        return app

    def give(
        self, path: str, body: object, key: str | None = None, **headers: str
    ) -> httpx.Response:
        """The answer to a POST, with an idempotency key or without."""
        if key is not None:
            headers["Idempotency-Key"] = key
        return ask(self.app, f"/v1/{path}", method="POST", json=body, headers=headers)

    def get(self, path: str, **headers: str) -> dict[str, Any]:
        """The document at a path."""
        response = ask(self.app, f"/v1/{path}", headers=headers)
        assert response.status_code == 200, response.text
        document: dict[str, Any] = response.json()
        return document

    def close(self) -> None:
        """Close the service and its store."""
        self.app.close()
        self.service.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.close()


def test_feedback_is_told_back_and_read_the_newest_first(desk: Desk) -> None:
    first = desk.give("accounts/A1/feedback", SAID)
    assert first.status_code == 201
    document = first.json()
    assert document | SAID == document
    assert (document["snapshot_id"], document["snooze_until"]) == (desk.newer, None)
    snooze = {"disposition": "snooze", "snooze_until": LATER, "snapshot_id": desk.older}
    second = desk.give(f"external-ids/{SALESFORCE[:15]}/feedback", snooze).json()
    assert second["account_id"] == "A1"
    for path in ("accounts/A1/feedback", f"external-ids/{SALESFORCE}/feedback"):
        told = desk.get(path)
        assert told["feedback"] == [second, document]
        assert (told["external_id"], told["loss_reason"]) == (SALESFORCE, None)
    assert desk.get("accounts/A1/feedback?limit=1")["feedback"] == [second]
    assert desk.get("accounts/b/c/feedback")["feedback"] == []


def test_feedback_changes_no_score(desk: Desk) -> None:
    before = ask(desk.app, "/v1/accounts/A1/risk").content
    desk.give("accounts/A1/feedback", SAID)
    assert ask(desk.app, "/v1/accounts/A1/risk").content == before


def test_a_note_is_told_to_keys_that_may_read_of_people_alone(desk: Desk) -> None:
    desk.give("accounts/A1/feedback", SAID)
    keys, ring = KeyStore(desk.service), desk.app.guards.keys
    assert ring is not None
    told = []
    for scopes in (["scores:read"], ["scores:read", "people:read"]):
        token = keys.create("test", scopes, now=datetime.now(UTC)).token
        ring.refresh()
        told.append(desk.get("accounts/A1/feedback", Authorization=f"Bearer {token}"))
    assert [one["feedback"][0]["note"] for one in told] == [None, "Anna knows"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/disposition"),
        ({"disposition": "maybe"}, "#/disposition"),
        ({"disposition": "agree", "reason": "because"}, "#/reason"),
        ({"disposition": "snooze"}, "#/snooze_until"),
        ({"disposition": "agree", "snooze_until": LATER}, "#/snooze_until"),
        ({"disposition": "snooze", "snooze_until": EARLIER}, "#/snooze_until"),
        ({"disposition": "snooze", "snooze_until": 20600}, "#/snooze_until"),
        ({"disposition": "snooze", "snooze_until": "2030-02-30"}, "#/snooze_until"),
        ({"disposition": "agree", "snapshot_id": "0" * 13}, "#/snapshot_id"),
        ({"disposition": "agree", "snapshot_id": "x"}, "#/snapshot_id"),
        ({"disposition": "agree", "note": "x" * 2001}, "#/note"),
        ({"disposition": "agree", "note": "a\x00"}, "#/note"),
        ({"disposition": "agree", "colour": "red"}, "#/colour"),
    ],
)
def test_feedback_that_is_not_as_documented_is_refused(
    desk: Desk, body: dict[str, Any], pointer: str
) -> None:
    document = problem(desk.give("accounts/A1/feedback", body, "k"), 422, "invalid-request")
    assert [error["pointer"] for error in document["errors"]] == [pointer]
    assert desk.said.feedback("A1") == []


def test_feedback_on_a_snapshot_that_lacks_the_account_is_refused(desk: Desk) -> None:
    body = {"disposition": "agree", "snapshot_id": desk.older}
    problem(desk.give("accounts/new/feedback", body), 422, "invalid-request")
    assert desk.give("accounts/A1/feedback", body).status_code == 201
    problem(desk.give("accounts/gone/feedback", body), 404, "unknown-account")


def test_a_repeated_request_gets_the_first_answer_whatever_happened_since(desk: Desk) -> None:
    body = {**SAID, "snapshot_id": desk.older}
    first = desk.give("accounts/A1/feedback", body, "retry-1")
    with SnapshotStore(desk.store_url) as store:
        store.prune(1)  # the snapshot that was spoken of is removed
    again = desk.give("accounts/A1/feedback", dict(reversed(body.items())), "retry-1")
    assert (again.status_code, again.content) == (201, first.content)
    assert len(desk.said.feedback("A1")) == 1


def test_an_idempotency_key_of_another_request_is_refused(desk: Desk) -> None:
    desk.give("accounts/A1/feedback", SAID, "k")
    for path in ("accounts/A1/feedback", "accounts/new/feedback"):
        other = {"disposition": "agree"} if "A1" in path else SAID
        problem(desk.give(path, other, "k"), 422, "idempotency-key-reused")
    problem(desk.give("accounts/lost/loss-reason", {"reason": "price"}, "k"), 422,
            "idempotency-key-reused")  # fmt: skip
    assert len(desk.said.feedback("A1")) == 1


def test_what_was_refused_may_come_again_mended_with_the_same_idempotency_key(desk: Desk) -> None:
    problem(desk.give("accounts/A1/feedback", {"disposition": "snooze"}, "k"), 422,
            "invalid-request")  # fmt: skip
    assert desk.give("accounts/A1/feedback", SAID, "k").status_code == 201


def test_without_an_idempotency_key_each_request_counts(desk: Desk) -> None:
    for _ in range(2):
        desk.give("accounts/A1/feedback", SAID)
    assert len(desk.said.feedback("A1")) == 2


@pytest.mark.parametrize("keys", [[b""], [b"x" * 256], [b"\xe4"], [b"a\tb"], [b"a", b"b"]], ids=str)
def test_an_idempotency_key_that_is_odd_or_given_twice_is_refused(
    desk: Desk, keys: list[bytes]
) -> None:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(desk.app)
        headers = [(b"Idempotency-Key", key) for key in keys]
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/v1/accounts/A1/feedback", json=SAID, headers=headers)

    document = problem(asyncio.run(send()), 422, "invalid-request")
    assert [error["place"] for error in document["errors"]] == ["header"]
    assert desk.said.feedback("A1") == []


def test_of_one_request_sent_twice_at_once_one_is_written(desk: Desk) -> None:
    start = threading.Barrier(4)

    apps = [desk.open() for _ in range(4)]
    for app in apps:
        # Its routes are made at first use, which is not for several threads of a test at once.
        assert ask(app, "/v1/accounts/A1/feedback", method="POST", json={}).status_code == 422

    def send(app: Service) -> bytes:
        start.wait()
        headers = {"Idempotency-Key": "same"}
        path = "/v1/accounts/A1/feedback"
        response = ask(app, path, method="POST", json=SAID, headers=headers)
        app.close()
        assert response.status_code == 201
        return response.content

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(send, apps))) == 1
    assert len(desk.said.feedback("A1")) == 1


def test_the_reason_of_a_loss_is_taken_once_the_account_is_lost(desk: Desk) -> None:
    document = problem(desk.give("accounts/A1/loss-reason", {"reason": "price"}), 409, "not-lost")
    assert "gave no notice" in document["detail"]
    for name in ("lost", "gone"):
        first = desk.give(f"accounts/{name}/loss-reason", {"reason": "price"})
        assert first.status_code == 201
        newer = desk.give(f"accounts/{name}/loss-reason", {"reason": "competitor"}, "k" + name)
        assert desk.get(f"accounts/{name}/feedback")["loss_reason"] == newer.json()
    by_crm = desk.give("external-ids/001gone/loss-reason", {"reason": "support"})
    assert by_crm.json()["account_id"] == "gone"
    problem(desk.give("accounts/never/loss-reason", {"reason": "price"}), 404, "unknown-account")
    problem(desk.give("accounts/lost/loss-reason", {"reason": "luck"}), 422, "invalid-request")


def test_an_account_with_another_external_id_is_not_gone(desk: Desk) -> None:
    with SnapshotStore(desk.store_url) as store:
        store.publish(snapshot(due("A1", 0.9, external_id="001other"), due("new", 0.4)))
    path = f"external-ids/{SALESFORCE}/loss-reason"
    problem(desk.give(path, {"reason": "price"}), 404, "unknown-account")


def test_what_is_gone_and_outside_the_row_filter_is_unknown(desk: Desk) -> None:
    keys, ring = KeyStore(desk.service), desk.app.guards.keys
    assert ring is not None
    for segment, status in (("smb", 201), ("mid", 404)):
        made = keys.create(
            "test", ["feedback:write"], RowFilter({"segment": [segment]}), now=datetime.now(UTC)
        )
        ring.refresh()
        headers = {"Authorization": f"Bearer {made.token}"}
        response = desk.give("accounts/gone/loss-reason", {"reason": "price"}, None, **headers)
        assert response.status_code == status


def test_a_service_store_that_is_away_is_a_503_problem(desk: Desk, tmp_path: Path) -> None:
    assert ask(desk.app, "/v1/accounts").status_code == 200
    for name in tmp_path.glob("service.db*"):
        name.unlink()
    (tmp_path / "service.db").mkdir()
    response = desk.give("accounts/A1/feedback", SAID, "k")
    problem(response, 503, "store-away")
    assert response.headers["retry-after"] == "5"
    assert ask(desk.app, "/v1/accounts/A1/risk").status_code == 200
    (tmp_path / "service.db").rmdir()
    assert desk.give("accounts/A1/feedback", SAID, "k").status_code == 201


def test_a_service_without_a_service_store_says_so(desk: Desk) -> None:
    app = serve(desk.store_url)
    for method, path in (("POST", "/v1/accounts/A1/feedback"), ("GET", "/v1/accounts/A1/feedback")):
        body = SAID if method == "POST" else None
        problem(ask(app, path, method=method, json=body), 503, "store-away")
    app.close()


def test_what_people_say_is_in_no_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        desk.give("accounts/A1/feedback", SAID, "secret-idempotency")
        desk.give("accounts/A1/feedback", {**SAID, "reason": "because"})
    desk.app.guards.log.flush()
    assert "Anna" not in caplog.text
    assert "secret-idempotency" not in caplog.text


def test_no_model_and_no_feature_reads_what_people_say() -> None:
    root = Path(__file__).parents[2]
    readers = {
        str(path.relative_to(root))
        for name in ("features", "models", "pipelines")
        for path in (root / name).rglob("*.py")
        if "models.feedback" in path.read_text(encoding="utf-8")
    }
    writer = "pipelines/demo_work.py"  # of what the demo's people did; it reads nothing of it
    assert readers == {"models/feedback_store.py", "models/service_table.py", writer}
    calls = re.findall(r"FeedbackStore\(\w+\)\.(\w+)", (root / writer).read_text(encoding="utf-8"))
    assert calls == ["add_past"]
