"""Filters, orders, groups, changes and pages of the list, in memory and read by request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from models.account_score import AccountScore
from models.card import CARD_FILE, Card, CardCalibration, CardThresholds, FeatureColumn
from models.champion import bundle_folder
from models.key_store import KeyStore
from models.row_filter import RowFilter
from models.service_store import ServiceStore
from models.store import SnapshotStore
from serving.application import Service
from tests.integration.client import ask, problem, serve
from tests.integration.company import DRIVERS, HEALTH, WARNED, due, lost, snapshot

SCORES = (
    due("A", 0.9, 100.0, segment="smb", owner="anna", decision_date=date(2026, 12, 1)),
    due("B", 0.7, None, segment="smb", owner="boris", parent_id=None, decision_date=None),
    due("C", 0.7, 300.0, segment="mid", region="apac", account_tier="silver"),
    due("a", 0.3, 300.0, segment="mid", region="apac", parent_id="P2", state="in_grace"),
    due("Ä", 0.3, 300.0, segment=None, risk_tier="medium", decision_date=date(2027, 1, 1)),
    due("D", 0.1, 50.0, segment="smb, mid", owner="o'x", basis="churn", parent_id="P2",
        alerts=WARNED),
    lost("L"),
)  # fmt: skip
QUERIES = (
    "",
    "segment=smb",
    "segment=smb&segment=mid",
    "segment=smb&owner=anna",
    "segment=smb%2C%20mid",
    "owner=o%27x",
    "region=apac&account_tier=silver",
    "parent_id=P1",
    "parent_id=P2&state=in_grace",
    "risk_tier=high&risk_tier=medium",
    "state=notice_given",
    "decision_after=2026-11-15",
    "decision_before=2026-12-01",
    "decision_after=2026-11-15&decision_before=2026-12-31",
    "segment=nothing",
    "warning=poor_fit",
    "warning=poor_fit&warning=escalation_open&segment=smb%2C%20mid",
    "warning=escalation_open",
    "warning=poor",
    "warning=poorxfit",
    "sort=-arr_at_risk",
    "sort=arr_at_risk",
    "sort=-loss_probability",
    "sort=loss_probability&segment=mid",
    "sort=arr",
    "sort=-arr",
    "sort=decision_date",
    "sort=-renewal_date",
    "sort=account_id",
    "sort=-account_id",
)
Found = dict[str, list[str]]


@pytest.fixture
def apps(store_url: str) -> Iterator[tuple[Service, Service]]:
    """Two services over one store: one holds its snapshot in memory, one reads it by request."""
    made = serve(store_url), serve(store_url, memory_mb=0)
    yield made
    for app in made:
        app.close()


@pytest.fixture
def app(apps: tuple[Service, Service]) -> Service:
    return apps[0]


def ids(app: FastAPI, query: str = "") -> list[str]:
    return [one["account_id"] for one in ask(app, f"/v1/accounts?{query}").json()["accounts"]]


def test_the_list_is_filtered_and_ordered_as_documented(app: Service, store: SnapshotStore) -> None:
    store.publish(snapshot(*SCORES))
    assert ids(app) == ["C", "A", "a", "Ä", "D", "B", "L"]
    expected: Found = {
        "segment=smb": ["A", "B"],
        "segment=smb&segment=mid": ["C", "A", "a", "B"],
        "segment=smb&owner=anna": ["A"],
        "segment=smb%2C%20mid": ["D"],
        "owner=o%27x": ["D"],
        "parent_id=P2": ["a", "D"],
        "risk_tier=medium": ["Ä"],
        "state=notice_given&state=in_grace": ["a", "L"],
        "decision_after=2026-11-15": ["A", "Ä"],
        "decision_before=2026-12-01": ["C", "a", "D"],
        "warning=poor_fit": ["D"],
        "warning=escalation_open&warning=module_use_halved": ["D"],
        "warning=escalation_open": [],  # closed
        "warning=poor_fi": [],
        "sort=-loss_probability": ["A", "B", "C", "a", "Ä", "D", "L"],
        "sort=arr": ["D", "A", "C", "a", "Ä", "L", "B"],
        "sort=-arr": ["L", "C", "a", "Ä", "A", "D", "B"],
        "sort=decision_date": ["C", "D", "a", "A", "Ä", "B", "L"],
        "sort=account_id": ["A", "B", "C", "D", "L", "a", "Ä"],
        "sort=-account_id": ["Ä", "a", "L", "D", "C", "B", "A"],
    }
    assert {query: ids(app, query) for query in expected} == expected


@pytest.mark.parametrize("query", QUERIES)
def test_memory_and_store_answer_the_same(
    apps: tuple[Service, Service], store: SnapshotStore, query: str
) -> None:
    older = store.publish(snapshot(due("A", 0.5), due("G", 0.5), lost("L")))
    store.publish(snapshot(*SCORES))
    for more in ("", "&limit=2", "&group_by=parent", f"&changed_since={older}"):
        if "sort" in query and "group_by" in more:
            continue
        held, stored = (walk(app, f"/v1/accounts?{query}{more}") for app in apps)
        assert held == stored
    for path in ("/v1/accounts/A/risk", "/v1/external-ids/001C/risk", "/v1/portfolio"):
        held_answer, stored_answer = (ask(app, path) for app in apps)
        assert held_answer.content == stored_answer.content
        assert held_answer.status_code == 200


def walk(app: FastAPI, path: str) -> list[dict[str, Any]]:
    """Every page of a list."""
    pages = [ask(app, path).json()]
    while pages[-1]["next_cursor"]:
        pages.append(ask(app, f"{path}&cursor={pages[-1]['next_cursor']}").json())
    for page in pages:
        page.pop("next_cursor")
    return pages


def test_accounts_are_summed_by_parent_and_by_what_their_risk_speaks_of(
    app: Service, store: SnapshotStore
) -> None:
    store.publish(snapshot(*SCORES))
    told = ask(app, "/v1/accounts?group_by=parent").json()
    assert told["company"] == "demo"
    assert told["currency"] == "EUR"
    assert told["families"] == [
        {"parent_id": "P1", "account_id": None, "members": 3, "high_tier": 2, "arr": 700.0,
         "arr_at_risk": {"renewal": pytest.approx(390.0)}},
        {"parent_id": "P2", "account_id": None, "members": 2, "high_tier": 0, "arr": 350.0,
         "arr_at_risk": {"churn": 5.0, "renewal": 90.0}},
        {"parent_id": "B", "account_id": "B", "members": 1, "high_tier": 1, "arr": None,
         "arr_at_risk": {}},
        {"parent_id": "L", "account_id": "L", "members": 1, "high_tier": 0, "arr": 500.0,
         "arr_at_risk": {}},
    ]  # fmt: skip
    assert len(walk(app, "/v1/accounts?group_by=parent&limit=1")) == 4


def test_an_account_without_a_parent_heads_the_family_of_those_that_name_it(
    app: Service, store: SnapshotStore
) -> None:
    scores = (
        due("holding", 0.9, 100.0, parent_id=None, segment="smb"),
        due("child", 0.5, 100.0, parent_id="holding", segment="mid"),
        due("grandchild", 0.4, 100.0, parent_id="child", segment="mid"),
        due("alone", 0.3, 100.0, parent_id=None, segment="mid"),
        due("own", 0.2, 100.0, parent_id="own", segment="mid"),
    )
    store.publish(snapshot(*scores))

    def families(query: str) -> dict[str, tuple[str | None, int]]:
        found = ask(app, f"/v1/accounts?group_by=parent{query}").json()["families"]
        return {one["parent_id"]: (one["account_id"], one["members"]) for one in found}

    others = {"child": (None, 1), "alone": ("alone", 1), "own": ("own", 1)}
    assert families("") == {"holding": ("holding", 2), **others}
    # Whoever does not see the parent is not told whether it is an account.
    assert families("&segment=mid") == {"holding": (None, 1), **others}


def test_accounts_that_are_still_to_be_decided_are_listed_by_themselves(
    app: Service, store: SnapshotStore
) -> None:
    states = {"late": "in_grace", "next": "to_decide", "ever": "no_term"}
    scores = [due(name, 0.5, state=state) for name, state in states.items()]
    store.publish(snapshot(*scores, lost("L")))
    whole = [one["account_id"] for one in ask(app, "/v1/accounts").json()["accounts"]]
    assert set(whole) == {"late", "next", "ever", "L"}
    told = ask(app, "/v1/accounts?state=to_decide&state=no_term").json()["accounts"]
    assert sorted(one["account_id"] for one in told) == ["ever", "next"]
    late = ask(app, "/v1/accounts?state=in_grace").json()["accounts"]
    assert [one["account_id"] for one in late] == ["late"]


def test_changes_since_a_snapshot_are_what_a_crm_has_to_take_over(
    app: Service, store: SnapshotStore
) -> None:
    def account(name: str, loss: float = 0.5, **changes: Any) -> AccountScore:
        return due(name, loss, risk_tier="high", **changes)

    older = store.publish(
        snapshot(
            *map(
                account,
                ("same", "point", "little", "tier", "state", "driver", "ids", "gone", "health"),
            ),
            lost("lost"),
        )
    )
    store.publish(
        snapshot(
            account("same"),
            account("point", 0.51),
            account("little", 0.509),
            due("tier", 0.5, risk_tier="medium"),
            account("state", state="in_grace"),
            account("driver", drivers=DRIVERS[1:]),
            account("ids", external_id="001new"),
            account("new"),
            account("health", health=HEALTH),
            due("lost", 0.5, risk_tier="high"),
        )
    )
    told = ask(app, f"/v1/accounts?changed_since={older}&sort=account_id").json()
    assert [one["account_id"] for one in told["accounts"]] == [
        "driver", "health", "ids", "lost", "new", "point", "state", "tier",
    ]  # fmt: skip
    assert told["gone"] == [{"account_id": "gone", "external_id": "001gone"}]
    assert told["gone_external_ids"] == ["001gone", "001ids"]
    finer = ask(app, f"/v1/accounts?changed_since={older}&min_change=0.005").json()
    assert {one["account_id"] for one in finer["accounts"]} >= {"point", "little"}
    pages = walk(app, f"/v1/accounts?changed_since={older}&limit=3")
    assert [len(page["accounts"]) for page in pages] == [3, 3, 2]
    assert [page["gone"] is None for page in pages] == [False, True, True]


def test_an_account_that_leaves_what_was_asked_for_is_gone_from_it(
    app: Service, store: SnapshotStore
) -> None:
    older = store.publish(snapshot(due("A", 0.9), due("B", 0.9)))
    store.publish(snapshot(due("A", 0.1), due("B", 0.9)))
    told = ask(app, f"/v1/accounts?changed_since={older}&risk_tier=high").json()
    assert told["accounts"] == []
    assert told["gone"] == [{"account_id": "A", "external_id": "001A"}]


def test_changes_since_the_served_snapshot_are_none(app: Service, store: SnapshotStore) -> None:
    snapshot_id = store.publish(snapshot(*SCORES))
    told = ask(app, f"/v1/accounts?changed_since={snapshot_id}").json()
    assert (told["accounts"], told["gone"], told["gone_external_ids"]) == ([], [], [])


def test_changes_since_a_snapshot_that_is_not_there_are_a_410(
    app: Service, store: SnapshotStore
) -> None:
    older = store.publish(snapshot(due("A", 0.9)))
    store.publish(snapshot(due("A", 0.1)))
    store.prune(1)
    document = problem(ask(app, f"/v1/accounts?changed_since={older}"), 410, "snapshot-gone")
    assert "Read the whole list" in document["detail"]


def test_the_snapshot_before_is_told_with_what_moved_the_probability(
    app: Service, store: SnapshotStore
) -> None:
    older = store.publish(
        snapshot(
            due("A", 0.25, contributions={"usage": 0.1, "fit": 0.5, "contracts": 0.3}),
            due("B", 0.5, basis="churn"),
            as_of=date(2026, 10, 1),
        )
    )
    store.publish(snapshot(due("A", 0.75), due("B", 0.5), due("C", 0.5)))
    told = ask(app, "/v1/accounts/A/risk").json()
    assert told["previous"] == {
        "snapshot_id": older,
        "as_of": "2026-10-01",
        "loss_probability": 0.25,
        "risk_tier": "low",
    }
    assert (told["change_kind"], told["model_change"]) == ("same_model", 0.0)
    assert [(one["group"], one["change"]) for one in told["changed_by"]] == [
        ("usage", pytest.approx(0.7)),
        ("fit", pytest.approx(-0.6)),
    ]
    assert sum(one["points"] for one in told["changed_by"]) == pytest.approx(0.5, abs=1e-9)
    other_basis = ask(app, "/v1/accounts/B/risk").json()
    assert other_basis["previous"]["loss_probability"] == 0.5
    assert (other_basis["change_kind"], other_basis["changed_by"]) == ("other_basis", None)
    new = ask(app, "/v1/accounts/C/risk").json()
    assert (new["previous"], new["change_kind"], new["changed_by"]) == (None, "new", None)


def test_across_versions_of_a_model_its_own_change_stands_apart_where_it_was_asked(
    app: Service, store: SnapshotStore
) -> None:
    before = snapshot(due("A", 0.25), due("B", 0.25), models={"renewal": {"version": "2"}})
    older = store.publish(before)
    asked = {"usage": 0.2, "contracts": 0.3, "fit": -0.1}
    rescored = due("A", 0.75, rescored_probability=0.5, rescored_contributions=asked)
    newer = store.publish(snapshot(rescored, due("B", 0.75), rescored_id=older))
    told = ask(app, "/v1/accounts/A/risk").json()
    assert (told["change_kind"], told["model_change"]) == ("rescored", 0.25)
    assert told["changed_by"] == [
        {"group": "usage", "change": pytest.approx(0.6), "points": pytest.approx(0.25, abs=1e-9)}
    ]
    told = ask(app, "/v1/accounts/B/risk").json()
    assert told["previous"]["loss_probability"] == 0.25
    assert told["change_kind"] == "other_model"
    assert (told["model_change"], told["changed_by"]) == (None, None)
    store.publish(replace(before, as_of=date(2026, 11, 3)))
    store.publish(snapshot(rescored, rescored_id=older, as_of=date(2026, 11, 4)))
    assert newer > older  # what was asked about is not the snapshot before any more
    assert ask(app, "/v1/accounts/A/risk").json()["change_kind"] == "other_model"


@pytest.mark.parametrize("memory_mb", [64, 0])
def test_a_salesforce_id_is_found_in_both_forms_letter_by_letter(
    store_url: str, store: SnapshotStore, memory_mb: int
) -> None:
    app = serve(store_url, memory_mb=memory_mb)
    store.publish(
        snapshot(
            due("long", 0.5, external_id="0015g00000XyZabAAF"),
            due("short", 0.5, external_id="0015g00000xyzab"),
            due("twice", 0.5, external_id="X1"),
            due("again", 0.5, external_id="X1"),
        )
    )
    for external_id, account_id in (
        ("0015g00000XyZab", "long"),
        ("0015g00000XyZabAAF", "long"),
        ("0015g00000xyzab", "short"),
        ("0015g00000xyzabAAA", "short"),
    ):
        told = ask(app, f"/v1/external-ids/{external_id}/risk").json()
        assert told["account_id"] == account_id
    for unknown in ("0015g00000XYZAB", "0015g00000XyZabAAA", "0015G00000XyZab", "X1", "x1"):
        problem(ask(app, f"/v1/external-ids/{unknown}/risk"), 404, "unknown-account")
    app.close()


def test_a_batch_answers_each_id_in_order(app: Service, store: SnapshotStore) -> None:
    snapshot_id = store.publish(snapshot(*SCORES))
    path = "/v1/accounts/batch"
    told = ask(app, path, method="POST", json={"account_ids": ["L", "nope", "A", "A"]}).json()
    assert told["snapshot_id"] == snapshot_id
    assert [one["id"] for one in told["results"]] == ["L", "nope", "A", "A"]
    assert told["results"][1] == {"id": "nope", "error": "unknown-account"}
    risk = ask(app, "/v1/accounts/A/risk").json()
    assert told["results"][2]["account"].items() <= risk.items()
    fields = "?fields=top_drivers,risk_tier"
    told = ask(app, path + fields, method="POST", json={"external_ids": ["001C"]}).json()
    assert told["results"] == [
        {
            "id": "001C",
            "account": {
                "account_id": "C",
                "risk_tier": "high",
                "top_drivers": [
                    {"feature": one.feature, "text": one.text, "points": one.points}
                    for one in DRIVERS
                ],
            },
        }
    ]


def test_a_batch_of_thousands_needs_fields(app: Service, store: SnapshotStore) -> None:
    store.publish(snapshot(*SCORES))
    many = {"account_ids": [f"N{number}" for number in range(10_000)]}
    path = "/v1/accounts/batch"
    document = problem(ask(app, path, method="POST", json=many), 422, "invalid-request")
    assert document["errors"][0]["pointer"] == "#/account_ids"
    told = ask(app, f"{path}?fields=risk_tier", method="POST", json=many)
    assert len(told.json()["results"]) == 10_000


def test_the_models_of_the_snapshot_are_told_or_null(app: Service, store: SnapshotStore) -> None:
    snapshot_id = store.publish(snapshot(*SCORES))
    told = ask(app, "/v1/models/renewal").json()
    assert told["snapshot_id"] == snapshot_id
    assert (told["model"]["version"], told["card"]) == ("3", None)
    assert ask(app, "/v1/models/churn").json()["model"] is None
    problem(ask(app, "/v1/models/none"), 404, "unknown-model")


def test_the_card_of_a_model_is_shown_and_its_counts_to_who_sees_every_account(
    tmp_path: Path,
) -> None:
    card = Card(
        company="demo",
        model="renewal",
        version="3",
        created_at=datetime(2026, 10, 1, tzinfo=UTC),
        features=(FeatureColumn(name="logins_trend", kind="number"),),
        calibration=CardCalibration(slope=1.0, intercept=0.0),
        thresholds=CardThresholds(high=0.5, medium=0.2),
        first_as_of=date(2025, 1, 1),
        last_as_of=date(2026, 6, 1),
        data_end=date(2026, 10, 1),
        rows=5000,
        positives=500,
        horizon_days=180,
        lead_days=0,
        label="The contract is lost",
        metrics={"auc": 0.8},
        params={},
        versions={"lightgbm": "4.7"},
        git_commit="c0ffee",
        data_hash="secret",
        config_hash="secret",
    )
    folder = bundle_folder(tmp_path, "demo", "renewal", "3")
    folder.mkdir(parents=True)
    (folder / CARD_FILE).write_text(card.to_text(), encoding="utf-8")
    store_url, service_url = (f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "service"))
    with SnapshotStore(store_url) as store:
        store.publish(snapshot(*SCORES))
    app = serve(store_url, home=tmp_path, service_store_url=service_url)
    told = []
    with ServiceStore(service_url) as service:
        for of in (RowFilter({}), RowFilter({"segment": ["smb"]})):
            new = KeyStore(service).create("k", ["scores:read"], of, now=datetime.now(UTC))
            assert app.guards.keys is not None
            app.guards.keys.refresh()
            headers = {"Authorization": f"Bearer {new.token}"}
            told.append(ask(app, "/v1/models/renewal", headers=headers).json()["card"])
    app.close()
    assert told[0]["label"] == "The contract is lost"
    assert told[0]["features"] == ["logins_trend"]
    assert [(one["rows"], one["positives"], one["metrics"]) for one in told] == [
        (5000, 500, {"auc": 0.8}),
        (None, None, None),
    ]
    assert "secret" not in str(told)


def test_snapshots_of_another_company_in_the_store_are_not_looked_at(
    app: Service, store: SnapshotStore
) -> None:
    other = store.publish(snapshot(due("A", 0.9), company="other"))
    mine = store.publish(snapshot(due("A", 0.1)))
    listed = ask(app, "/v1/snapshots").json()["snapshots"]
    assert [(one["snapshot_id"], one["is_current"]) for one in listed] == [(mine, True)]
    assert ask(app, "/v1/accounts/A/risk").json()["previous"] is None
    assert len(ask(app, "/v1/accounts/A/history").json()["history"]) == 1
    problem(ask(app, f"/v1/accounts?changed_since={other}"), 410, "snapshot-gone")
