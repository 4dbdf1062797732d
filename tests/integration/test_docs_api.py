"""The page for integrators: its examples run as they stand, against a service on loopback."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import re
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

import serving
from models.account_score import AccountScore
from models.key_store import KeyStore
from models.service_store import ServiceStore
from models.store import SnapshotStore
from serving.problem import KINDS, TYPE_PREFIX, Kind
from serving.response import AccountRisk
from serving.server import build_server
from serving.settings import Settings
from tests.integration.client import NEVER_STALE
from tests.integration.company import due, lost, snapshot

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
CODE = "\n".join(text for language, text in BLOCKS if language == "python")
SCOPES = re.findall(r"--scope (\S+)", PAGE.partition("## ")[0])
Names = dict[str, Any]  # Any: what the page's Python defines


def northwind(**changes: Any) -> AccountScore:
    """The account that the page shows."""
    shown = {
        "external_id": "0015g00000XyZabAAF",
        "segment": "mid-market",
        "arr_to_decide": 36000.0,
        "arr_at_risk": 22680.0,
        "decision_date": date(2026, 12, 1),
    }
    return due("A17", 0.63, 48000.0, **{**shown, **changes})


class World(NamedTuple):
    """A running service."""

    store: SnapshotStore
    url: str


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    store_url, service_url = (f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "service"))
    with ServiceStore(service_url) as service:
        token = KeyStore(service).create("crm", SCOPES, now=datetime.now(UTC)).token
    with SnapshotStore(store_url) as store:
        store.publish(snapshot(northwind(), due("B", 0.2), due("C", 0.7)))
        settings = Settings(
            store_url=store_url,
            service_store_url=service_url,
            stale_after_days=NEVER_STALE,
            refresh_s=0,
        )
        server = build_server(settings)
        listener = socket.create_server(("127.0.0.1", 0))  # callers queue until it accepts
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("KEEPWELL_URL", url)
        monkeypatch.setenv("KEEPWELL_KEY", token)
        yield World(store, url)
        server.should_exit = True
        thread.join()


@pytest.fixture
def names(world: World) -> Iterator[Names]:
    """What the page's Python defines, after it was run from top to bottom."""
    del world
    names: Names = {}
    exec(compile(CODE, "docs/api.md", "exec"), names)
    with closing(names["client"]):
        yield names


def test_the_commands_of_the_page_answer_what_it_shows(world: World, tmp_path: Path) -> None:
    world.store.publish(snapshot(northwind(), due("B", 0.2), due("C", 0.7), lost("L9")))
    ran = 0
    for (language, text), (kind, shown) in pairwise(BLOCKS):
        if language != "bash":
            continue
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            capture_output=True, text=True, check=True, env=dict(os.environ), cwd=tmp_path,
        )  # fmt: skip
        if kind == "json":
            assert_holds(json.loads(done.stdout), json.loads(shown))
        else:
            assert kind == "text"
            pattern = re.escape(shown.strip()).replace("…", r"\d+")
            assert re.fullmatch(pattern, done.stdout.replace("\r", "").strip(), re.IGNORECASE)
        ran += 1
    assert ran == PAGE.count("\n```bash\n") == 9


