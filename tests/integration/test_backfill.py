"""Past snapshots say what a run of that day would have said, and what became of them is known."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from features.aside import open_aside
from features.dataset import build_datasets, build_rows
from models.account_score import STATES_AT_RISK, AccountScore
from models.page_reader import PageReader
from models.snapshot import SnapshotHeader
from models.snapshot_reader import SnapshotReader
from models.store import SnapshotStore
from models.track_reader import find_judged, read_track_record
from models.track_record import Acts
from models.training import fit_model
from pipelines import backfill
from pipelines.backfill import Backfill, backfill_company
from pipelines.config import Config, read_config
from pipelines.home import Home
from pipelines.population import Model, build_population, lead_prediction, predict
from pipelines.scoring import score_company
from pipelines.source import model_table, open_company
from tests.integration.conftest import DEMO

DATES = [date(2026, month, 1) for month in (3, 4, 5, 6, 7, 8, 9, 10)]
TRAINED = date(2026, 6, 1)  # 85 days or more after March


class Done(NamedTuple):
    """A home with past snapshots and a score run after them."""

    config: Config
    home: Home
    found: Backfill
    snapshot_id: str

    @property
    def store(self) -> SnapshotStore:
        return SnapshotStore(self.home.store_url)


@pytest.fixture(scope="module")
def done(demo_company: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Eight months, as if both models were in use; today none is, so that no training is needed."""
    home = Home(tmp_path_factory.mktemp("past"))
    config = read_config(DEMO, data=demo_company)
    with pytest.MonkeyPatch.context() as patch:
        used = SimpleNamespace(card=SimpleNamespace(data_end=None))
        patch.setattr(backfill, "read_champions", lambda *_: {"churn": used, "renewal": used})
        source = open_company(config, home)
        found = backfill_company(config, source, home, count=len(DATES))
    published = score_company(config, source, home)
    return Done(config, home, found, published.snapshot_id)


def headers(done: Done) -> dict[date | None, SnapshotHeader]:
    with done.store as store:
        return {one.as_of: one for one in SnapshotReader(store).headers("demo", limit=None)}


def scores_of(done: Done, day: date) -> dict[str, AccountScore]:
    with done.store as store:
        found = list(SnapshotReader(store).scores(headers(done)[day].snapshot_id))
    return {score.account_id: score for score in found}


def test_every_date_has_a_snapshot_and_a_model_serves_for_a_quarter(done: Done) -> None:
    assert list(done.found.published) == DATES
    found = headers(done)
    versions = [found[day].models["churn"] for day in DATES]
    assert [one and one["version"] for one in versions] == [
        f"backfill-{date(2026, month, 1)}" for month in (3, 3, 3, 6, 6, 6, 9, 9)
    ]
    assert all(one and one["backfilled"] for one in versions)
    assert not found[date(2026, 11, 1)].backfilled
    assert sorted(found.values(), key=lambda one: one.snapshot_id) == sorted(
        found.values(), key=lambda one: str(one.as_of)
    )


def test_a_past_snapshot_equals_a_run_opened_on_that_day(done: Done, tmp_path: Path) -> None:
    home = Home(tmp_path)
    source = open_company(done.config, home, as_of=TRAINED)
    datasets = build_datasets(source, slices=done.config.slices)
    models = {}
    for name, dataset in datasets.items():
        table = model_table(dataset, done.config)
        fitted = fit_model(table.part(table.mature), settings=done.config.training)
        models[name] = Model(fitted.predictor, None)
    population = build_population(source, TRAINED)
    predictions = predict(population, models, rules=done.config.abstention)
    found = scores_of(done, TRAINED)
    assert found.keys() == {str(state["account_id"]) for state in population.accounts}
    compared = 0
    for state in population.accounts:
        score = found[str(state["account_id"])]
        shown = ("state", "segment", "owner", "parent_id", "contract_id", "decision_date")
        assert {n: getattr(score, n) for n in shown} == {n: state[n] for n in shown}
        if state["state"] not in STATES_AT_RISK:
            continue
        lead = lead_prediction(state, predictions)
        if lead is not None and lead[1].abstained is None:
            assert (score.basis, score.loss_probability) == (lead[0], lead[1].probability)
            compared += 1
    assert compared > 100


