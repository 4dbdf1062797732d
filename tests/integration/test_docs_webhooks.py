"""The page about webhooks: its commands run, and its receiver verifies, fetches and takes over."""

from __future__ import annotations

import json
import re
import shlex
import sys
import threading
import urllib.request
from datetime import UTC, datetime
from http.server import HTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from models.key_store import KeyStore
from models.service_store import ServiceStore
from models.store import SnapshotStore
from models.webhook import make_message, make_target
from models.webhook_address import AllowList
from models.webhook_store import WebhookStore
from pipelines.cli import main
from pipelines.webhook_delivery import BACK_OFF_S, JITTER, Deliverer, Told
from pipelines.webhook_post import WHOLE_S, Outcome, Postman
from serving.settings import Settings
from tests.integration.company import due, snapshot
from tests.integration.test_serving_load import served

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
TARGET = "wh_7m2xk4qa"
COMMANDS = re.findall(r"^keepwell webhooks .*$", PAGE, flags=re.MULTILINE)
(RECEIVER,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
(MESSAGE,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
INSIDE = AllowList(["127.0.0.1"])


def test_the_commands_of_the_page_run_as_they_stand(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del home
    monkeypatch.delenv("KEEPWELL_SERVICE_STORE", raising=False)
    monkeypatch.setattr(Postman, "post", lambda *_, **__: Outcome())
    made = TARGET
    assert [line.split()[2] for line in COMMANDS] == [
        "add", "list", "ping", "deliver", "replay", "rotate", "remove"
    ]  # fmt: skip
    for line in [f"{COMMANDS[0]} --json", *COMMANDS[1:]]:
        monkeypatch.setattr(sys, "argv", shlex.split(line.replace(TARGET, made)))
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        out = capsys.readouterr().out
        if line.endswith("--json"):
            made = json.loads(out)["target_id"]


def test_the_figures_of_the_page_are_those_of_the_code() -> None:
    assert list(BACK_OFF_S[:3]) == [30, 300, 1800]
    hours = [f"{wait_s / 3600:.0f} h" for wait_s in BACK_OFF_S[3:]]
    listed = f"30 s, 5 min, 30 min, {', '.join(hours[:-1])} and {hours[-1]}"
    assert listed in " ".join(PAGE.split())
    assert JITTER == 0.25
    assert f"within {WHOLE_S:.0f} seconds" in PAGE


class Reception:
    """The page's receiver, running, with what it took over."""

    def __init__(self, secret: str, api: str, key: str) -> None:
        values = {
            "KEEPWELL_WEBHOOK_SECRET": secret, "KEEPWELL_URL": api, "KEEPWELL_KEY": key
        }  # fmt: skip
        self.code: dict[str, Any] = {"__name__": "receiver"}
        with pytest.MonkeyPatch.context() as patched:
            for name, value in values.items():
                patched.setenv(name, value)
            exec(compile(RECEIVER, "docs/webhooks.md", "exec"), self.code)
        self.taken: list[tuple[str, Any]] = []
        self.code["take_over"] = lambda *one: self.taken.append(one)
        self.code["Receiver"].log_message = lambda *_: None
        self.server = HTTPServer(("127.0.0.1", 0), self.code["Receiver"])
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        """End it."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def test_the_receiver_of_the_page_takes_over_what_changed_once(tmp_path: Path) -> None:
    store_url, service_url = (f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "service"))
    with SnapshotStore(store_url) as store, ServiceStore(service_url) as service:
        store.publish(snapshot(due("A1", 0.9), due("A/2", 0.1), due("gone", 0.9)))
        store.publish(snapshot(due("A1", 0.1), due("A/2", 0.9)))
        key = KeyStore(service).create("crm", ["scores:read"], now=datetime.now(UTC)).token
        with served(Settings(store_url=store_url, service_store_url=service_url)) as api:
            reception = Reception(f"whsec_{'A' * 44}", api, key)
            hooks = WebhookStore(service)
            hooks.add(make_target("crm", reception.url, now=datetime.now(UTC), allowed=INSIDE))
            (made,) = hooks.targets()
            reception.code["HOOK"] = reception.code["Webhook"](made.secret)
            deliverer = Deliverer(hooks, store, Postman(INSIDE).post)
            try:
                wait_for(api)
                assert deliverer.run() == Told(queued=3, sent=3)
                hooks.replay(made.target_id, datetime.now(UTC), since="0")
                assert deliverer.run() == Told(sent=3)  # again, and known by their ids
                with pytest.raises(HTTPError, match="400"):
                    urllib.request.urlopen(reception.url, b"{}", timeout=10)
            finally:
                reception.close()
            change = store.tier_changes()[0]
    taken = {name: account and account["risk_tier"] for name, account in reception.taken}
    assert taken == {"A1": "low", "A/2": "high", "gone": None}
    assert len(reception.taken) == 3
    shown, sent = json.loads(MESSAGE), json.loads(make_message(change).body)
    assert (list(shown), list(shown["data"])) == (list(sent), list(sent["data"]))


def wait_for(api: str) -> None:
    """Ask until the service has read its keys and snapshot."""
    while True:
        try:
            urllib.request.urlopen(f"{api}/readyz", timeout=10).close()
        except HTTPError as fault:
            fault.close()
        else:
            return
