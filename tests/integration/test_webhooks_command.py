"""``keepwell webhooks``: what is printed, and what a score run tells by itself."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from features.errors import TransientError
from models.settings import WebhookSettings
from models.store import SnapshotStore
from pipelines import scoring
from pipelines.cli import main
from pipelines.config import read_config
from pipelines.home import Home
from pipelines.webhook import tell_targets
from pipelines.webhook_delivery import STOP_S, Deliverer, Told
from tests.integration.company import due, snapshot
from tests.integration.fault import raising
from tests.integration.live_service import wait_until
from tests.integration.receiver import HOST, Receiver, receiving

Hooks = Callable[..., tuple[int, str, str]]
URL = "https://crm.example.com/hooks/geheim?token=geheim"

COMPANY = (
    "config_version: 1\ncompany: acme\ntables:\n  accounts: SELECT 1\n  contracts: SELECT 1\n"
    "labels: {{renewal: {{}}}}\nwebhooks: {{allow_private: [{host}]}}\n"
)


@pytest.fixture
def hooks(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Hooks:
    """Run ``keepwell webhooks``: exit code, stdout and stderr."""
    del home
    for name in ("KEEPWELL_SERVICE_STORE", "KEEPWELL_STORE"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["keepwell", "webhooks", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


@pytest.fixture
def listening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver that this machine finds by its name and whose authority it trusts."""
    with receiving(tmp_path) as receiver:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        monkeypatch.setattr(socket, "getaddrinfo", find_here)
        yield receiver


