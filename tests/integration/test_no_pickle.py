"""A service in which nothing can be unpickled, nor a worker of it, answers every route."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx

from models.champion import promote
from models.key import SCOPES
from models.key_store import KeyStore
from models.service_store import ServiceStore
from models.store import SnapshotStore
from models.webhook import make_target
from models.webhook_store import WebhookStore
from serving.asset import ICON, SHEET, load_asset
from serving.zone import SIGN_OUT
from tests.integration.company import PLAYBOOKS, snapshot
from tests.integration.live_service import COMPANY, ROWS, wait_until, write
from tests.integration.test_page_access import PAGES, PLAIN, PageCase
from tests.integration.test_serving_access import CASES, GONE, accounts

# Run by every Python process below, before anything else is imported.
REFUSE = """
import pickle, pathlib

def refuse(*arguments, **options):
    pathlib.Path({path!r}).write_text("unpickled")
    raise RuntimeError("nothing is unpickled here")

class Unpickler:
    __init__ = refuse

pickle.load = pickle.loads = pickle._load = pickle._loads = refuse
pickle.Unpickler = pickle._Unpickler = Unpickler
pathlib.Path({mark!r}).touch()
"""
ROOT = Path(__file__).parents[2]


def test_every_route_is_served_where_pickle_raises(tmp_path: Path) -> None:
    tried, mark = tmp_path / "tried", tmp_path / "mark"
    (tmp_path / "sitecustomize.py").write_text(REFUSE.format(path=str(tried), mark=str(mark)))
    store_url, service_url = (f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "service"))
    with SnapshotStore(store_url) as store:
        older = store.publish(snapshot(*accounts(0.9), GONE, documents=PLAYBOOKS))
        store.publish(snapshot(*accounts(0.4), documents=PLAYBOOKS))
    with ServiceStore(service_url) as service:
        token = KeyStore(service).create("all", SCOPES, now=datetime.now(UTC)).token
        target = make_target("test", "https://crm.example.com/", now=datetime.now(UTC))
        WebhookStore(service).add(target)
    write(tmp_path, "1")
    promote(tmp_path, COMPANY, "churn", "1")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
        "KEEPWELL_HOME": str(tmp_path),
        "KEEPWELL_STORE": store_url,
        "KEEPWELL_SERVICE_STORE": service_url,
    }
    command = [sys.executable, "-m", "serving", "--port", str(port)]
    with (
        subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process,
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        ) as client,
    ):
        try:
            wait_until(lambda: is_ready(client))
            for case in CASES:
                path = case.path.format(older=older, target=target.target_id)
                body = None if case.body is None else json.dumps(case.body)
                answer = client.request(
                    case.method, path, content=body, headers={"Content-Type": "application/json"}
                )
                assert answer.status_code == case.status, (path, answer.text)
            read_pages(client, token)
        finally:
            process.terminate()
    assert mark.exists()
    assert not tried.exists()


def is_ready(client: httpx.Client) -> bool:
    """Whether the service answers, its model included."""
    try:
        return client.post("/v1/models/churn/score", json=ROWS).status_code == 200
    except httpx.TransportError:
        time.sleep(0.1)
        return False


def test_a_process_started_that_way_cannot_unpickle(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        REFUSE.format(path=str(tmp_path / "tried"), mark=str(tmp_path / "mark"))
    )
    code = "import pickle; pickle.loads(pickle.dumps(1))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=False
    )
    assert found.returncode == 1
    assert b"nothing is unpickled here" in found.stderr
    assert (tmp_path / "tried").read_text() == "unpickled"


def read_pages(client: httpx.Client, key: str) -> None:
    """Sign in as people do, and open every page."""
    client.headers.pop("Authorization")
    token = re.search(r'name="form_token" value="(\w+)"', client.get("/sign-in").text)
    assert token is not None
    origin = {"Origin": str(client.base_url).rstrip("/")}
    fields = {"form_token": token[1], "key": key, "next": "/"}
    assert client.post("/sign-in", data=fields, headers=origin).status_code == 303
    for case in PAGES:
        for language in ("en", "zh"):
            page = ask_page(client, case, language, origin)
            assert page.status_code == case.status, (case.path, page.text)
    for path in (*PLAIN - {SIGN_OUT}, load_asset(SHEET).path, load_asset(ICON).path):
        assert client.get(path).status_code == 200, path
    sent = {"form_token": find_token(client)}
    assert client.post(SIGN_OUT, data=sent, headers=origin).status_code == 303


def ask_page(
    client: httpx.Client, case: PageCase, language: str, origin: dict[str, str]
) -> httpx.Response:
    """The answer to a page that is read, or to a form that is sent."""
    if case.fields is None:
        return client.get(case.path, params={"lang": language})
    fields = {**case.fields, "form_token": find_token(client)}
    return client.post(case.path, data=fields, headers=origin)


def find_token(client: httpx.Client) -> str:
    """The token of the forms that an account's page holds."""
    found = re.search(r'name="form_token" value="(\w+)"', client.get("/accounts/Q-mid").text)
    assert found is not None
    return found[1]