def test_a_second_backfill_leaves_what_is_there_alone(
    done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = headers(done)
    used = SimpleNamespace(card=SimpleNamespace(data_end=None))
    monkeypatch.setattr(backfill, "read_champions", lambda *_: {"churn": used})
    source = open_company(done.config, done.home)
    again = backfill_company(done.config, source, done.home, count=len(DATES))
    assert (again.published, list(again.kept)) == ((), DATES)
    assert headers(done) == before


def test_where_no_model_is_in_use_nothing_is_made_up(done: Done, tmp_path: Path) -> None:
    home = Home(tmp_path)
    source = open_company(done.config, home)
    found = backfill_company(done.config, source, home, count=2)
    assert found.published == ()
    assert set(found.skipped.values()) == {"no model is in use"}


def test_a_date_too_early_to_learn_from_is_skipped_with_the_reason(
    done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = SimpleNamespace(card=SimpleNamespace(data_end=None))
    monkeypatch.setattr(backfill, "read_champions", lambda *_: {"churn": used})
    home = Home(tmp_path)
    source = open_company(done.config, home, as_of=date(2025, 2, 1))
    found = backfill_company(done.config, source, home, count=12)
    assert found.published == ()
    assert list(found.skipped) == [date(2024, 11, 1), date(2024, 12, 1), date(2025, 1, 1)]
    assert found.skipped[date(2024, 11, 1)] == "churn: no label was known"


def test_under_a_new_model_the_figures_before_are_rescored_and_add_up(done: Done) -> None:
    header = headers(done)[TRAINED]
    assert header.rescored_id == headers(done)[date(2026, 5, 1)].snapshot_id
    before, now = scores_of(done, date(2026, 5, 1)), scores_of(done, TRAINED)
    asked = [one for one in now.values() if one.rescored_probability is not None]
    assert len(asked) > 100
    for score in asked:
        assert before[score.account_id].basis == score.basis
        assert score.base_log_odds is not None
        log_odds = score.base_log_odds + math.fsum(score.rescored_contributions.values())
        assert 1 / (1 + math.exp(-log_odds)) == pytest.approx(score.rescored_probability)
    assert all(one.rescored_probability is None for one in before.values())


def test_tiers_are_carried_on_and_no_change_of_them_is_told(done: Done) -> None:
    with done.store as store:
        assert store.tier_changes() == []
    held = 0
    for day in DATES:
        high = (headers(done)[day].thresholds or {})["high"]
        for score in scores_of(done, day).values():
            if score.tier_runs_below and score.risk_tier == "high":
                assert score.loss_probability is not None
                assert score.loss_probability < high
                held += 1
    assert held > 0


def test_what_became_of_past_probabilities_is_what_the_generator_knows(
    done: Done, demo_company: Path
) -> None:
    losses = pd.read_parquet(demo_company / "truth" / "loss.parquet")
    lost_on = losses.groupby("account_id")["lost_on"].agg(list).to_dict()
    ended = set(losses["contract_id"])
    day = date(2026, 3, 1)
    claims = {
        name: one for name, one in scores_of(done, day).items() if one.loss_probability is not None
    }
    with done.store as store:
        reader = SnapshotReader(store)
        outcomes = PageReader(reader).outcomes(headers(done)[day].snapshot_id)
        judged = find_judged(reader, "demo")
        assert judged is not None
        assert judged.churn_days == 90
        acts: Acts = frozenset()
        record = read_track_record(reader, judged, acts=acts, admits=lambda _: True)
    assert {one.account_id for one in outcomes} == claims.keys()
    for outcome in outcomes:
        claim = claims[outcome.account_id]
        until = day + pd.Timedelta(days=90).to_pytimedelta()
        left = [pd.Timestamp(one).date() for one in lost_on.get(outcome.account_id, [])]
        in_time = any(day < one <= until for one in left)
        expected = claim.contract_id in ended if claim.basis == "renewal" else in_time
        assert outcome.lost == expected, (outcome, claim.basis, left)
        assert outcome.known_on <= date(2026, 11, 1)
    assert sum(one.lost for one in outcomes) > 0
    assert record is not None
    assert record.as_of >= date(2026, 5, 1)


def test_rows_made_aside_leave_those_in_work_alone(done: Done, tmp_path: Path) -> None:
    source = open_company(done.config, Home(tmp_path))
    build_rows(source, [date(2026, 5, 1)])
    count = "SELECT count(*), max(as_of) FROM churn_row"
    before = source.connection.execute(count).fetchone()
    with open_aside(source) as aside:
        build_rows(aside, [date(2026, 1, 1)])
        assert aside.connection.execute(count).fetchone() != before
    assert source.connection.execute(count).fetchone() == before
    assert np.isfinite(before[0]) if before else False
