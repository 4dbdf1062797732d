"""Every page for every scope and every row filter: one table, held to the routes that there are.

A new page needs a `PageCase` here: the test below names what is missing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import Route

from models.key import SCOPES
from models.key_store import KeyStore
from models.row_filter import RowFilter
from models.service_store import ServiceStore
from models.store import SnapshotStore
from serving.application import ROUTERS, Service
from serving.form import get_form
from serving.page_caller import get_page_caller
from serving.zone import SIGN_IN, Zone, zone_of
from tests.integration.browser import Browser, add_probe
from tests.integration.client import serve
from tests.integration.company import PLAYBOOKS, snapshot
from tests.integration.test_serving_access import FILTERS, GONE, IDS, accounts, seen


@dataclass(frozen=True)
class PageCase:
    """One way to ask for a page.

    Parameters
    ----------
    route : str
        Template of its path.
    path : str
        What is asked.
    account : str or None
        The account that it is about: not there for who may not see it.
    lists : bool
        Whether it names every account that the reader sees.
    people : bool
        Whether it names the owner to who may read people.
    fields : dict or None
        Of the form that is sent to it; None: it is read.
    needs : str or None
        A further scope that it needs.
    status : int
        Of the answer to who may.
    """

    route: str
    path: str
    account: str | None = None
    lists: bool = False
    people: bool = False
    fields: dict[str, str] | None = None
    needs: str | None = None
    status: int = 200


ACCOUNT = "/accounts/{account_id:path}"
PAGES: tuple[PageCase, ...] = (
    PageCase("/", "/", people=True),
    PageCase("/portfolio.csv", "/portfolio.csv", people=True),
    PageCase("/model", "/model"),
    PageCase(ACCOUNT, "/accounts/Q-smb", account="Q-smb", people=True),
    PageCase(ACCOUNT, "/accounts/Q-bare", account="Q-bare"),
    PageCase(ACCOUNT, "/accounts/Q-lost", account="Q-lost"),
    PageCase(
        f"{ACCOUNT}/feedback",
        "/accounts/Q-mid/feedback",
        account="Q-mid",
        fields={"disposition": "agree"},
        needs="feedback:write",
        status=303,
    ),
    PageCase(
        f"{ACCOUNT}/loss-reason",
        "/accounts/Q-lost/loss-reason",
        account="Q-lost",
        fields={"loss": "price"},
        needs="feedback:write",
        status=303,
    ),
    PageCase(
        f"{ACCOUNT}/mute",
        "/accounts/Q-mid/mute",
        account="Q-mid",
        fields={"rule": "poor_fit", "subject": "", "mute_days": "7", "mute": "expected"},
        needs="feedback:write",
        status=303,
    ),
    PageCase(
        f"{ACCOUNT}/playbooks",
        "/accounts/Q-kin/playbooks",
        account="Q-kin",
        fields={"playbook": "listen", "status": "started"},
        needs="feedback:write",
        status=303,
    ),
    PageCase("/modules", "/modules"),
)
# For people too, but about no account: for whoever is let in at all.
PLAIN = frozenset({"/docs", "/openapi.json", "/sign-out"})


def routes() -> Iterator[Route]:
    """Every route outside the API."""
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, Route)
            if zone_of(route.path) in (Zone.PAGE, Zone.OPEN):
                yield route


def asks_for(dependant: Dependant, call: object) -> bool:
    """Whether a route depends on something, itself or by what it depends on."""
    return dependant.call is call or any(asks_for(one, call) for one in dependant.dependencies)


def test_the_table_has_every_page() -> None:
    there = {one.path for one in routes() if zone_of(one.path) is Zone.PAGE} - PLAIN
    assert {case.route for case in PAGES} == there


def test_every_page_takes_its_reader_and_every_form_is_guarded() -> None:
    for route in routes():
        assert isinstance(route, APIRoute)
        assert not route.include_in_schema
        if zone_of(route.path) is Zone.PAGE and route.path not in PLAIN - {"/sign-out"}:
            assert asks_for(route.dependant, get_page_caller), route.path
        if set(route.methods or ()) - {"GET", "HEAD"}:
            assert route.methods == {"POST"}, route.path
            assert asks_for(route.dependant, get_form), route.path


@dataclass
class World:
    """A service with keys."""

    app: Service
    keys: KeyStore

    def reader(self, *scopes: str, of: dict[str, list[str]] | None = None) -> Browser:
        """Somebody who signed in."""
        made = self.keys.create("test", scopes, RowFilter(of or {}), now=datetime.now(UTC))
        assert self.app.guards.keys is not None
        self.app.guards.keys.refresh()
        browser = Browser(self.app, peer=f"2001:db8:{made.key.key_id.encode().hex()[:4]}::1")
        browser.answer = browser.sign_in(made.token)  # type: ignore[attr-defined]  # for tests
        return browser


@pytest.fixture(params=["in memory", "by request"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    memory_mb = 64 if request.param == "in memory" else 0
    store_url, service_url = (f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "service"))
    with SnapshotStore(store_url) as store:
        store.publish(snapshot(*accounts(0.9), GONE))
        store.publish(snapshot(*accounts(0.4), documents=PLAYBOOKS))
    with ServiceStore(service_url) as service:
        app = serve(store_url, service_store_url=service_url, memory_mb=memory_mb)
        add_probe(app)
        yield World(app, KeyStore(service))
        app.close()


def ask_page(browser: Browser, case: PageCase) -> httpx.Response:
    """The answer to a case."""
    if case.fields is None:
        return browser.get(case.path)
    return browser.post(case.path, {**case.fields, "form_token": browser.token()})


def test_only_keys_that_may_read_scores_sign_in_and_pages_need_their_own_scopes(
    world: World,
) -> None:
    for scopes in itertools.chain(((one,) for one in SCOPES), [SCOPES]):
        browser = world.reader(*scopes)
        signed_in = browser.get("/probe").status_code == 200
        assert signed_in is ("scores:read" in scopes)
        for case in PAGES:
            answer = ask_page(browser, case) if signed_in else browser.get(case.path)
            if not signed_in:
                assert answer.status_code == 303 or case.fields is not None
                continue
            may = case.needs is None or case.needs in scopes
            assert answer.status_code == (case.status if may else 403), (case, scopes)


def test_without_signing_in_no_page_is_shown(world: World) -> None:
    world.reader("scores:read")
    stranger = Browser(world.app)
    for case in PAGES:
        answer = stranger.get(case.path) if case.fields is None else stranger.post(case.path, {})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(SIGN_IN)
        assert answer.content == b""


@pytest.mark.parametrize("of", FILTERS, ids=str)
def test_no_page_holds_an_account_outside_the_row_filter(
    world: World, of: dict[str, list[str]]
) -> None:
    browser = world.reader("scores:read", "people:read", "feedback:write", of=of)
    allowed = seen(of)
    for case in PAGES:
        answer = ask_page(browser, case)
        if case.account is not None and case.account not in allowed:
            assert answer.status_code == 404, case
            continue
        assert answer.status_code == case.status, case
        for name in IDS:
            if name not in allowed:
                assert f"Company {name}" not in answer.text, case
                assert f"/{name}" not in answer.text, case
        if case.lists:
            assert all(f"Company {name}" in answer.text for name in allowed), case


def test_owners_are_named_to_keys_that_may_read_people_alone(world: World) -> None:
    plain = world.reader("scores:read", "feedback:write")
    people = world.reader("scores:read", "people:read", "feedback:write")
    for case in PAGES:
        assert "anna" not in ask_page(plain, case).text, case
        assert ("anna" in ask_page(people, case).text) is case.people, case
