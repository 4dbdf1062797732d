"""Targets of webhooks through the API: no private one, no secret shown twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.errors import TransientError
from models.key_store import KeyStore
from models.row_filter import RowFilter
from models.service_store import ServiceStore
from models.store import SnapshotStore
from models.webhook_store import WebhookStore
from serving.application import Service
from tests.integration.client import ask, problem, serve
from tests.integration.company import due, snapshot
from tests.integration.fault import raising

URL = "https://crm.example.com/hooks?token=geheim"


class Office:
    """A service with a store of targets, and a key to it."""

    def __init__(self, folder: Path) -> None:
        store_url, service_url = (f"sqlite:///{folder}/{name}.db" for name in ("store", "service"))
        with SnapshotStore(store_url) as store:
            self.snapshot_id = store.publish(snapshot(due("A1", 0.9)))
        self.app: Service = serve(store_url, service_store_url=service_url)
        self.service = ServiceStore(service_url)
        self.hooks = WebhookStore(self.service)
        self.token = self.key("admin")

    def key(self, *scopes: str) -> str:
        """The token of a new key."""
        made = KeyStore(self.service).create("test", scopes, now=datetime.now(UTC))
        assert self.app.guards.keys is not None
        self.app.guards.keys.refresh()
        return made.token

    def ask(
        self, method: str = "GET", path: str = "", json: object = None, token: str | None = None
    ) -> httpx.Response:
        """An answer about targets."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return ask(self.app, f"/v1/webhooks{path}", method=method, json=json, headers=headers)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path)
    yield opened
    opened.app.close()
    opened.service.close()


def test_a_target_is_added_shown_without_its_secret_and_removed(office: Office) -> None:
    body = {"name": "crm", "url": URL, "row_filter": {"segment": ["smb"]}}
    added = office.ask("POST", json=body)
    assert added.status_code == 201
    assert added.headers["cache-control"] == "no-store"
    document = added.json()
    secret = document.pop("secret")
    listed = office.ask()
    assert listed.json() == {"targets": [document]}
    assert "geheim" not in added.text + listed.text
    (kept,) = office.hooks.targets()
    assert (kept.secret, kept.url, kept.told_up_to) == (secret, URL, office.snapshot_id)
    assert kept.via_api
    assert kept.row_filter.to_json() == {"segment": ["smb"]}
    path = f"/{document['target_id']}"
    gone = office.ask("DELETE", path)
    assert (gone.status_code, gone.content) == (204, b"")
    problem(office.ask("DELETE", path), 404, "unknown-target")
    for odd in ("/wh_1", "/WH_7M2XK4QA", f"/{'x' * 5000}", "/%00", "/%27--"):
        problem(office.ask("DELETE", odd), 404, "unknown-target")
    assert office.hooks.targets() == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"url": "http://crm.example.com/"}, "#/url"),
        ({"url": "https://127.0.0.1/"}, "#/url"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "#/url"),
        ({"url": "https://localhost/"}, "#/url"),
        ({"url": "https://a.LOCALHOST:8443/"}, "#/url"),
        ({"url": "https://printer.local/"}, "#/url"),
        ({"url": "https://metadata.google.internal/"}, "#/url"),
        ({"url": 5}, "#/url"),
        ({"name": " "}, "#/name"),
        ({"row_filter": {"colour": ["red"]}}, "#/row_filter"),
        ({"row_filter": {"segment": []}}, "#/row_filter"),
        ({"secret": "whsec_mine"}, "#/secret"),
    ],
)
def test_a_target_that_must_not_be_is_refused(
    office: Office, changes: dict[str, Any], pointer: str
) -> None:
    response = office.ask("POST", json={"name": "crm", "url": URL, **changes})
    document = problem(response, 422, "invalid-request")
    assert [error["pointer"] for error in document["errors"]] == [pointer]
    assert office.hooks.targets() == []


