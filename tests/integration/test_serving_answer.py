"""What the API answers, read from a store on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI

from models.account_score import AccountScore
from models.store import SnapshotStore
from tests.integration.client import ask, problem, serve
from tests.integration.company import DRIVERS, HEALTH, due, lost, snapshot


@pytest.fixture
def app(store_url: str) -> Iterator[FastAPI]:
    made = serve(store_url)
    yield made
    made.close()


def walk(app: FastAPI, limit: int) -> Iterator[dict[str, Any]]:
    """Every page of the list, each asked for when it is needed."""
    page = ask(app, f"/v1/accounts?limit={limit}").json()
    yield page
    while page["next_cursor"]:
        page = ask(app, f"/v1/accounts?limit={limit}&cursor={page['next_cursor']}").json()
        yield page


def test_the_risk_of_an_account_is_every_documented_field(
    app: FastAPI, store: SnapshotStore
) -> None:
    ends = {"loss_probability_low": 0.5, "loss_probability_high": 0.875}
    snapshot_id = store.publish(snapshot(due("A1", 0.75, **ends), lost("A2")))
    response = ask(app, "/v1/accounts/A1/risk")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "account_id": "A1",
        "external_id": "001A1",
        "name": "Company A1",
        "segment": "smb",
        "account_tier": "gold",
        "region": "emea",
        "owner": "team-1",
        "parent_id": "P1",
        "currency": "EUR",
        "arr": 1000.0,
        "arr_under_notice": None,
        "arr_to_decide": 1000.0,
        "arr_at_risk": 750.0,
        "state": "to_decide",
        "basis": "renewal",
        "churn_probability": 0.375,
        "renewal_likelihood": 0.25,
        "loss_probability": 0.75,
        "loss_probability_interval": [0.5, 0.875],
        "abstained": None,
        "risk_tier": "high",
        "thresholds": {"high": 0.5, "medium": 0.2},
        "contract_id": "C-A1",
        "decision_date": "2026-11-15",
        "renewal_date": "2026-12-15",
        "drivers": [
            {
                "feature": driver.feature,
                "group": driver.group,
                "text": driver.text,
                "value": driver.value,
                "unit": driver.unit,
                "previous": driver.previous,
                "peer_low": driver.peer_low,
                "peer_high": driver.peer_high,
                "direction": driver.direction,
                "contribution": driver.contribution,
                "points": driver.points,
            }
            for driver in DRIVERS
        ],
        "base_probability": pytest.approx(0.154465, abs=1e-6),
        "groups": [
            {"group": "usage", "contribution": 0.8, "points": pytest.approx(0.4764, abs=1e-4)},
            {"group": "contracts", "contribution": 0.3, "points": pytest.approx(0.1787, abs=1e-4)},
            {"group": "fit", "contribution": -0.1, "points": pytest.approx(-0.0596, abs=1e-4)},
        ],
        "health_score": None,
        "health": None,
        "warnings": [],
        "alerts": [],
        "playbooks": [],
        "previous": None,
        "change_kind": None,
        "model_change": None,
        "changed_by": None,
        "company": "demo",
        "as_of": "2026-11-01",
        "data_end": "2026-11-02",
        "snapshot_id": snapshot_id,
        "stale": False,
        "models": {
            "churn": None,
            "renewal": {
                "version": "3",
                "horizon_days": None,
                "lead_days": 0,
                "max_lead_days": 180,
            },
        },
    }


def test_an_account_without_a_probability_says_by_which_rule(
    app: FastAPI, store: SnapshotStore
) -> None:
    vague = AccountScore(
        account_id="A1", state="to_decide", arr=900.0, abstained="interval_too_wide"
    )
    store.publish(snapshot(vague, due("A2", 0.1, arr=10.0)))
    told = ask(app, "/v1/accounts/A1/risk").json()
    assert told["abstained"] == "interval_too_wide"
    for name in ("loss_probability", "loss_probability_interval", "risk_tier", "arr_at_risk"):
        assert told[name] is None
    listed = ask(app, "/v1/accounts").json()["accounts"]
    assert [one["abstained"] for one in listed] == [None, "interval_too_wide"]


def test_health_is_told_with_its_factors_in_the_list_as_one_number_and_in_the_history(
    app: FastAPI, store: SnapshotStore
) -> None:
    store.publish(snapshot(due("A1", 0.5), due("A2", 0.1)))
    store.publish(snapshot(due("A1", 0.5, health=HEALTH), due("A2", 0.1)))
    told = ask(app, "/v1/accounts/A1/risk").json()
    assert told["health_score"] == 56.0
    factors = told["health"].pop("factors")
    assert told["health"] == {
        "outcome": 48.0,
        "experience": 80.0,
        "coverage": 0.6,
        "profile": "standard",
    }
    told_scores = [one.pop("factor_score") for one in factors]
    for factor, score, one in zip(HEALTH.factors, told_scores, factors, strict=True):
        assert one | {"score": score} == factor._asdict()
    listed = ask(app, "/v1/accounts").json()["accounts"]
    assert [one["health_score"] for one in listed] == [56.0, None]
    history = ask(app, "/v1/accounts/A1/history").json()["history"]
    assert [one["health_score"] for one in history] == [56.0, None]
    assert ask(app, "/v1/accounts/A2/risk").json()["health"] is None


def test_what_does_not_apply_is_null_and_never_zero(app: FastAPI, store: SnapshotStore) -> None:
    store.publish(snapshot(lost("A2"), thresholds=None, models={"churn": None}))
    risk = ask(app, "/v1/accounts/A2/risk").json()
    assert risk["arr"] == risk["arr_under_notice"] == 500.0
    absent = "arr_to_decide arr_at_risk basis churn_probability renewal_likelihood risk_tier"
    absent += " loss_probability thresholds contract_id decision_date renewal_date"
    assert [risk[name] for name in absent.split()] == [None] * 11
    assert risk["drivers"] == []


def test_an_unknown_account_is_a_404_problem(app: FastAPI, store: SnapshotStore) -> None:
    snapshot_id = store.publish(snapshot(due("A1", 0.5)))
    document = problem(ask(app, "/v1/accounts/a1/risk"), 404, "unknown-account")
    assert document["instance"] == "/v1/accounts/a1/risk"
    assert document["detail"] == f"No account a1 in snapshot {snapshot_id}."


@pytest.mark.parametrize("account_id", ["A/1", "a b", "Ä?#%&", "株", "..x", "'; --"])
def test_an_account_with_an_odd_id_is_found(
    app: FastAPI, store: SnapshotStore, account_id: str
) -> None:
    store.publish(snapshot(due(account_id, 0.5)))
    response = ask(app, f"/v1/accounts/{quote(account_id, safe='')}/risk")
    assert response.json()["account_id"] == account_id


@pytest.mark.parametrize("path", ["A%00B", "%00", "", "x" * 513, "x" * 60_000])
def test_an_id_that_no_account_can_have_is_a_422_problem(
    app: FastAPI, store: SnapshotStore, path: str
) -> None:
    store.publish(snapshot(due("A1", 0.5)))
    response = ask(app, f"/v1/accounts/{path}/risk")
    document = problem(response, 422, "invalid-request")
    assert [(fault["place"], fault["pointer"]) for fault in document["errors"]] == [
        ("path", "#/account_id")
    ]
    assert len(response.content) < 5_000


@pytest.mark.parametrize("path", ["%ff%fe", "%ed%a0%80", "%e2%80%ae", "a%09b"])
def test_bytes_that_are_no_text_are_an_unknown_account(
    app: FastAPI, store: SnapshotStore, path: str
) -> None:
    store.publish(snapshot(due("A1", 0.5)))
    problem(ask(app, f"/v1/accounts/{path}/risk"), 404, "unknown-account")


def test_the_list_is_ranked_by_arr_at_risk_and_its_pages_join(
    app: FastAPI, store: SnapshotStore
) -> None:
    scores = [due(f"A{n}", n / 10) for n in range(5)]
    snapshot_id = store.publish(snapshot(*scores, due("B", 0.9, None), lost("C")))
    pages = list(walk(app, limit=3))
    assert [len(page["accounts"]) for page in pages] == [3, 3, 1]
    assert [page["has_more"] for page in pages] == [True, True, False]
    listed = [account["account_id"] for page in pages for account in page["accounts"]]
    assert listed == ["A4", "A3", "A2", "A1", "A0", "B", "C"]
    assert {page["snapshot_id"] for page in pages} == {snapshot_id}
    assert "score" not in str(pages[0].keys())
    first = ask(app, "/v1/accounts/A4/risk").json()
    assert pages[0]["accounts"][0].items() <= first.items()
    explained = {"base_probability", "groups", "health", "alerts", "playbooks"}
    explained |= {"previous", "change_kind", "model_change", "changed_by"}
    assert set(first) == set(pages[0]["accounts"][0]) | explained | (
        set(pages[0]) - {"accounts", "gone", "gone_external_ids", "has_more", "next_cursor"}
    )


def test_a_page_that_ends_with_the_list_says_that_there_is_no_more(
    app: FastAPI, store: SnapshotStore
) -> None:
    store.publish(snapshot(due("A", 0.5), due("B", 0.4)))
    page = ask(app, "/v1/accounts?limit=2").json()
    assert (page["has_more"], page["next_cursor"]) == (False, None)
    store.publish(snapshot())
    page = ask(app, "/v1/accounts").json()
    assert (page["accounts"], page["has_more"]) == ([], False)


def test_a_list_that_was_begun_stays_on_its_snapshot(app: FastAPI, store: SnapshotStore) -> None:
    old = store.publish(snapshot(*(due(f"A{n}", n / 10) for n in range(4))))
    pages = walk(app, limit=2)
    first = next(pages)
    new = store.publish(snapshot(due("Z", 0.9)))
    (second,) = pages
    assert first["snapshot_id"] == second["snapshot_id"] == old
    assert [account["account_id"] for account in second["accounts"]] == ["A1", "A0"]
    assert ask(app, "/v1/accounts").json()["snapshot_id"] == new


def test_a_cursor_of_a_removed_snapshot_is_a_410_that_says_to_start_again(
    app: FastAPI, store: SnapshotStore
) -> None:
    store.publish(snapshot(due("A", 0.5), due("B", 0.4)))
    cursor = ask(app, "/v1/accounts?limit=1").json()["next_cursor"]
    store.publish(snapshot(due("A", 0.5)))
    store.prune(1)
    document = problem(ask(app, f"/v1/accounts?cursor={cursor}"), 410, "snapshot-gone")
    assert "Start again without a cursor" in document["detail"]


@pytest.mark.parametrize(
    "cursor", ["", "x", "%00", "AAAA", "株", "a" * 64, "a" * 5000, "MQ", "..%2F", "MQ=="]
)
def test_an_odd_cursor_is_a_422_problem(app: FastAPI, store: SnapshotStore, cursor: str) -> None:
    store.publish(snapshot(due("A", 0.5)))
    document = problem(ask(app, f"/v1/accounts?cursor={cursor}"), 422, "invalid-request")
    assert [fault["pointer"] for fault in document["errors"]] == ["#/cursor"]


def test_a_limit_outside_1_to_500_is_a_422_problem_that_does_not_repeat_it(
    app: FastAPI, store: SnapshotStore
) -> None:
    store.publish(snapshot(due("A", 0.5)))
    for limit in ("0", "-1", "501", "1e3", "NaN", "", "ten", "9" * 400, "%00"):
        response = ask(app, f"/v1/accounts?limit={limit}")
        document = problem(response, 422, "invalid-request")
        (fault,) = document["errors"]
        assert (fault["place"], fault["pointer"]) == ("query", "#/limit")
        assert "ten" not in response.text
    for allowed in (1, 500):
        assert ask(app, f"/v1/accounts?limit={allowed}").status_code == 200


def test_a_store_without_a_snapshot_is_alive_but_not_ready(
    app: FastAPI, store: SnapshotStore
) -> None:
    assert ask(app, "/livez").json() == {"status": "alive"}
    for path in ("/readyz", "/v1/accounts", "/v1/accounts/A1/risk"):
        response = ask(app, path)
        problem(response, 503, "no-snapshot")
        assert response.headers["retry-after"] == "5"
    snapshot_id = store.publish(snapshot(due("A1", 0.5)))
    assert ask(app, "/readyz").json() == {
        "status": "ready",
        "company": "demo",
        "snapshot_id": snapshot_id,
        "as_of": "2026-11-01",
        "in_memory": True,
    }


def test_the_history_of_an_account_that_is_gone_is_told_as_such(
    app: FastAPI, store: SnapshotStore
) -> None:
    held = [store.publish(snapshot(due("A", loss), due("B", 0.5))) for loss in (0.1, 0.9)]
    for _ in range(3):  # more than the limit below
        store.publish(snapshot(due("B", 0.5)))
    for path in ("accounts/A", "external-ids/001A"):
        told = ask(app, f"/v1/{path}/history?limit=2").json()
        assert (told["account_id"], told["external_id"], told["is_gone"]) == ("A", "001A", True)
        assert [one["snapshot_id"] for one in told["history"]] == held[::-1]
    assert ask(app, "/v1/accounts/B/history").json()["is_gone"] is False
    problem(ask(app, "/v1/accounts/A/risk"), 404, "unknown-account")
    problem(ask(app, "/v1/accounts/nobody/history"), 404, "unknown-account")


def test_an_account_that_came_back_is_not_gone(app: FastAPI, store: SnapshotStore) -> None:
    ids = [store.publish(snapshot(*scores)) for scores in ((due("A", 0.1),), (), (due("A", 0.2),))]
    told = ask(app, "/v1/accounts/A/history").json()
    assert told["is_gone"] is False
    assert [one["snapshot_id"] for one in told["history"]] == [ids[2], ids[0]]