def assert_holds(told: Any, shown: Any) -> None:  # Any: JSON
    """Whether an answer is as shown, which may leave fields out."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            assert_holds(told[name], value)
    elif isinstance(shown, list):
        assert len(told) == len(shown)
        for one, value in zip(told, shown, strict=True):
            assert_holds(one, value)
    else:
        assert told == shown


def account_ids(accounts: Sequence[dict[str, Any]]) -> list[str]:
    return [account["account_id"] for account in accounts]


def test_every_night_what_changed_is_told_and_what_is_gone_is_emptied(
    world: World, names: Names
) -> None:
    accounts, gone, first = names["changes"](None)
    assert account_ids(accounts) == ["A17", "C", "B"]
    assert gone is None
    second = world.store.publish(snapshot(northwind(), due("B", 0.6), due("D", 0.1)))
    accounts, gone, since = names["changes"](first)
    assert (account_ids(accounts), gone, since) == (["B", "D"], ["001C"], second)
    assert names["changes"](since) == ([], [], second)


def test_when_the_last_snapshot_was_removed_everything_is_taken_over(
    world: World, names: Names
) -> None:
    _, _, first = names["changes"](None)
    newest = [world.store.publish(snapshot(northwind(), due("B", loss))) for loss in (0.3, 0.6)][1]
    world.store.prune(1)
    accounts, gone, since = names["changes"](first)
    assert (account_ids(accounts), gone, since) == (["A17", "B"], None, newest)


@pytest.mark.parametrize("removed", [False, True])
def test_a_list_read_across_a_publish_is_of_one_snapshot(
    world: World, names: Names, removed: bool
) -> None:
    pages: list[httpx.Response] = []

    def one_at_a_time(request: httpx.Request) -> None:
        request.url = request.url.copy_set_param("limit", 1)

    def publish_after_the_first(response: httpx.Response) -> None:
        pages.append(response)
        if len(pages) == 1:
            world.store.publish(snapshot(due("B", 0.9), due("C", 0.8)))
            world.store.publish(snapshot(due("B", 0.9), due("C", 0.8)))
            if removed:
                world.store.prune(1)

    hooks = {"request": [one_at_a_time], "response": [publish_after_the_first]}
    names["client"].event_hooks = hooks
    accounts, _ = names["read_list"]()
    assert account_ids(accounts) == (["B", "C"] if removed else ["A17", "C", "B"])
    statuses = [page.status_code for page in pages]
    assert statuses == ([200, 410, 200, 200] if removed else [200, 200, 200])


@pytest.mark.parametrize(("status", "kind"), [(429, "too-many-requests"), (503, "overloaded")])
def test_the_client_of_the_page_waits_as_long_as_it_is_told(
    names: Names, monkeypatch: pytest.MonkeyPatch, status: int, kind: str
) -> None:
    document = {"type": TYPE_PREFIX + kind, "title": "t", "detail": "d", "request_id": "r"}
    head = {"Retry-After": "7", "Content-Type": "application/problem+json"}
    answers = iter([httpx.Response(status, headers=head, json=document)] * 2 + [
        httpx.Response(200, json={"fine": True})
    ])  # fmt: skip
    waits: list[float] = []
    monkeypatch.setattr(names["time"], "sleep", waits.append)
    with httpx.Client(
        base_url="http://service", transport=httpx.MockTransport(lambda _: next(answers))
    ) as client:
        monkeypatch.setitem(names, "client", client)
        assert names["ask"]("GET", "/v1/accounts") == {"fine": True}
    assert waits == [7, 7]


def test_what_cannot_be_had_is_raised_with_its_kind(names: Names) -> None:
    with pytest.raises(names["Problem"]) as raised:
        names["ask"]("GET", "/v1/accounts/nobody/risk")
    assert raised.value.kind == "unknown-account"


def section(title: str) -> str:
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    return str(text)


def table(title: str) -> list[list[str]]:
    """The cells of a section's table, its head left out."""
    lines = [line for line in section(title).splitlines() if line.startswith("| `")]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


def test_every_type_of_problem_is_documented_with_what_to_do() -> None:
    found = set()
    for module in pkgutil.walk_packages(serving.__path__, "serving."):
        held = vars(importlib.import_module(module.name)).values()
        found |= {value for value in held if isinstance(value, Kind)}
    documented = {name: (int(status), remedy) for name, status, remedy in table("Errors")}
    assert {name: status for name, (status, _) in documented.items()} == {
        kind.name: kind.status for kind in found
    }
    assert found == set(KINDS)
    assert all(remedy for _, remedy in documented.values())


def test_the_mappings_name_fields_that_there_are_and_the_code_fills_each(names: Names) -> None:
    account = names["accounts"][0]
    (salesforce,) = names["salesforce_bodies"]([account], ["gone"], "2026-11-01")
    (hubspot,) = names["hubspot_bodies"]([account], ["gone"], "2026-11-01")
    written = {
        "Salesforce": [set(record) - {"attributes"} for record in salesforce["records"]],
        "HubSpot": [set(one["properties"]) | {"record id"} for one in hubspot["inputs"]],
    }
    for crm, records in written.items():
        rows = table(crm)
        assert {row[0].partition("[")[0] for row in rows} <= set(AccountRisk.model_fields)
        assert records == [{row[1] for row in rows}] * 2


def test_bodies_are_no_larger_than_the_crm_takes(names: Names) -> None:
    gone = [str(number) for number in range(401)]
    salesforce = [len(b["records"]) for b in names["salesforce_bodies"]([], gone, None)]
    hubspot = [len(b["inputs"]) for b in names["hubspot_bodies"]([], gone, None)]
    assert (salesforce, hubspot) == ([200, 200, 1], [100, 100, 100, 100, 1])


def test_what_no_model_speaks_of_empties_its_fields(names: Names) -> None:
    account = {**names["accounts"][0], "loss_probability": None, "risk_tier": None, "drivers": []}
    (body,) = names["salesforce_bodies"]([account], [], None)
    assert body["records"][0]["Keepwell_Loss_Probability__c"] is None
    assert body["records"][0]["Keepwell_Drivers__c"] is None
    (body,) = names["hubspot_bodies"]([account], [], None)
    assert body["inputs"][0]["properties"]["keepwell_loss_probability"] == ""
