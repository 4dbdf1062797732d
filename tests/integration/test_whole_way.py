"""The whole way, from tables to the API, as Prefect flows on a real server and without one."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from features.errors import InputError, TransientError
from features.settings import ChurnSettings
from models.card import read_card
from models.champion import champion
from models.page_reader import PageReader
from models.snapshot_reader import SnapshotReader
from models.store import SnapshotStore
from pipelines.demo.company import generate_company
from serving.application import create_app
from serving.settings import Settings
from tests.integration.client import ask
from tests.integration.company import due, snapshot
from tests.integration.prefect_server import running_prefect

DEMO = Path(__file__).parents[2] / "configs" / "demo.yaml"
METRICS = {
    "rows",
    "positives",
    "base_rate",
    "auc",
    "auc_interval",
    "average_precision",
    "average_precision_interval",
    "calibration",
    "baselines",
    "slices",
    "verdict",
    "promoted",
    "reasons",
}


@dataclass(frozen=True)
class Finished:
    """A finished ``keepwell run``: its JSON, its home, and the server's API."""

    printed: dict[str, Any]
    home: Path
    api: str

    @property
    def store_url(self) -> str:
        return f"sqlite:///{self.home / 'store.db'}"


def run_python(*arguments: str, home: Path, **environment: str) -> str:
    """Standard output of a Python process with a home of its own."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**inherited, "KEEPWELL_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """A run on a company that is large enough for both models to be promoted."""
    folder = tmp_path_factory.mktemp("whole")
    company, home = folder / "demo", folder / "home"
    generate_company(company, accounts=1200, events=240_000)
    with running_prefect(folder / "prefect") as api:
        options = ("--config", str(DEMO), "--data", str(company), "--json")
        printed = run_python("-m", "pipelines", "run", *options, home=home, PREFECT_API_URL=api)
        yield Finished(json.loads(printed), home, api)


def test_run_prints_the_json_that_other_programs_read(finished: Finished) -> None:
    assert set(finished.printed["models"]) == {"churn", "renewal"}
    for model in finished.printed["models"].values():
        assert set(model) >= METRICS
        assert model["promoted"] is True
        known = {"base_rate", "tenure", "days_to_renewal", "logistic_regression", "health_score"}
        assert known <= set(model["baselines"])
        assert {"slope", "slope_interval", "intercept"} <= set(model["calibration"])
    assert finished.printed["accounts_scored"] > 0


def test_readme_api_card_and_pages_name_the_horizon_of_the_label(finished: Finished) -> None:
    labels = yaml.safe_load(DEMO.read_text(encoding="utf-8"))["labels"]
    horizon, lead = labels["churn"]["horizon_days"], labels["renewal"]["max_lead_days"]
    for model, days in (("churn", horizon), ("renewal", lead)):
        folder = champion(finished.home, "demo", model)
        assert folder is not None
        card = read_card(folder)
        assert card.horizon_days == days
        assert f" {days} days " in card.label
        reports = finished.home / "reports" / "demo" / model / card.version
        page = (reports / "model_card.md").read_text(encoding="utf-8")
        assert f"Horizon: {days} days" in page
    app = create_app(Settings(store_url=finished.store_url))
    account = ask(app, "/v1/accounts?limit=1").json()["accounts"][0]["account_id"]
    models = ask(app, f"/v1/accounts/{account}/risk").json()["models"]
    app.close()
    assert models["churn"]["horizon_days"] == horizon
    assert models["renewal"]["max_lead_days"] == lead
    readme = (DEMO.parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"horizon ({ChurnSettings().horizon_days} days\n  unless" in readme


def test_the_api_gives_the_probability_of_the_ranking(finished: Finished) -> None:
    snapshot_id = finished.printed["snapshot_id"]
    with SnapshotStore(finished.store_url) as store:
        ranked = store.ranking(snapshot_id, limit=20)
    app = create_app(Settings(store_url=finished.store_url))
    listed = ask(app, "/v1/accounts?limit=20").json()
    for score, item in zip(ranked, listed["accounts"], strict=True):
        answer = ask(app, f"/v1/accounts/{score.account_id}/risk").json()
        assert item["account_id"] == answer["account_id"] == score.account_id
        assert answer["loss_probability"] == score.loss_probability
        assert answer["snapshot_id"] == snapshot_id
    app.close()


def test_every_published_probability_is_explained_to_the_last_digit(finished: Finished) -> None:
    with SnapshotStore(finished.store_url) as store:
        scores = store.ranking(finished.printed["snapshot_id"], limit=5000)
    explained = [score for score in scores if score.loss_probability is not None]
    assert len(explained) == finished.printed["accounts_scored"]
    for score in explained:
        assert score.loss_probability is not None
        assert score.base_log_odds is not None
        total = score.base_log_odds + math.fsum(score.contributions.values())
        log_odds = math.log(score.loss_probability / (1 - score.loss_probability))
        assert total == pytest.approx(log_odds, abs=1e-6)
        assert 1 <= len(score.drivers) <= 5
        assert all("{" not in driver.text for driver in score.drivers)


def test_only_states_at_risk_carry_arr_at_risk(finished: Finished) -> None:
    with SnapshotStore(finished.store_url) as store:
        scores = store.ranking(finished.printed["snapshot_id"], limit=5000)
    by_state = {score.state for score in scores}
    assert {"to_decide", "renewed", "notice_given", "no_term"} <= by_state
    for score in scores:
        if score.state in ("renewed", "notice_given", "auto_renewed", "too_little_history"):
            assert score.loss_probability is None
            assert score.arr_at_risk is None
        elif score.arr_at_risk is not None:
            assert score.arr_to_decide is not None
            assert score.loss_probability is not None
            assert score.arr_at_risk == pytest.approx(score.arr_to_decide * score.loss_probability)


def test_a_probability_has_an_interval_or_a_rule_says_why_it_is_not_given(
    finished: Finished,
) -> None:
    with SnapshotStore(finished.store_url) as store:
        scores = store.ranking(finished.printed["snapshot_id"], limit=5000)
    for score in scores:
        interval = score.loss_probability_interval
        if score.loss_probability is None:
            assert interval is None
        else:
            assert interval is not None
            assert 0 <= interval[0] <= score.loss_probability <= interval[1] <= 1
            assert interval[1] - interval[0] <= 0.5
        assert (score.state == "too_little_history") <= (score.abstained == "too_little_history")
    counted = finished.printed["abstained"]
    assert counted == {
        reason: sum(score.abstained == reason for score in scores) for reason in counted
    }
    assert counted["too_little_history"] > 0


def test_nearly_every_account_has_a_health_score_that_is_the_sum_of_its_factors(
    finished: Finished,
) -> None:
    with SnapshotStore(finished.store_url) as store:
        snapshot_id = finished.printed["snapshot_id"]
        scores = store.ranking(snapshot_id, limit=5000)
        about = PageReader(SnapshotReader(store)).document(snapshot_id, "health")
    healthy = [score for score in scores if score.health is not None]
    assert len(healthy) > 0.95 * len(scores)
    assert {"notice_given", "renewed"} <= {score.state for score in healthy}
    for score in healthy:
        assert score.health is not None
        summed = math.fsum(factor.score * factor.weight for factor in score.health.factors)
        assert summed == pytest.approx(score.health_score, abs=1e-9)
        assert math.fsum(factor.weight for factor in score.health.factors) == pytest.approx(1)
        assert score.health.coverage >= 0.3
    assert about["north_star"]["feature"] == "value_actions_28d"
    assert about["north_star"]["change"] == "value_change_28d"
    assert sum(score.north_star is not None for score in scores) > 0.95 * len(scores)
    assert any((score.north_star_change or 0.0) < 0 for score in scores)


def test_the_server_saw_both_flows_with_named_tasks_and_their_artifacts(finished: Finished) -> None:
    with httpx.Client(base_url=finished.api, timeout=30) as client:
        runs = client.post("/flow_runs/filter", json={}).json()
        tasks = client.post("/task_runs/filter", json={}).json()
        artifacts = client.post("/artifacts/filter", json={}).json()
    assert [run["state_type"] for run in runs] == ["COMPLETED", "COMPLETED"]
    names = {task["name"] for task in tasks}
    assert {"train and judge churn", "train and judge renewal"} <= names
    assert any(name.startswith("publish the snapshot") for name in names)
    assert {artifact["key"] for artifact in artifacts} == {"demo-report", "demo-ranking"}


def test_a_flow_runs_with_no_server_at_hand_and_can_be_forced(
    demo_company: Path, tmp_path: Path
) -> None:
    program = (
        "import sys; from pathlib import Path;"
        "from pipelines.home import Home, prepare_environment;"
        "prepare_environment(Home.from_environment());"
        "from pipelines import flow;"
        "run = flow.score(Path(sys.argv[1]), data=Path(sys.argv[2]), force=True);"
        "print(run.snapshot_id)"
    )
    home = tmp_path / "home"
    others = (due(f"other-{n}", 0.5) for n in range(30))
    with SnapshotStore(f"sqlite:///{home / 'store.db'}") as store:
        store.publish(snapshot(*others, as_of=date(2020, 1, 1)))
    printed = run_python("-c", program, str(DEMO), str(demo_company), home=home)
    with SnapshotStore(f"sqlite:///{home / 'store.db'}") as store:
        header = store.current()
    assert header is not None
    assert header.snapshot_id == printed.split()[-1]
    assert header.models == {"churn": None, "renewal": None}
    assert any(reason.startswith("publish.max_missing: ") for reason in header.forced)


@pytest.mark.parametrize(
    ("fault", "again"),
    [(TransientError("locked"), True), (InputError([]), False), (ValueError("ours"), False)],
)
def test_a_task_is_tried_again_only_after_a_fault_that_may_pass(
    fault: Exception, again: bool
) -> None:
    from prefect.states import Failed

    from pipelines.flow import is_transient

    assert is_transient(None, None, Failed(data=fault)) is again
