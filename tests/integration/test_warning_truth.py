"""Warnings on the made-up company, whose causes are known, and over score runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from features.dataset import build_datasets
from features.loss import read_losses
from features.source import Source
from models.store import SnapshotStore
from models.warning_record import HeldRules, WarningRecord
from models.warning_rule import read_rules
from pipelines.config import Config, read_config
from pipelines.demo.company import generate_company
from pipelines.demo_warning import RULES, CauseRecord, measure_causes, show_causes
from pipelines.home import Home
from pipelines.population import build_population
from pipelines.scoring import publish, score_population
from pipelines.source import open_company
from pipelines.warning_record import judge_warnings, keep_record, read_record, show_record

DEMO = Path(__file__).parents[2] / "configs" / "demo.yaml"


@dataclass(frozen=True)
class Company:
    """The made-up company, smaller, with the warnings of its whole past."""

    folder: Path
    config: Config
    home: Home
    source: Source
    held: HeldRules
    record: WarningRecord
    losses: pd.DataFrame


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("warned")
    generate_company(folder / "demo", accounts=800, events=120_000)
    config, home = read_config(DEMO, data=folder / "demo"), Home(folder / "home")
    source = open_company(config, home)
    datasets = build_datasets(source)
    losses, _ = read_losses(source)
    record = judge_warnings(config, source, datasets)
    held = keep_record(home, config, source, datasets)
    assert record is not None
    assert held is not None
    yield Company(folder, config, home, source, held, record, losses)
    source.connection.close()


@pytest.fixture(scope="module")
def causes(company: Company) -> dict[str, CauseRecord]:
    end = pd.Timestamp(company.source.data_end)
    return measure_causes(company.held, company.folder / "demo", data_end=end, runs_to_close=2)


def test_losses_are_those_of_the_truth(company: Company) -> None:
    truth = pd.read_parquet(company.folder / "demo" / "truth" / "loss.parquet")
    truth = truth.assign(lost_on=pd.to_datetime(truth["lost_on"]))
    after = truth["lost_on"] > company.held.as_of.min() + pd.Timedelta(days=60)
    before = truth["lost_on"] < company.losses["lost_on"].max() - pd.Timedelta(days=60)
    wanted = set(truth.loc[after & before, "account_id"])
    assert len(wanted) > 50
    found = set(company.losses["account_id"])
    assert len(wanted & found) > 0.95 * len(wanted)


def test_every_cause_that_shows_has_most_of_its_losses_warned_of_by_its_own_rules(
    causes: dict[str, CauseRecord],
) -> None:
    assert set(causes) == set(RULES)
    for cause in ("key_user_left", "login_decay", "shallow_use", "unused_seats", "low_fit"):
        record = causes[cause]
        assert record.losses >= 5, cause
        assert record.by_its_rules is not None
        assert record.by_its_rules > 0.4, cause
        assert record.by_any is not None
        assert record.by_any >= 0.7, cause
        assert record.false_alarms is not None
        assert 0 < record.false_alarms < 1, cause
    text = show_causes(causes)
    assert text.row_count == len(RULES)


def test_a_poor_fit_is_warned_of_where_it_is_and_hardly_anywhere_else(
    causes: dict[str, CauseRecord],
) -> None:
    without = causes["low_fit"].without_cause
    assert without is not None
    assert without < 0.2


def test_the_record_of_a_training_is_kept_and_its_rules_beat_chance(company: Company) -> None:
    assert read_record(company.home, "demo") == company.record.to_json()
    assert company.record.base_rate is not None
    fit = company.record.rules["poor_fit"]
    assert fit.followed / fit.warnings > company.record.base_rate
    console = Console(record=True, width=160, file=StringIO())
    show_record(console, replace(company.record, off={"late": "no table"}))
    told = console.export_text()
    assert all(rule in told for rule in company.record.rules)
    assert "late is off: no table" in told


def test_score_runs_open_and_keep_warnings_and_publish_what_the_pages_need(
    company: Company,
) -> None:
    first_day, second_day = date(2026, 10, 25), date(2026, 11, 1)
    found = []
    for day in (first_day, second_day):
        population = build_population(company.source, day)
        snapshot = score_population(company.config, population, company.home)
        found.append(publish(snapshot, company.home, company.config))
    first, second = (one.snapshot for one in found)
    assert {alert.status for one in first.scores for alert in one.alerts} == {"opened"}
    closed = {alert.rule for one in second.scores for alert in one.alerts if not alert.is_open}
    assert closed <= {rule.name for rule in read_rules() if rule.gives_way_to}
    kept = [alert for one in second.scores for alert in one.alerts if alert.status == "kept"]
    assert {alert.first_seen for alert in kept} == {first_day}
    assert {alert.runs_clear for alert in kept} == {0, 1}
    assert max(len(one.playbooks) for one in second.scores) == 3
    names = {entry["name"] for entry in second.documents["playbooks"]}  # type: ignore[attr-defined]  # JSON
    assert {name for one in second.scores for name in one.playbooks} <= names
    assert set(second.documents) >= {"warnings", "playbooks", "warning_record", "features"}
    with SnapshotStore(company.home.store_url) as store:
        stored = store.alerts(found[1].snapshot_id)
    assert stored == {one.account_id: one.alerts for one in second.scores if one.alerts}


def test_no_evidence_names_a_person(company: Company) -> None:
    users = pd.read_parquet(company.folder / "demo" / "users.parquet")
    people = set(users["name"].dropna()) | set(users["user_id"])
    with SnapshotStore(company.home.store_url) as store:
        header = store.current()
        assert header is not None
        texts = [one.text for alerts in store.alerts(header.snapshot_id).values() for one in alerts]
    assert texts
    assert not [text for text in texts if any(name in text for name in people)]
