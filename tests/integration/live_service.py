"""A running service over a home with bundles, for tests of scoring rows."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.bundle import describe, sha256, write_bundle
from models.card import CARD_FILE
from models.champion import bundle_folder, promote
from models.store import SnapshotStore
from models.tier import Thresholds
from serving.live_models import LiveModel
from serving.server import build_server
from serving.settings import Settings
from tests.integration.company import due, snapshot
from tests.integration.trained import PROVENANCE, trained_model

ROWS: dict[str, Any] = {
    "rows": [{"usage": -2.5, "noise": 0.1, "segment": "small"}, {"usage": None}, {}]
}
COMPANY = "demo"  # as in `snapshot`
PATH = "/v1/models/churn/score"


def write(home: Path, version: str = "1", *, company: str = COMPANY) -> Path:
    """A whole bundle of the trained model, not promoted yet."""
    trained = trained_model()
    folder = bundle_folder(home, company, "churn", version)
    card = describe(
        trained, PROVENANCE, version=version, thresholds=Thresholds(high=0.4, medium=0.2)
    ).model_copy(update={"company": company})
    write_bundle(
        folder,
        predictor=trained.shipped.predictor,
        judged=trained.judged.predictor,
        card=card,
        golden=trained.golden,
        refits=trained.refits,
    )
    return folder


def rewrite(folder: Path, name: str, content: bytes) -> None:
    """Change a file of a bundle together with its sha256 in the card."""
    (folder / name).write_bytes(content)
    card = json.loads((folder / CARD_FILE).read_bytes())
    card["files"][name] = sha256(content)
    (folder / CARD_FILE).write_text(json.dumps(card))


@dataclass
class Service:
    """A server in this process, with its workers as processes of their own."""

    home: Path
    client: httpx.Client
    live: LiveModel

    def score(self, body: Any = ROWS, *, path: str = PATH) -> httpx.Response:
        """The answer to rows."""
        return self.client.post(path, json=body)

    def promote(self, version: str) -> None:
        """Move the pointer."""
        promote(self.home, COMPANY, "churn", version)

    def publish(self, *, company: str) -> None:
        """Publish a snapshot of a company."""
        publish(f"sqlite:///{self.home}/store.db", company=company)

    def serves(self, version: str) -> bool:
        """Whether rows are scored by this version now."""
        response = self.score()
        return response.status_code == 200 and response.json()["version"] == version

    def refused(self) -> int:
        """Bundles refused so far, as Prometheus reads it."""
        return self.figure('keepwell_bundle_refused_total{model="churn"}')

    def figure(self, name: str) -> int:
        """One figure of the service."""
        lines = self.client.get("/metrics").text.splitlines()
        (value,) = (line.rpartition(" ")[2] for line in lines if line.startswith(f"{name} "))
        return int(float(value))


def wait_until(holds: Callable[[], bool], *, within_s: float = 60.0) -> None:
    """Ask again and again until something holds."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.02)


def publish(url: str, *, company: str = COMPANY) -> None:
    """Publish a snapshot of one account."""
    with SnapshotStore(url) as store:
        store.publish(replace(snapshot(due("A1", 0.5)), company=company))


@contextmanager
def running(home: Path, *, publishes: bool = True, **changes: Any) -> Iterator[Service]:
    """A service over a home with one snapshot."""
    url = f"sqlite:///{home}/store.db"
    if publishes:
        publish(url)
    settings = Settings(store_url=url, home=home, refresh_s=0.05, **changes)
    with pytest.MonkeyPatch.context() as patched:
        # It lives longer than a test: its lines would stand between the results of several.
        patched.setattr("serving.journal._write_to_stderr", lambda _: None)
        server = build_server(settings)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = server.config.app
    try:
        with httpx.Client(base_url=base, timeout=60) as client:
            yield Service(home, client, app.state.live_models.by_name["churn"])  # type: ignore[union-attr]
    finally:
        server.should_exit = True
        thread.join()


def is_alive(process_id: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True
