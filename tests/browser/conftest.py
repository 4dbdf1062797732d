"""A service with a key, and Debian's Chromium to read its pages with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, StorageState, sync_playwright

from models.alert import Alert
from models.key_store import KeyStore
from models.service_store import ServiceStore
from models.store import SnapshotStore
from tests.browser.reader import Site, read
from tests.integration.company import HEALTH, PLAYBOOKS, WARNED, due, lost, snapshot
from tests.integration.live_service import wait_until
from tests.integration.postgres import free_port

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
UNUSED = Alert("seats_unused", None, "watch", "kept", "9 % of the seats used", 0.09, "ratio",
               date(2026, 10, 1))  # fmt: skip
RULES = [
    {"name": name, "title": {"en": name, "zh": name}, "severity": severity}
    for name, severity in (
        ("poor_fit", "urgent"),
        ("module_use_halved", "soon"),
        ("seats_unused", "watch"),
    )
]
SCRIPT = "<script>document.title='taken'</script>"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # Ended with the module: while it lasts its event loop runs, beside which no other one may.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def session(chromium: Browser, site: Site) -> StorageState:
    """What a browser keeps once somebody signed in: attempts to do so are limited."""
    with read(chromium, site) as reader:
        reader.sign_in()
        return reader.page.context.storage_state()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running service with two snapshots and a key for everything that pages do."""
    folder = tmp_path_factory.mktemp("site")
    key = publish(folder)
    base = f"http://127.0.0.1:{free_port()}"
    environment = {
        **os.environ,
        "KEEPWELL_HOME": str(folder),
        "KEEPWELL_STORE": f"sqlite:///{folder}/store.db",
        "KEEPWELL_SERVICE_STORE": f"sqlite:///{folder}/service.db",
    }
    command = [sys.executable, "-m", "serving", "--port", base.rpartition(":")[2]]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: is_ready(base))
            yield Site(base, key)
        finally:
            process.terminate()


def publish(folder: Path) -> str:
    """Publish a small company twice, and make a key; its token."""
    scores = (
        due("A1", 0.81, 90_000.0, name=f"Acme {SCRIPT}", segment="mid", owner="anna",
            decision_date=date(2026, 12, 1), risk_tier="high", health=HEALTH,
            alerts=(*WARNED, UNUSED), playbooks=("listen",), north_star=31.0,
            north_star_change=-0.5),
        due("A2", 0.32, 40_000.0, name="Brandt KG", segment="smb", owner="boris",
            risk_tier="medium", decision_date=date(2027, 1, 15)),
        due("A3", 0.05, 70_000.0, name=f"Ito Foods {LONG}", segment="smb", owner=LONG,
            risk_tier="low"),
        lost("A4", 4_000.0),
    )  # fmt: skip
    before = (replace(scores[0], loss_probability=0.4, renewal_likelihood=0.6), *scores[1:])
    with SnapshotStore(f"sqlite:///{folder}/store.db") as store:
        for published in (before, scores):
            store.publish(snapshot(*published, documents={**PLAYBOOKS, "warnings": RULES}))
    with ServiceStore(f"sqlite:///{folder}/service.db") as service:
        scopes = ["scores:read", "people:read", "feedback:write"]
        return KeyStore(service).create("people", scopes, now=datetime.now(UTC)).token


def find_chromium() -> str:
    """Where this machine has Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "no chromium on this machine: install it (apt-get install chromium)"
    return path


def is_ready(base: str) -> bool:
    """Whether a service there answers."""
    try:
        return httpx.get(f"{base}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
