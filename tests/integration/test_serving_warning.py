"""Warnings, their mutes and playbooks over the API: told, and written once where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.feedback_store import FeedbackStore
from models.key_store import KeyStore
from models.service_store import ServiceStore
from models.store import SnapshotStore
from serving.shelf import Shelf
from serving.shelves import Shelves
from tests.integration.client import ask, problem, serve
from tests.integration.company import DRIVERS, PLAYBOOKS, WARNED, due, snapshot

TODAY = datetime.now(UTC).date()
LATER, EARLIER = ((TODAY + timedelta(days=days)).isoformat() for days in (30, -1))
MUTE = {"rule": "poor_fit", "until": LATER, "reason": "being_handled", "note": "Anna knows"}


class Desk:
    """A service over a snapshot with warnings."""

    def __init__(self, folder: Path) -> None:
        store_url, service_url = (f"sqlite:///{folder}/{name}.db" for name in ("store", "service"))
        with SnapshotStore(store_url) as store:
            drivers = tuple(one._replace(playbook="listen") for one in DRIVERS[:2])
            offered = ("listen", "unknown-here")
            warned = due("A1", 0.9, alerts=WARNED, drivers=drivers, playbooks=offered)
            self.snapshot_id = store.publish(snapshot(warned, due("B", 0.2), documents=PLAYBOOKS))
        self.app = serve(store_url, service_store_url=service_url)
        assert self.app.guards.keys is not None
        self.app.guards.keys.refresh()
        self.service = ServiceStore(service_url)

    def give(self, path: str, body: object, **headers: str) -> httpx.Response:
        return ask(self.app, f"/v1/accounts/{path}", method="POST", json=body, headers=headers)

    def get(self, path: str, **headers: str) -> dict[str, Any]:
        response = ask(self.app, f"/v1/accounts/{path}", headers=headers)
        assert response.status_code == 200, response.text
        document: dict[str, Any] = response.json()
        return document

    def token(self, *scopes: str) -> dict[str, str]:
        """The header of a new key."""
        made = KeyStore(self.service).create("test", scopes, now=datetime.now(UTC))
        assert self.app.guards.keys is not None
        self.app.guards.keys.refresh()
        return {"Authorization": f"Bearer {made.token}"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.app.close()
    opened.service.close()


def test_an_account_tells_its_warnings_and_playbooks_and_a_row_the_rules_that_stand(
    desk: Desk,
) -> None:
    account = desk.get("A1/risk")
    assert [one["rule"] for one in account["alerts"]] == [one.rule for one in WARNED]
    assert account["alerts"][0] == {
        "rule": "poor_fit",
        "subject": None,
        "severity": "soon",
        "status": "kept",
        "text": "the product covers 20 % of the needs",
        "value": 0.2,
        "unit": "share",
        "first_seen": "2026-10-01",
        "playbook": "listen",
    }
    assert account["playbooks"] == ["listen", "unknown-here"]
    assert account["warnings"] == ["poor_fit", "module_use_halved"]
    rows = ask(desk.app, "/v1/accounts").json()["accounts"]
    assert [row["warnings"] for row in rows] == [["poor_fit", "module_use_halved"], []]


def test_a_muted_warning_is_told_with_day_and_reason_until_the_day_comes(desk: Desk) -> None:
    assert [one["muted"] for one in desk.get("A1/warnings")["warnings"]] == [None] * 3
    given = desk.give("A1/warnings/mute", MUTE)
    assert given.status_code == 201
    told = desk.get("A1/warnings")
    assert told["snapshot_id"] == desk.snapshot_id
    assert [one["muted"] for one in told["warnings"]] == [given.json(), None, None]
    assert given.json() | MUTE == given.json()
    # It stays a warning, and mutes nothing on other accounts.
    assert desk.get("A1/risk")["warnings"] == ["poor_fit", "module_use_halved"]
    ended = desk.give("A1/warnings/mute", {**MUTE, "until": TODAY.isoformat()})
    assert ended.status_code == 201
    assert desk.get("A1/warnings")["warnings"][0]["muted"] is None


def test_a_mute_is_of_one_subject(desk: Desk) -> None:
    body = {"rule": "module_use_halved", "subject": "reporting", "until": LATER, "reason": "other"}
    assert desk.give("A1/warnings/mute", body).status_code == 201
    muted = [one["rule"] for one in desk.get("A1/warnings")["warnings"] if one["muted"]]
    assert muted == ["module_use_halved"]


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"rule": "seats_unused"}, "#/rule"),
        ({"subject": "reporting"}, "#/rule"),
        ({"until": EARLIER}, "#/until"),
        ({"until": "soon"}, "#/until"),
        ({"reason": "because"}, "#/reason"),
        ({"reason": None}, "#/reason"),
        ({"more": 1}, "#/more"),
        ({"note": "x" * 2001}, "#/note"),
        ({"note": "\x00"}, "#/note"),
    ],
)
def test_what_cannot_be_muted_is_refused_by_its_field(
    desk: Desk, changed: dict[str, object], pointer: str
) -> None:
    given = desk.give("A1/warnings/mute", MUTE | changed)
    faults = problem(given, 422, "invalid-request")["errors"]
    assert [fault["pointer"] for fault in faults] == [pointer]
    assert desk.get("A1/warnings")["warnings"][0]["muted"] is None


def test_a_mute_that_is_sent_again_counts_once(desk: Desk) -> None:
    key = {"Idempotency-Key": "one"}
    first = desk.give("A1/warnings/mute", MUTE, **key)
    again = desk.give("A1/warnings/mute", MUTE, **key)
    assert again.content == first.content
    assert len(FeedbackStore(desk.service).mutes("A1")) == 1
    other = desk.give("A1/warnings/mute", {**MUTE, "reason": "other"}, **key)
    problem(other, 422, "idempotency-key-reused")


def test_notes_are_told_to_keys_that_may_read_of_people_alone(desk: Desk) -> None:
    desk.give("A1/warnings/mute", MUTE)
    desk.give("A1/playbooks", {"playbook": "listen", "status": "done", "note": "Anna called"})
    told = []
    for scopes in (("scores:read",), ("scores:read", "people:read")):
        header = desk.token(*scopes)
        mute = desk.get("A1/warnings", **header)["warnings"][0]["muted"]
        action = desk.get("A1/playbooks", **header)["actions"][0]
        told.append((mute["note"], action["note"]))
    assert told == [(None, None), ("Anna knows", "Anna called")]


def test_a_playbook_is_offered_whole_and_followed_from_start_to_end(desk: Desk) -> None:
    before = desk.get("A1/playbooks")
    assert [one["name"] for one in before["offered"]] == ["listen"]
    assert set(before["offered"][0]["title"]) == {"en", "zh"}
    assert before["offered"][0]["drivers"][0] == {
        "feature": "logins_trend", "group": "usage", "text": "Logins fell by 62 %", "points": 0.4764
    }  # fmt: skip
    assert [one["feature"] for one in before["offered"][0]["drivers"]] == ["logins_trend", "plan"]
    assert before["offered"][0]["warnings"] == [
        {"rule": "poor_fit", "subject": None, "text": "the product covers 20 % of the needs"}
    ]
    started = desk.give("A1/playbooks", {"playbook": "listen", "status": "started"}).json()
    due_on = (TODAY + timedelta(days=before["offered"][0]["due_days"])).isoformat()
    assert (started["due_on"], started["snapshot_id"]) == (due_on, desk.snapshot_id)
    (task,) = desk.get("A1/playbooks")["tasks"]
    assert (task["status"], task["overdue"], task["ended_on"]) == ("started", False, None)
    desk.give("A1/playbooks", {"playbook": "listen", "status": "done"})
    (task,) = desk.get("A1/playbooks")["tasks"]
    assert (task["status"], task["ended_on"]) == ("done", TODAY.isoformat())
    assert desk.get("B/playbooks")["tasks"] == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"playbook": "dance", "status": "started"}, "#/playbook"),
        ({"playbook": "listen", "status": "planned"}, "#/status"),
        ({"playbook": "listen", "status": "started", "due_on": EARLIER}, "#/due_on"),
        ({"playbook": "listen", "status": "done", "due_on": LATER}, "#/due_on"),
    ],
)
def test_what_cannot_be_done_with_a_playbook_is_refused_by_its_field(
    desk: Desk, body: dict[str, object], pointer: str
) -> None:
    faults = problem(desk.give("A1/playbooks", body), 422, "invalid-request")["errors"]
    assert [fault["pointer"] for fault in faults] == [pointer]
    assert desk.get("A1/playbooks")["actions"] == []


def test_an_account_that_is_not_there_has_neither_warnings_nor_playbooks(desk: Desk) -> None:
    for path in ("warnings", "playbooks"):
        problem(ask(desk.app, f"/v1/accounts/nobody/{path}"), 404, "unknown-account")
    problem(desk.give("nobody/warnings/mute", MUTE), 404, "unknown-account")


def test_an_account_is_told_again_when_a_warning_opened_or_closed_alone(tmp_path: Path) -> None:
    store_url = f"sqlite:///{tmp_path}/store.db"
    ids = []
    with SnapshotStore(store_url) as store:
        for alerts in ((), WARNED[:1], WARNED[:2], ()):
            plain, warned = due("A", 0.2), due("B", 0.2, alerts=alerts)
            ids.append(store.publish(snapshot(plain, warned)))
        app = serve(store_url)
        for before in ids[1:3]:
            told = ask(app, f"/v1/accounts?changed_since={before}").json()["accounts"]
            assert [(one["account_id"], one["warnings"]) for one in told] == [("B", [])]
        told = ask(app, f"/v1/accounts?changed_since={ids[0]}").json()["accounts"]
        assert told == []
    app.close()


@pytest.mark.parametrize("path", ["warnings", "playbooks"])
@pytest.mark.parametrize("memory_mb", [64, 0])
def test_an_answer_is_of_one_snapshot_though_another_comes_with_every_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, memory_mb: int
) -> None:
    store_url, service_url = (f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "service"))
    ids: list[str] = []
    look = Shelves.get

    async def publish_and_look(shelves: Shelves) -> Shelf | None:
        account = due("A1", 0.2, external_id=f"X{len(ids)}")
        with SnapshotStore(store_url) as store:
            ids.append(store.publish(snapshot(account, documents=PLAYBOOKS)))
        return await look(shelves)

    monkeypatch.setattr(Shelves, "get", publish_and_look)
    app = serve(store_url, service_store_url=service_url, memory_mb=memory_mb)
    assert app.guards.keys is not None
    app.guards.keys.refresh()
    for _ in range(3):
        told = ask(app, f"/v1/accounts/A1/{path}").json()
        assert told["external_id"] == f"X{ids.index(told['snapshot_id'])}"
    app.close()
