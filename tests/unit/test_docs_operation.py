"""The page about running the service, and the container file: what they name is there."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import typer
from packaging.requirements import Requirement

from models.service_store import ServiceStore
from models.store import SnapshotStore
from models.webhook import make_target
from models.webhook_store import STATES, WebhookStore
from pipelines.cli import app as commands
from serving.application import create_app
from serving.settings import Settings
from serving.webhook_figure import WebhookFigures
from tests.integration.company import due, snapshot

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operation.md").read_text(encoding="utf-8")
CONTAINER = (ROOT / "Containerfile").read_text(encoding="utf-8")
COMMANDS = [
    *re.findall(r"keepwell ((?:serve|keys|score)\b[^\n`\\]*)", "\n".join(PAGE.split("```")[1::2])),
    " ".join(json.loads(re.findall(r"^CMD (\[.*\])", CONTAINER, re.MULTILINE)[-1])),
]


def first_cells(prefix: str) -> set[str]:
    """What stands in code at the begin of a row and begins so."""
    return set(re.findall(rf"^\| `({prefix}[^`]*)` \|", PAGE, re.MULTILINE))


def options(*names: str) -> set[str]:
    """The options of a command."""
    command = typer.main.get_command(commands)
    for name in names:
        command = command.commands[name]  # type: ignore[attr-defined]  # of a group
    return {option for one in command.params for option in one.opts if option.startswith("--")}


def test_every_option_of_the_service_is_on_the_page() -> None:
    assert first_cells("--") == options("serve")


def test_the_commands_that_are_shown_have_the_options_that_are_given() -> None:
    assert len(COMMANDS) == 4
    for line in COMMANDS:
        words = shlex.split(line)
        names = [word for word in words[:2] if word in ("serve", "keys", "create", "score")]
        assert {word for word in words if word.startswith("--")} <= options(*names)


def test_every_variable_that_the_service_reads_is_on_the_page() -> None:
    code = [path.read_text(encoding="utf-8") for path in (ROOT / "serving").rglob("*.py")]
    assert first_cells("KEEPWELL_") == set(re.findall(r"KEEPWELL_[A-Z_]+", "\n".join(code)))


def test_every_metric_is_on_the_page() -> None:
    app = create_app(Settings(store_url="sqlite:///nowhere/store.db"))
    text = app.guards.metrics.render().decode()
    hooks = WebhookStore(ServiceStore("sqlite:///nowhere/service.db"))
    figures = WebhookFigures(hooks, app.guards.shelves)
    text += asyncio.run(figures.render()).decode()
    app.close()
    told = re.findall(r"^# TYPE (keepwell_\w+) ", text, re.MULTILINE)
    made = {name for name in told if not name.endswith("_created")}
    assert first_cells("keepwell_") == made


def test_what_is_to_be_watched_of_webhooks_is_what_list_tells() -> None:
    section = PAGE.partition("## Webhooks\n")[2].partition("\n## ")[0]
    target = make_target("crm", "https://crm.example.com/", now=datetime.now(UTC))
    told = {*target.to_json(), *STATES, "faults"}
    named = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert named == {"stopped", "failing_since", "dead", "waiting", "faults"}
    assert named <= told
    (line,) = re.findall(r"^ExecStart=\S+/keepwell (webhooks deliver .*)$", section, re.MULTILINE)
    assert set(line.split()[2:]) <= options("webhooks", "deliver")
    assert "--config" in options("webhooks", "deliver")


def test_the_backup_of_a_store_in_use_is_whole(tmp_path: Path) -> None:
    (statement,) = re.findall(r"```sql\n(.*?)\n```", PAGE)
    copy = tmp_path / "copy.db"
    with SnapshotStore(f"sqlite:///{tmp_path}/store.db") as store:
        snapshot_id = store.publish(snapshot(due("A1", 0.5)))
        with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
            connection.execute(statement.replace("/backup/service.db", str(copy)))
    with SnapshotStore(f"sqlite:///{copy}") as restored:
        header = restored.current()
    assert header is not None
    assert header.snapshot_id == snapshot_id


def test_what_the_container_file_copies_is_there_and_its_health_check_is_sound() -> None:
    for line in re.findall(r"^COPY (?!--from)(.*)", CONTAINER, re.MULTILINE):
        assert all((ROOT / name).exists() for name in line.split()[:-1])
    (check,) = re.findall(r"HEALTHCHECK .*?CMD (\[.*?\])\n", CONTAINER, re.DOTALL)
    program, flag, code = json.loads(check)
    assert (program, flag) == ("python", "-c")
    compile(code, "HEALTHCHECK", "exec")
    assert "/livez" in code


def test_the_lock_without_its_hashes_is_what_pip_takes_as_constraints() -> None:
    lock = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8").splitlines()
    kept = [re.sub(r" *\\$", "", line) for line in lock if not re.match(r" *--hash=", line)]
    (rules,) = re.findall(r"sed -E '(.*?)'", CONTAINER)
    assert rules == r"/^ *--hash=/d; s/ *\\$//"
    named = [
        Requirement(line) for line in kept if line.strip() and not line.lstrip().startswith("#")
    ]
    assert {"fastapi", "redis", "uvicorn"} <= {one.name for one in named}
    assert not any(one.extras for one in named)  # a constraint has none