def find_here(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
    """What a name server says that knows the receiver alone."""
    assert host == HOST
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


@pytest.fixture
def company(tmp_path: Path) -> str:
    """A configuration that lets the receiver in."""
    path = tmp_path / "acme.yaml"
    path.write_text(COMPANY.format(host=HOST), encoding="utf-8")
    return str(path)


def publish(loss: float) -> str:
    """The id of a new snapshot in the home."""
    with SnapshotStore(Home.from_environment().store_url) as store:
        return store.publish(snapshot(due("A1", loss)))


def test_add_prints_the_secret_alone_and_once(hooks: Hooks) -> None:
    code, out, err = hooks("add", "crm", URL, "--filter", "segment=smb")
    assert code == 0
    secret = out.strip()
    assert secret.startswith("whsec_")
    assert "https://crm.example.com/…" in err
    for shown in (err, hooks("list")[1], hooks("list", "--json")[1]):
        assert "geheim" not in shown
        assert secret not in shown
    (listed,) = json.loads(hooks("list", "--json")[1])["targets"]
    assert listed["row_filter"] == {"segment": ["smb"]}
    assert (listed["name"], listed["stopped"], listed["waiting"]) == ("crm", None, 0)
    made = json.loads(hooks("add", "other", URL, "--json")[1])
    assert made["secret"].startswith("whsec_")


def test_rotate_prints_the_new_secret_alone_and_once(hooks: Hooks) -> None:
    made = json.loads(hooks("add", "crm", URL, "--json")[1])
    code, out, err = hooks("rotate", made["target_id"], "--overlap", "24h")
    assert code == 0
    assert out.startswith("whsec_")
    assert out.strip() != made["secret"]
    assert "the old secret signs too until 2" in err
    listed = hooks("list", "--json")[1]
    assert json.loads(listed)["targets"][0]["old_secret_until"]
    for secret in (out.strip(), made["secret"]):
        assert secret not in err + listed
    ended = json.loads(hooks("rotate", made["target_id"], "--overlap", "0m", "--json")[1])
    assert ended["old_secret_until"] is None
    assert hooks("rotate", "wh_00000000")[0] == 2


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_made(
    hooks: Hooks, home: Path
) -> None:
    code, out, err = hooks("add", " ", "http://10.0.0.1/geheim", "--filter", "name=x")
    assert (code, out) == (2, "")
    assert [line.split(": ")[1] for line in err.splitlines()] == [
        "--filter", "NAME", "URL"
    ]  # fmt: skip
    assert "geheim" not in err
    assert not (home / "service.db").exists()


def test_without_targets_nothing_is_made_and_nobody_told(hooks: Hooks, home: Path) -> None:
    assert hooks("list")[1] == "no targets: nobody is told\n"
    assert hooks("deliver")[:2] == (0, "0 sent, 0 failed, 0 dead, 0 waiting\n")
    assert not (home / "service.db").exists()
    for command in ("ping", "remove", "replay"):
        code, _, err = hooks(command, "wh_00000000")
        assert code == 2
        assert "there is no target wh_00000000; see them with: keepwell webhooks list" in err


def test_the_whole_way_from_add_to_replay(hooks: Hooks, listening: Receiver, company: str) -> None:
    publish(0.9)
    added = json.loads(hooks("add", "crm", listening.url, "--config", company, "--json")[1])
    name = added["target_id"]
    assert hooks("ping", name)[:2] == (1, f"{name}: address is not public\n")
    assert hooks("ping", name, "--config", company)[:2] == (0, f"{name}: it came through\n")
    first = publish(0.1)
    listening.script = [410]
    code, out, _ = hooks("deliver", "--config", company, "--json")
    stopped = Told(queued=1, failed=1, dead=1, stopped=(name,)).to_json() | {"stopped": [name]}
    assert (code, json.loads(out)) == (1, stopped)
    assert "stopped: gone  0 waiting, 0 sent, 1 dead" in hooks("list")[1]
    assert hooks("replay", name)[0] == 2
    assert json.loads(hooks("ping", name, "--config", company, "--json")[1])["came_through"]
    assert "1 messages wait again" in hooks("replay", name)[1]
    assert hooks("deliver", "--config", company)[:2] == (
        0, "1 sent, 0 failed, 0 dead, 0 waiting\n"
    )  # fmt: skip
    assert json.loads(hooks("replay", name, "--since", first, "--json")[1])["again"] == 0
    assert [json.loads(got.body)["type"] for got in listening.got] == [
        "ping", "account.tier_changed", "ping", "account.tier_changed"
    ]  # fmt: skip
    assert hooks("remove", name)[1] == f"{name} is removed\n"
    assert hooks("list")[1] == "no targets: nobody is told\n"


def test_a_publish_of_a_score_run_tells_the_targets(
    hooks: Hooks, listening: Receiver, company: str
) -> None:
    publish(0.9)
    hooks("add", "crm", listening.url, "--config", company)
    found = scoring.publish(
        snapshot(due("A1", 0.1)), Home.from_environment(), read_config(Path(company)), force=True
    )
    assert [json.loads(got.body)["data"]["snapshot_id"] for got in listening.got] == [
        found.snapshot_id
    ]


@pytest.mark.parametrize("status", [500, 410])
def test_what_does_not_come_through_is_the_exit_code_of_deliver_and_never_of_a_score_run(
    hooks: Hooks, listening: Receiver, company: str, status: int
) -> None:
    publish(0.9)
    hooks("add", "crm", listening.url, "--config", company)
    listening.script = [status] * 2
    scoring.publish(
        snapshot(due("A1", 0.1)), Home.from_environment(), read_config(Path(company)), force=True
    )
    assert len(listening.got) == 1
    assert hooks("deliver", "--config", company)[0] == 0  # nothing is due
    hooks("remove", json.loads(hooks("list", "--json")[1])["targets"][0]["target_id"])
    hooks("add", "crm", listening.url, "--config", company)
    publish(0.9)
    code, out, _ = hooks("deliver", "--config", company)
    counts = "1 dead, 0 waiting, stopped: wh_" if status == 410 else "0 dead, 1 waiting"
    assert (code, out.startswith(f"0 sent, 1 failed, {counts}")) == (1, True)
    (listed,) = json.loads(hooks("list", "--json")[1])["targets"]
    assert (listed["dead"], listed["waiting"]) == ((1, 0) if status == 410 else (0, 1))


@pytest.mark.parametrize("fault", [TransientError("store away"), ZeroDivisionError("Anna Nowak")])
def test_a_score_run_goes_on_when_nobody_can_be_told(
    hooks: Hooks,
    fault: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hooks("add", "crm", URL)
    monkeypatch.setattr(Deliverer, "run", raising(fault))
    tell_targets(Home.from_environment(), WebhookSettings())
    assert "webhooks were not sent" in caplog.text
    assert "Anna" not in caplog.text


def test_a_service_store_that_is_damaged_ends_no_score_run(
    hooks: Hooks, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    del hooks
    home.mkdir()
    (home / "service.db").write_bytes(b"no database at all" * 100)
    tell_targets(Home.from_environment(), WebhookSettings())
    assert "webhooks were not sent: service store: " in caplog.text


def test_watch_goes_on_after_a_fault_that_passes_until_it_is_stopped(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Any] = [TransientError("the store is away"), Told(sent=2), KeyboardInterrupt()]

    def run(_: Deliverer) -> Told:
        answer = answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        assert isinstance(answer, Told)
        return answer

    monkeypatch.setattr(Deliverer, "run", run)
    monkeypatch.setattr("pipelines.command.webhooks.LOOK_EVERY_S", 0.0)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    code, out, err = hooks("deliver", "--watch")
    assert code == 0
    assert out == "2 sent, 0 failed, 0 dead, 0 waiting\n"
    assert err == "warning: the store is away\n"


@pytest.mark.parametrize("script", [[], [600.0]], ids=["a backlog", "a receiver that hangs"])
def test_watch_ends_soon_when_it_is_told_to_whatever_waits(
    hooks: Hooks, home: Path, tmp_path: Path, script: list[int | float | tuple[int, str, str]]
) -> None:
    many = 3000
    config = tmp_path / "inside.yaml"
    config.write_text(COMPANY.format(host="127.0.0.1"), encoding="utf-8")
    with receiving(tmp_path, encrypted=False) as receiver:
        receiver.script = script
        with SnapshotStore(Home.from_environment().store_url) as store:
            store.publish(snapshot(*(due(f"A{number}", 0.9) for number in range(many))))
            url = f"http://127.0.0.1:{receiver.port}/hooks"
            assert hooks("add", "crm", url, "--config", str(config))[0] == 0
            store.publish(snapshot(*(due(f"A{number}", 0.1) for number in range(many))))
        command = ["webhooks", "deliver", "--watch", "--config", str(config)]
        environment = {**os.environ, "KEEPWELL_HOME": str(home)}
        program = [sys.executable, "-m", "pipelines", *command]
        with subprocess.Popen(program, env=environment) as run:
            wait_until(lambda: bool(receiver.got))
            begun = time.monotonic()
            run.terminate()
            assert run.wait(60) == 0
            assert time.monotonic() - begun < STOP_S + 6
        (listed,) = json.loads(hooks("list", "--json")[1])["targets"]
        # All but those that came through wait as before; one cut off is no failure of the target.
        assert listed["waiting"] + listed["sent"] == many
        assert listed["waiting"] > 0
        assert (listed["dead"], listed["failing_since"]) == (0, None)
        if not script:
            assert listed["sent"] in (len(receiver.got) - 1, len(receiver.got))