def test_a_target_gets_a_new_secret_beside_which_the_old_one_goes_on(office: Office) -> None:
    document = office.ask("POST", json={"name": "crm", "url": URL}).json()
    path = f"/{document['target_id']}/secret"
    answer = office.ask("POST", path, json={"overlap_hours": 24})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    (kept,) = office.hooks.targets()
    now = datetime.now(UTC)
    assert kept.secrets(now) == (answer.json()["secret"], document["secret"])
    assert kept.secrets(now + timedelta(hours=25)) == (answer.json()["secret"],)
    assert answer.json().items() >= office.ask().json()["targets"][0].items()
    assert office.ask("POST", path, json={"overlap_hours": 0}).json()["old_secret_until"] is None
    problem(office.ask("POST", path, json={"overlap_hours": -1}), 422, "invalid-request")
    problem(office.ask("POST", "/wh_1/secret", json={}), 404, "unknown-target")


def test_a_filter_by_owner_needs_the_scope_of_people(office: Office) -> None:
    body = {"name": "crm", "url": URL, "row_filter": {"owner": ["anna"]}}
    problem(office.ask("POST", json=body), 403, "missing-scope")
    token = office.key("admin", "people:read")
    assert office.ask("POST", json=body, token=token).status_code == 201


def figures(office: Office, token: str) -> dict[str, float]:
    """What the metrics tell of webhooks, by name and label."""
    told = ask(office.app, "/metrics", headers={"Authorization": f"Bearer {token}"}).text
    lines = (line.rpartition(" ") for line in told.splitlines() if not line.startswith("#"))
    found = {name: float(value) for name, _, value in lines}
    mine = ("keepwell_webhook_", "keepwell_service_")
    return {name: value for name, value in found.items() if name.startswith(mine)}


def test_the_metrics_tell_how_targets_stand_by_their_ids(office: Office) -> None:
    well, ill, idle = (
        office.ask("POST", json={"name": name, "url": URL}).json()["target_id"]
        for name in ("well", "ill", "idle")
    )
    with SnapshotStore(office.app.guards.settings.store_url) as store:
        store.publish(snapshot(due("A1", 0.1), due("A2", 0.9)))
        now = datetime.now(UTC)
        for one in (well, ill):
            office.hooks.queue(store, office.hooks.target(one), now)
    sent = office.hooks.next_due(well, now)
    assert sent is not None
    office.hooks.note_sent(sent, now - timedelta(hours=1))
    assert office.hooks.stop(ill, "gone") == 2
    found = figures(office, office.token)
    age = found.pop(f'keepwell_webhook_delivery_age_seconds{{target_id="{well}"}}')
    assert 3600 <= age < 3700
    assert found == {
        "keepwell_service_store_answers": 1.0,
        **{
            f'keepwell_webhook_{name}{{target_id="{one}"}}': value
            for one, values in ((well, (1, 0, 0)), (ill, (0, 2, 1)), (idle, (0, 0, 0)))
            for name, value in zip(("waiting", "dead", "stopped"), values, strict=True)
        },
    }


def test_a_key_that_sees_a_part_is_not_told_how_targets_stand(office: Office) -> None:
    office.ask("POST", json={"name": "crm", "url": URL})
    keys = KeyStore(office.service)
    part = RowFilter({"segment": ["smb"]})
    made = keys.create("part", ["scores:read"], part, now=datetime.now(UTC))
    assert office.app.guards.keys is not None
    office.app.guards.keys.refresh()
    assert figures(office, made.token) == {}
    assert figures(office, office.key("scores:read"))


def test_the_metrics_come_without_targets_while_the_service_store_is_away(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.webhook_figure.WAIT_S", 0.01)
    office.ask("POST", json={"name": "crm", "url": URL})
    late = threading.Event()
    for does in (raising(TransientError("away")), lambda _: late.wait(60)):
        monkeypatch.setattr(WebhookStore, "standings", does)
        assert figures(office, office.token) == {"keepwell_service_store_answers": 0.0}
    late.set()


def test_a_service_without_a_service_store_says_so(tmp_path: Path) -> None:
    app = serve(f"sqlite:///{tmp_path}/store.db")
    problem(ask(app, "/v1/webhooks"), 503, "store-away")
    app.close()
