"""Every route for every scope and every row filter: one table, held to the API description."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from models.account_score import AccountScore
from models.frame import ANSWER
from models.key import SCOPES
from models.key_store import KeyStore
from models.row_filter import RowFilter
from models.service_store import ServiceStore
from models.store import SnapshotStore
from models.webhook import make_target
from models.webhook_store import WebhookStore
from serving.application import Service
from serving.caller import Caller
from serving.compute_process import ComputeProcess
from serving.live_models import LiveModel
from serving.route_list import Asked
from serving.selection import Selection
from tests.integration.client import ask, ask_raw, problem, serve
from tests.integration.company import PLAYBOOKS, WARNED, due, lost, snapshot

ANYBODY, ANY_KEY = "anybody", "any key"


@dataclass(frozen=True)
class Case:
    """One way to use an operation.

    Parameters
    ----------
    needs : str
        A scope, `ANY_KEY` or `ANYBODY`.
    account : str or None
        The account that the answer is about: not there for who may not see it.
    lists : bool
        Whether the answer names every account that the caller sees.
    also : tuple of str
        Further scopes that it needs.
    status : int
        Of the answer to who may.
    """

    operation: str
    path: str
    needs: str = "scores:read"
    method: str = "GET"
    body: dict[str, Any] | None = None
    account: str | None = None
    lists: bool = False
    also: tuple[str, ...] = field(default=())
    status: int = 200


LATER = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
IDS = ("Q-smb", "Q-mid", "Q-kin", "Q-bare", "Q-lost")
CASES = (
    Case("get_account_risk", "/v1/accounts/Q-smb/risk", account="Q-smb"),
    Case("get_account_risk", "/v1/accounts/Q-bare/risk", account="Q-bare"),
    Case("get_external_risk", "/v1/external-ids/001Q-mid/risk", account="Q-mid"),
    Case("get_account_history", "/v1/accounts/Q-kin/history", account="Q-kin"),
    Case("get_external_history", "/v1/external-ids/001Q-smb/history", account="Q-smb"),
    Case("get_account_history", "/v1/accounts/Q-gone/history", account="Q-gone"),
    Case("get_external_history", "/v1/external-ids/001Q-gone/history", account="Q-gone"),
    Case("list_accounts", "/v1/accounts?limit=500", lists=True),
    Case("list_accounts", "/v1/accounts?group_by=parent"),
    Case("list_accounts", "/v1/accounts?changed_since={older}"),
    Case("list_accounts", "/v1/accounts?owner=anna", also=("people:read",)),
    Case("batch_accounts", "/v1/accounts/batch", method="POST", body={"account_ids": list(IDS)},
         lists=True),
    Case("batch_accounts", "/v1/accounts/batch?fields=name,owner,top_drivers", method="POST",
         body={"external_ids": [f"001{one}" for one in IDS if one not in ("Q-lost", "Q-bare")]}),
    Case("give_feedback", "/v1/accounts/Q-mid/feedback", needs="feedback:write", method="POST",
         body={"disposition": "agree"}, account="Q-mid", status=201),
    Case("give_external_feedback", "/v1/external-ids/001Q-kin/feedback", needs="feedback:write",
         method="POST", body={"disposition": "acted"}, account="Q-kin", status=201),
    Case("get_feedback", "/v1/accounts/Q-mid/feedback", account="Q-mid"),
    Case("get_external_feedback", "/v1/external-ids/001Q-kin/feedback", account="Q-kin"),
    Case("give_loss_reason", "/v1/accounts/Q-lost/loss-reason", needs="feedback:write",
         method="POST", body={"reason": "price"}, account="Q-lost", status=201),
    Case("give_external_loss_reason", "/v1/external-ids/001Q-gone/loss-reason",
         needs="feedback:write", method="POST", body={"reason": "price"}, account="Q-gone",
         status=201),
    Case("get_warnings", "/v1/accounts/Q-mid/warnings", account="Q-mid"),
    Case("mute_warning", "/v1/accounts/Q-mid/warnings/mute", needs="feedback:write", method="POST",
         body={"rule": "poor_fit", "until": LATER, "reason": "expected"}, account="Q-mid",
         status=201),
    Case("get_playbooks", "/v1/accounts/Q-mid/playbooks", account="Q-mid"),
    Case("act_on_playbook", "/v1/accounts/Q-mid/playbooks", needs="feedback:write", method="POST",
         body={"playbook": "listen", "status": "started"}, account="Q-mid", status=201),
    Case("list_accounts", "/v1/accounts?warning=poor_fit&limit=500"),
    Case("list_webhooks", "/v1/webhooks", needs="admin"),
    Case("add_webhook", "/v1/webhooks", needs="admin", method="POST",
         body={"name": "crm", "url": "https://crm.example.com/"}, status=201),
    Case("rotate_webhook_secret", "/v1/webhooks/{target}/secret", needs="admin", method="POST",
         body={"overlap_hours": 1}),
    Case("remove_webhook", "/v1/webhooks/{target}", needs="admin", method="DELETE", status=204),
    Case("get_portfolio", "/v1/portfolio"),
    Case("list_snapshots", "/v1/snapshots"),
    Case("get_track_record", "/v1/track-record"),
    Case("get_model", "/v1/models/renewal"),
    Case("score_rows", "/v1/models/churn/score", needs="scores:compute", method="POST",
         body={"rows": [{"usage": 1.0}]}),
    Case("get_livez", "/livez", needs=ANYBODY),
    Case("get_readyz", "/readyz", needs=ANYBODY),
    Case("get_metrics", "/metrics", needs=ANY_KEY),
)  # fmt: skip
FILTERS: tuple[dict[str, list[str]], ...] = (
    {},
    {"segment": ["smb"]},
    {"segment": ["smb", "mid"], "owner": ["anna"]},
    {"region": ["emea"]},
    {"parent_id": ["P-kin"]},
    {"account_tier": ["gold"], "region": ["apac"]},
    {"owner": ["nobody"]},
)


def accounts(loss: float) -> tuple[AccountScore, ...]:
    """Accounts that differ in what they are filtered by; one about which nothing is known."""
    nothing = dict.fromkeys(("segment", "account_tier", "region", "owner", "parent_id"))
    return (
        due("Q-smb", loss, segment="smb", owner="anna", region="emea", parent_id="P-kin"),
        due(
            "Q-mid", 0.6, segment="mid", owner="boris", region="apac", parent_id=None, alerts=WARNED
        ),
        due("Q-kin", 0.3, segment="mid", owner="anna", region="amer", parent_id="P-kin"),
        due("Q-bare", 0.2, external_id=None, **nothing),
        lost("Q-lost"),
    )


GONE = due("Q-gone", 0.5, segment="smb")  # in the older snapshot only


@dataclass
class World:
    """A service with keys over two snapshots."""

    app: Service
    keys: KeyStore
    older: str

    def token(self, *scopes: str, of: dict[str, list[str]] | None = None) -> str:
        """A new key's token, known to the service."""
        made = self.keys.create("test", scopes, RowFilter(of or {}), now=datetime.now(UTC))
        assert self.app.guards.keys is not None
        self.app.guards.keys.refresh()
        return made.token

    def ask(self, case: Case, token: str | None) -> httpx.Response:
        """The answer to a case."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        target = ""
        if "{target}" in case.path:
            made = make_target("test", "https://crm.example.com/", now=datetime.now(UTC))
            WebhookStore(self.keys.store).add(made)
            target = made.target_id
        path = case.path.format(older=self.older, target=target)
        return ask(self.app, path, method=case.method, headers=headers, json=case.body)


class StillModel(LiveModel):
    """A model whose worker says the same of all rows."""

    version, waiting = "1", 0

    def __init__(self) -> None:
        super().__init__("churn", None)
        self.process = cast("ComputeProcess", self)

    def serves(self, company: str) -> bool:
        return company == "demo"

    async def ask(self, body: bytes, *, within_s: float, takes_gzip: bool) -> tuple[bytes, bytes]:
        assert body == b'{"rows":[{"usage":1.0}]}'
        assert (within_s > 0, takes_gzip) == (True, True)
        return ANSWER, b'{"results": []}'


@pytest.fixture(params=["in memory", "by request"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    memory_mb = 64 if request.param == "in memory" else 0
    store_url, service_url = (f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "service"))
    with SnapshotStore(store_url) as store:
        older = store.publish(snapshot(*accounts(0.9), GONE))
        store.publish(snapshot(*accounts(0.4), documents=PLAYBOOKS))
    with ServiceStore(service_url) as service:
        app = serve(store_url, service_store_url=service_url, memory_mb=memory_mb)
        app.state.live_models.by_name["churn"] = StillModel()
        yield World(app, KeyStore(service), older)
        app.close()


def seen(of: dict[str, list[str]], *also: AccountScore) -> set[str]:
    """By a plain loop, the accounts that a row filter lets through."""
    return {
        one.account_id
        for one in (*accounts(0.4), *also)
        if all(getattr(one, name) in values for name, values in of.items())
    }


def test_the_table_has_every_operation(world: World) -> None:
    paths = world.app.openapi()["paths"].values()
    described = {operation["operationId"] for path in paths for operation in path.values()}
    assert {case.operation for case in CASES} == described


def test_every_route_answers_the_scope_that_it_needs_and_no_other(world: World) -> None:
    for size in (1, len(SCOPES)):
        for scopes in itertools.combinations(SCOPES, size):
            token = world.token(*scopes)
            for case in CASES:
                wanted = {case.needs, *case.also} - {ANYBODY, ANY_KEY}
                response = world.ask(case, token)
                if wanted <= set(scopes):
                    assert response.status_code == case.status, (case, scopes, response.text)
                else:
                    problem(response, 403, "missing-scope")


def test_without_a_key_probes_alone_are_answered_and_name_nothing(world: World) -> None:
    world.token("scores:read")
    for case in CASES:
        response = world.ask(case, None)
        if case.needs == ANYBODY:
            assert response.status_code == 200
            assert set(response.json().values()) <= {"alive", "ready", None}
        else:
            problem(response, 401, "unauthorized")
            assert response.headers["www-authenticate"] == "Bearer"
    for path in ("/docs", "/openapi.json", "/nowhere", "/v1/accounts/"):
        problem(ask(world.app, path), 401, "unauthorized")


@pytest.mark.parametrize("of", FILTERS, ids=str)
def test_no_answer_holds_an_account_outside_the_row_filter(
    world: World, of: dict[str, list[str]]
) -> None:
    token = world.token("scores:read", "people:read", "feedback:write", "scores:compute", of=of)
    allowed = seen(of)
    for case in CASES:
        if case.needs == "admin":  # which takes no row filter
            continue
        response = world.ask(case, token)
        if case.account is not None and case.account not in seen(of, GONE):
            problem(response, 404, "unknown-account")
            continue
        assert response.status_code == case.status, (case, response.text)
        told = response.text
        if case.operation == "batch_accounts":  # it repeats what was asked for
            results = response.json()["results"]
            told = str([one.get("account") for one in results])
            assert {one["id"] for one in results if "error" not in one} == {
                name for one in results if (name := one["id"]).removeprefix("001") in allowed
            }
        for name in IDS:
            if name not in allowed:
                assert f"Company {name}" not in told
                assert f"'{name}'" not in told
                assert f'"{name}"' not in told
        if case.lists:
            assert all(f"{name}" in told for name in allowed)


@pytest.mark.parametrize("of", FILTERS, ids=str)
def test_counts_and_sums_are_of_the_accounts_inside_the_row_filter(
    world: World, of: dict[str, list[str]]
) -> None:
    token = {"Authorization": f"Bearer {world.token('scores:read', of=of)}"}
    inside = [one for one in accounts(0.4) if one.account_id in seen(of)]
    told = ask(world.app, "/v1/portfolio", headers=token).json()
    assert told["accounts"] == len(inside)
    assert sum(told["states"].values()) == len(inside)
    at_risk = [one.arr_at_risk for one in inside if one.arr_at_risk is not None]
    assert told["arr_at_risk"] == ({"renewal": pytest.approx(sum(at_risk))} if at_risk else {})
    families = ask(world.app, "/v1/accounts?group_by=parent", headers=token).json()["families"]
    assert {one["parent_id"]: one["members"] for one in families} == {
        parent: sum((one.parent_id or one.account_id) == parent for one in inside)
        for parent in {one.parent_id or one.account_id for one in inside}
    }
    listed = ask(world.app, "/v1/snapshots", headers=token).json()["snapshots"]
    assert [one["accounts"] for one in listed] == ([None, None] if of else [5, 6])


def test_the_owner_is_told_to_keys_that_may_read_people_alone(world: World) -> None:
    plain, people = world.token("scores:read"), world.token("scores:read", "people:read")
    for case in CASES:
        if case.needs == "scores:read" and not case.also:
            assert "anna" not in world.ask(case, plain).text
    told = [world.ask(case, people).text for case in CASES if case.lists]
    assert all("anna" in text for text in told)


def test_what_left_the_row_filter_is_gone_and_what_lies_outside_is_not_named(
    world: World,
) -> None:
    path = f"/v1/accounts?changed_since={world.older}"
    told = {}
    for segment in ("smb", "mid"):
        token = world.token("scores:read", of={"segment": [segment]})
        answer = ask(world.app, path, headers={"Authorization": f"Bearer {token}"}).json()
        told[segment] = ([one["account_id"] for one in answer["accounts"]], answer["gone"])
    assert told["smb"] == (["Q-smb"], [{"account_id": "Q-gone", "external_id": "001Q-gone"}])
    assert told["mid"] == ([], [])


def test_a_cursor_of_another_key_or_of_other_filters_is_refused(world: World) -> None:
    tokens = [world.token("scores:read") for _ in range(2)]
    mine, other = ({"Authorization": f"Bearer {token}"} for token in tokens)
    page = ask(world.app, "/v1/accounts?limit=1", headers=mine).json()
    path = f"/v1/accounts?cursor={page['next_cursor']}"
    assert ask(world.app, path, headers=mine).status_code == 200
    problem(ask(world.app, path, headers=other), 422, "invalid-request")
    problem(ask(world.app, f"{path}&segment=smb", headers=mine), 422, "invalid-request")
    problem(ask(world.app, f"{path}&sort=arr", headers=mine), 422, "invalid-request")


@pytest.mark.parametrize(
    "value",
    ["", "kw_", "Bearer", "Basic dTpw", "Bearer kw_00000000_" + "a" * 43, "Bearer " + "x" * 5000],
)
def test_what_is_no_key_opens_nothing(world: World, value: str) -> None:
    world.token("scores:read")
    problem(ask(world.app, "/v1/accounts", headers={"Authorization": value}), 401, "unauthorized")


def test_a_key_in_the_query_or_a_cookie_is_not_looked_at(world: World) -> None:
    token = world.token("scores:read")
    headers = {"Cookie": f"Authorization=Bearer {token}; token={token}"}
    problem(ask(world.app, "/v1/accounts", headers=headers), 401, "unauthorized")
    problem(ask(world.app, f"/v1/accounts?access_token={token}"), 401, "unauthorized")


def test_the_scheme_of_a_key_is_read_in_any_case_and_a_second_key_beside_it_opens_nothing(
    world: World,
) -> None:
    token, other = world.token("scores:read"), world.token("scores:read")
    for scheme in ("bearer", "BEARER", "Bearer  "):
        headers = {"Authorization": f"{scheme} {token}"}
        assert ask(world.app, "/v1/accounts", headers=headers).status_code == 200
    twice = [("Host", "localhost"), *(("Authorization", f"Bearer {t}") for t in (token, other))]
    for pair in (
        twice,
        [twice[0], twice[1], twice[1]],
        [twice[0], twice[1], ("authorization", "")],
    ):
        problem(ask_raw(world.app, "/v1/accounts", pair), 401, "unauthorized")


def test_a_key_of_another_service_store_opens_nothing(world: World, tmp_path: Path) -> None:
    world.token("scores:read")
    with ServiceStore(f"sqlite:///{tmp_path}/other.db") as other:
        token = KeyStore(other).create("crm", ["admin"], now=datetime.now(UTC)).token
    headers = {"Authorization": f"Bearer {token}"}
    problem(ask(world.app, "/v1/accounts", headers=headers), 401, "unauthorized")


def test_what_is_handed_out_confirms_no_guess_about_a_row_filter() -> None:
    callers = [
        Caller("0123abcz", frozenset(SCOPES), RowFilter(of))
        for of in ({"owner": ["anna"]}, {"owner": ["boris"]})
    ]
    asked = Asked(selection=Selection(), by_parent=False, changed_since=None, points=0.01)
    assert len({asked.mark(caller) for caller in callers}) == 1
    other = Caller("9876zyxw", frozenset(SCOPES), callers[0].row_filter)
    assert asked.mark(other) != asked.mark(callers[0])


def test_with_keys_any_host_and_a_proxy_are_welcome(world: World) -> None:
    token = world.token("scores:read")
    headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": "203.0.113.9"}
    response = ask(world.app, "/v1/accounts", host="crm.example", headers=headers)
    assert response.status_code == 200
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_the_rate_of_a_key_is_told_and_kept(tmp_path: Path) -> None:
    service_url = f"sqlite:///{tmp_path}/service.db"
    with SnapshotStore(f"sqlite:///{tmp_path}/store.db") as store:
        store.publish(snapshot(*accounts(0.4), documents=PLAYBOOKS))
    app = serve(f"sqlite:///{tmp_path}/store.db", service_store_url=service_url, rate="3/minute")
    with ServiceStore(service_url) as service:
        world = World(app, KeyStore(service), "")
        headers = {"Authorization": f"Bearer {world.token('scores:read')}"}
        for left, path in ((2, "/v1/accounts/Q-smb/risk"), (1, "/v1/accounts"), (0, "/nowhere")):
            response = ask(app, path, headers=headers)
            assert response.headers["ratelimit-policy"] == '"key";q=3;w=60'
            assert response.headers["ratelimit"].startswith(f'"key";r={left};t=')
        response = ask(app, "/v1/accounts/Q-smb/risk", headers=headers)
        problem(response, 429, "too-many-requests")
        assert 1 <= int(response.headers["retry-after"]) <= 60
        assert ask(app, "/livez", headers=headers).status_code == 200
    app.close()
