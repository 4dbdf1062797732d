"""The page of the models: what it says of each, to whom, and in which states."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from models.card import CARD_FILE, Card, CardCalibration, CardThresholds, FeatureColumn
from models.champion import bundle_folder
from models.row_filter import EVERYTHING, RowFilter
from models.store import SnapshotStore
from serving.application import Service
from serving.caller import Caller
from serving.page_caller import get_page_caller
from tests.integration.client import ask, problem, serve
from tests.integration.company import due, lost, snapshot
from tests.integration.markup import Page, check_manners, check_policy


def ranged(name: str, value: float, low: float, high: float) -> dict[str, Any]:
    return {name: value, f"{name}_interval": [low, high]}


def skill(
    rows: int, low: float = 0.7, *, money: tuple[float, float, float] = (1.2, 0.9, 1.5)
) -> Any:
    return {
        "rows": rows, "positives": 40, **ranged("auc", 0.8, low, 0.86),
        "calibration": {**ranged("slope", 1.0, 0.9, 1.1), **ranged("arr_ratio", *money)},
    }  # fmt: skip


def tenth(expected: float, came: tuple[float, float, float], *, agrees: bool) -> dict[str, Any]:
    return {
        "rows": 230, "mean_probability": expected, **ranged("observed", *came), "agrees": agrees,
    }  # fmt: skip


METRICS: dict[str, Any] = {
    **skill(2447, 0.767, money=(1.53, 1.09, 1.97)),
    **ranged("auc", 0.811, 0.767, 0.850),
    "top": {
        "capacity": {
            "rows": 40.0, **ranged("precision", 0.3, 0.2, 0.37), **ranged("lift", 5.65, 4.1, 6.7),
            **ranged("arr_caught_share", 0.43, 0.27, 0.59),
        }
    },
    "as_served": {"rows": 40.0, "overdue": 0.43, "precision_open": 0.36, "lift_open": 6.8},
    "baselines": {
        "base_rate": {**ranged("auc", 0.5, 0.5, 0.5), **ranged("difference", 0.3, 0.26, 0.35)},
        "tenure": {**ranged("auc", 0.63, 0.56, 0.69), **ranged("difference", 0.19, 0.12, 0.24)},
        "health_score": {**ranged("auc", 0.8, 0.7, 0.9), **ranged("difference", 0.0, -0.1, 0.1)},
    },
    "slices": {
        "segment": {"smb": skill(1630, 0.48), "mid": skill(698)},
        "tenure_band": {
            "0-89 days": skill(275, money=(0.4, 0.2, 0.8)),
            "older": {"rows": 9, "note": "too small"},
        },
    },
    "test": {
        "first_as_of": "2026-03-01", "last_as_of": "2026-06-01", "rows": 2447, "positives": 130,
    },
    "verdict": "better than chance and than the baselines",
    "promoted": True,
    "reasons": ["AUC 0.811 is above 0.5"],
    "notices": ["<script>alert(1)</script> is left out"],
    "abstention": {
        "answered": {"share": 0.94},
        "tenths": [
            tenth(0.011, (0.009, 0.0, 0.024), agrees=True),
            tenth(0.163, (0.383, 0.328, 0.474), agrees=False),
        ],
    },
}  # fmt: skip
MODELS = {
    "churn": None,
    "renewal": {
        "version": "3", "max_lead_days": 180, "label": "The contract ends without a successor.",
        "created_at": "2026-10-01T03:00:00+00:00",
    },
}  # fmt: skip
SCORES = (
    due("A", 0.9, 2_000.0), due("B", 0.6, 12_000.0, segment="mid"),
    due("C", 0.2, 5_000.0, basis="churn", drivers=()), lost("L"),
)  # fmt: skip
Start = Callable[..., Service]


def write_card(home: Path, *, promoted: str | None = "3", **changes: Any) -> None:
    """A bundle's card in a home, and the pointer to what is promoted."""
    fields: dict[str, Any] = {
        "company": "demo", "model": "renewal", "version": "3",
        "created_at": datetime(2026, 10, 1, tzinfo=UTC),
        "features": (FeatureColumn(name="logins_trend", kind="number", group="activity"),),
        "calibration": CardCalibration(slope=1.0, intercept=0.0),
        "thresholds": CardThresholds(high=0.5, medium=0.2),
        "first_as_of": date(2024, 11, 1), "last_as_of": date(2026, 10, 1),
        "data_end": date(2026, 11, 1), "rows": 12_992, "positives": 1_160, "horizon_days": 180,
        "lead_days": 0, "label": "Lost", "metrics": METRICS, "params": {}, "versions": {},
        "git_commit": None, "data_hash": "d", "config_hash": "c",
    }  # fmt: skip
    folder = bundle_folder(home, "demo", "renewal", "3")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CARD_FILE).write_text(Card(**{**fields, **changes}).to_text(), encoding="utf-8")
    if promoted is not None:
        (folder.parent / "champion").write_text(f"{promoted}\n", encoding="utf-8")


@pytest.fixture
def start(store_url: str, tmp_path: Path) -> Iterator[Start]:
    made: list[Service] = []

    def make(**changes: Any) -> Service:
        made.append(serve(store_url, **{"home": tmp_path, **changes}))
        return made[-1]

    yield make
    for app in made:
        app.close()


def see(app: Service, path: str = "/model", of: RowFilter = EVERYTHING) -> Page:
    caller = Caller("kid", frozenset({"scores:read"}), of)
    app.dependency_overrides[get_page_caller] = lambda: caller
    response = ask(app, path)
    assert response.status_code == 200, response.text
    page = Page(response.text)
    check_policy(page)
    check_manners(page)
    return page


