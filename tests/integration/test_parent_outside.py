"""A row filter that leaves out an account's parent: its id is told, and nothing else of it.

Whatever a key reads is compared with what it would read of a company in which neither the parent
nor anybody else under it is an account at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.account_score import AccountScore
from models.board import Board
from models.key_store import KeyStore
from models.life import Life
from models.row_filter import RowFilter
from models.service_store import ServiceStore
from models.store import SnapshotStore
from tests.integration.browser import Browser
from tests.integration.client import ask, serve
from tests.integration.company import PLAYBOOKS, due, snapshot

CHILD = due("child", 0.4, 100.0, parent_id="holding", segment="smb", playbooks=("listen",))
OUTSIDE = (
    due("holding", 0.9, 777_777.0, parent_id=None, segment="mid", name="Hidden Holding"),
    due("sister", 0.8, 555_555.0, parent_id="holding", segment="mid", name="Hidden Sister"),
)
ONLY = RowFilter({"segment": ["smb"]})
API = (
    "/v1/accounts?limit=500",
    "/v1/accounts?group_by=parent",
    "/v1/accounts?parent_id=holding",
    "/v1/accounts/child/risk",
    "/v1/accounts/child/history",
    "/v1/accounts/child/playbooks",
    "/v1/accounts/child/warnings",
    "/v1/accounts/child/feedback",
    "/v1/accounts/holding/risk",
    "/v1/accounts/holding/history",
    "/v1/external-ids/001holding/risk",
    "/v1/portfolio",
    "/v1/snapshots",
    "/v1/track-record",
)
PAGES = (
    "/",
    "/?group_by=parent",
    "/?parent_id=holding",
    "/?q=holding",
    "/portfolio.csv",
    "/accounts/child",
    "/accounts/holding",
    "/accounts/sister",
    "/modules",
    "/model",
)
BOARD = {**dict.fromkeys(Board.__annotations__), "as_of": "2026-11-01"}
# Tokens of forms, and ids of requests.
OWN_TO_A_RUN = re.compile(r'name="(?:form_token|once)" value="[^"]*"|[0-9a-f]{8}-[0-9a-f]+')


class World:
    """A company, and somebody with a key for a part of it."""

    def __init__(self, folder: Path, accounts: tuple[AccountScore, ...], memory_mb: int) -> None:
        folder.mkdir()
        urls = [f"sqlite:///{folder}/{name}.db" for name in ("store", "service")]
        with SnapshotStore(urls[0]) as store:
            boards = {one.account_id: {**BOARD, "siblings": len(accounts) - 1} for one in accounts}
            lives = tuple(
                Life(account_id=one.account_id, segment=one.segment, parent_id=one.parent_id,
                     started_on=date(2026, 1, 1), arr=one.arr)
                for one in accounts
            )  # fmt: skip
            self.ids = [
                store.publish(snapshot(*accounts, as_of=day, boards=boards, lives=lives,
                                       documents=PLAYBOOKS), force=True)
                for day in (date(2026, 10, 1), date(2026, 11, 1))
            ]  # fmt: skip
        with ServiceStore(urls[1]) as service:
            scopes = ("scores:read", "people:read")
            made = KeyStore(service).create("part", scopes, ONLY, now=datetime.now(UTC))
        self.token = made.token
        self.app = serve(urls[0], service_store_url=urls[1], memory_mb=memory_mb)
        assert self.app.guards.keys is not None
        self.app.guards.keys.refresh()
        self.browser = Browser(self.app)
        self.browser.sign_in(made.token)

    def ask(self, path: str, **more: Any) -> httpx.Response:
        return ask(self.app, path, headers={"Authorization": f"Bearer {self.token}"}, **more)

    def plain(self, answer: httpx.Response) -> tuple[int, str]:
        """An answer without what differs from run to run."""
        text = answer.text
        for place, snapshot_id in enumerate(self.ids):
            text = text.replace(snapshot_id, f"snapshot-{place}")
        return answer.status_code, OWN_TO_A_RUN.sub("…", text)


@pytest.fixture(scope="module", params=[64, 0], ids=["in memory", "by request"])
def worlds(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, World]]:
    folder = tmp_path_factory.mktemp("parent")
    both = World(folder / "whole", (CHILD, *OUTSIDE), request.param)
    alone = World(folder / "alone", (CHILD,), request.param)
    yield both, alone
    for world in (both, alone):
        world.app.close()


@pytest.mark.parametrize("path", API)
def test_an_answer_tells_the_parents_id_alone(worlds: tuple[World, World], path: str) -> None:
    told, expected = (world.plain(world.ask(path)) for world in worlds)
    assert told == expected
    assert "Hidden" not in told[1]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_tells_the_parents_id_alone(worlds: tuple[World, World], path: str) -> None:
    told, expected = (world.plain(world.browser.get(path)) for world in worlds)
    assert told == expected
    assert "Hidden" not in told[1]
    assert 'href="/accounts/holding"' not in told[1]


def test_the_id_stands_in_the_accounts_own_record(worlds: tuple[World, World]) -> None:
    for world in worlds:
        (row,) = world.ask("/v1/accounts?parent_id=holding").json()["accounts"]
        assert (row["account_id"], row["parent_id"]) == ("child", "holding")
        (family,) = world.ask("/v1/accounts?group_by=parent").json()["families"]
        assert (family["parent_id"], family["account_id"], family["members"]) == (
            "holding", None, 1
        )  # fmt: skip
        assert "Parent: holding" in world.plain(world.browser.get("/accounts/child"))[1]


def test_a_batch_calls_the_parent_unknown(worlds: tuple[World, World]) -> None:
    body = {"account_ids": ["child", "holding", "sister", "nobody"]}
    told, expected = (
        world.plain(world.ask("/v1/accounts/batch", method="POST", json=body)) for world in worlds
    )
    assert told == expected
    assert "Hidden" not in told[1]