def test_a_model_is_told_in_plain_words(start: Start, store: SnapshotStore, tmp_path: Path) -> None:
    write_card(tmp_path)
    store.publish(snapshot(*SCORES, models=MODELS))
    page = see(start())
    for told in (
        "High is a chance of loss from 50%, medium from 20%.",
        "It speaks from 180 days before the last day to decide",
        "It speaks of 2 accounts today, with €14K ARR.",
        "it puts the right one first 81 times of 100 (77~85). A coin does 50.",
        "Of the 40 accounts with the highest chance on a day, 30% were lost (20%~37%).",
        "That is 5.6 times as many",
        "They held 43% of all ARR that was lost (27%~59%).",
        "43% of the first 40 have passed their decision. Of the others 36% were lost.",
        "Its expected loss runs low: 1.53 times as much ARR was lost as it expected (1.09~1.97).",
        "In 1 of 2 tenths what was lost agrees with what was expected.",
        "how long it has been a customer, alone 63 (56~69) the model is better",
        "the health score, the lowest first 80 (70~90) no difference beyond chance",
        "Of 3 kinds of accounts looked at",
        "Segment: smb not shown to rank better than chance 80 of 100 (48~86) 1,630 1 €2K",
        "Customer for: 0-89 days less money was lost than expected 0.4 times (0.2~0.8) 275 ~ ~",
        "1 figure of each account: Activity (1).",
        "12,992 cases, 1,160 of them losses",
        "2,447 cases, 130 of them losses",
        "6% of the judged cases: too young a customer",
        "better than chance and than the baselines",
        "<script>alert(1)</script> is left out",
        "The churn model None is in use",
        "What no model here can know",
    ):
        assert told.replace("~", "\u2013") in page.words, told
    assert "base rate" not in page.words.lower()
    chinese = see(start(), "/model?lang=zh")
    assert "100 次中有 81 次" in chinese.words
    problem(ask(start(), "/model/"), 404, "not-found")


def test_how_it_was_judged_is_kept_from_who_sees_a_part_as_by_the_api(
    start: Start, store: SnapshotStore, tmp_path: Path
) -> None:
    write_card(tmp_path)
    store.publish(snapshot(*SCORES, models=MODELS))
    page = see(start(), of=RowFilter({"segment": ["mid"]}))
    assert "not shown to keys that see a part" in page.words
    assert "It speaks of 1 account today, with €12K ARR." in page.words
    assert "Trained on Oct 1, 2026" in page.words
    for hidden in ("81", "12,992", "Verdict", "How good it is", "smb"):
        assert hidden not in page.words, hidden


def test_each_state_of_a_model_is_told(start: Start, store: SnapshotStore, tmp_path: Path) -> None:
    app = start()
    problem(ask(app, "/model"), 503, "no-snapshot")
    store.publish(snapshot(*SCORES, models={}))
    assert "No model speaks in these scores" in see(app).words
    store.publish(snapshot(*SCORES, models=MODELS))
    assert "Its card is not kept on this machine" in see(app).words
    assert "was withdrawn" not in see(app).words
    assert "Trained on Oct 1, 2026" in see(app).words
    write_card(tmp_path, promoted="4")
    assert "Version 4 is in use since" in see(start()).words
    (tmp_path / "bundles" / "demo" / "renewal" / "champion").unlink()
    assert "This model was withdrawn since" in see(start()).words
    assert "Its card is not kept on this machine" in see(start(home=None)).words
    past = {**MODELS["renewal"], "version": "backfill-2026-07-01", "backfilled": True}  # type: ignore[dict-item]  # not None
    store.publish(snapshot(*SCORES, models={"renewal": past}, backfilled=True))
    page = see(start())
    assert "made for a past date" in page.words
    assert "They are not judged" in page.words
    assert "backfill-2026" not in page.words


def test_a_card_that_tells_little_is_shown_as_far_as_it_goes(
    start: Start, store: SnapshotStore, tmp_path: Path
) -> None:
    write_card(tmp_path, metrics={"auc": 0.8}, first_as_of=None, last_as_of=None, data_end=None)
    flat = {"churn": None, "renewal": {"version": "3", "max_lead_days": None}}
    store.publish(snapshot(*SCORES, models=flat, as_of=None, data_end=None))
    page = see(start())
    assert "Too few accounts were lost to tell how well it ranks." in page.words
    assert "without dates" in page.words
    assert "No kind of accounts was looked at" in page.words


def test_accounts_of_a_weak_slice_are_marked_beside_the_figure_that_was_off(
    start: Start, store: SnapshotStore, tmp_path: Path
) -> None:
    metrics = json.loads(json.dumps(METRICS))
    metrics["slices"]["segment"]["mid"] = skill(698, money=(2.0, 1.2, 3.0))
    write_card(tmp_path, metrics=metrics)
    store.publish(snapshot(*SCORES, models=MODELS))
    for app in (start(), start(memory_mb=0)):
        response = ask(app, "/")
        marked = {
            name: line.count('class="doubt"')
            for line in response.text.split('<tr role="row" class=')[1:]
            for name in "ABCL"
            if f"Company {name}" in line
        }
        assert marked == {"A": 1, "B": 1, "C": 0}
        page = Page(response.text)
        check_manners(page)
        assert "90% r △Segment: smb: not shown to rank better than chance" in page.words
        assert "€7.2K △Segment: mid: more money was lost than expected" in page.words
        assert "the figure was off in the past" in page.words
