"""A promotion is complete or it has not happened: bundle, pointer and registry agree."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from mlflow import MlflowClient

from features.dataset import ModelName
from features.errors import InputError
from models.card import read_card
from models.champion import bundle_folder, champion
from models.gate import Decision
from models.registry import champion_version, record_training, tracking_uri
from models.tier import Thresholds
from models.trained import Trained
from pipelines import promotion, training
from pipelines.command import rollback
from pipelines.home import Home
from pipelines.training import TrainingRun
from tests.integration.trained import PROVENANCE, null_model, trained_model
from tests.model_rows import QUICK

THRESHOLDS = Thresholds(high=0.5, medium=0.2)


@pytest.fixture(autouse=True)
def without_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recording needs no tables here: who is scored, tiers and provenance are given."""
    monkeypatch.setattr(training, "build_population", lambda *_: None)
    monkeypatch.setattr(training, "fit_thresholds", lambda *_: THRESHOLDS)
    monkeypatch.setattr(training, "find_moves", lambda *_, **__: [])
    monkeypatch.setattr(training, "describe_provenance", lambda *_: PROVENANCE)


def record(home: Path, model: Trained, *, seen: str | None = None) -> TrainingRun:
    """Record a model whose training began when the version ``seen`` was in use."""
    config, source = Mock(company=PROVENANCE.company, **dict(QUICK)), Mock()
    outcomes: dict[ModelName, training.Outcome] = {"churn": model}
    return training.record_run(config, source, Home(home), outcomes, seen={"churn": seen})


def decision_of(run: TrainingRun) -> Decision:
    outcome = run.outcomes["churn"]
    assert isinstance(outcome, Trained)
    return outcome.report.decision


def test_the_alias_and_the_pointer_move_to_a_promoted_version_only(tmp_path: Path) -> None:
    for version, model in (("1", trained_model()), ("2", null_model())):
        assert record(tmp_path, model, seen="1").versions["churn"] == version
        assert champion_version(tmp_path, "acme", "churn") == "1"
        assert champion(tmp_path, "acme", "churn") == bundle_folder(tmp_path, "acme", "churn", "1")


def test_a_refresh_that_is_as_good_takes_the_place_of_the_champion(tmp_path: Path) -> None:
    record(tmp_path, trained_model())
    run = record(tmp_path, trained_model(), seen="1")
    assert decision_of(run).promoted
    assert champion_version(tmp_path, "acme", "churn") == "2"
    card = read_card(bundle_folder(tmp_path, "acme", "churn", "2"))
    found = card.metrics["champion"]
    assert isinstance(found, dict)
    assert (found["version"], found["same_recipe"], found["difference"]) == ("1", True, 0.0)


def test_two_retrains_at_once_give_one_promotion(tmp_path: Path) -> None:
    record(tmp_path, trained_model())
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(record, tmp_path, trained_model(), seen="1") for _ in range(2)]
        decisions = [decision_of(run.result()) for run in both]
    assert sorted(decision.promoted for decision in decisions) == [False, True]
    (beaten,) = [decision for decision in decisions if not decision.promoted]
    assert beaten.verdict == "overtaken by version 2"
    assert champion_version(tmp_path, "acme", "churn") == "2"
    client = MlflowClient(tracking_uri(tmp_path))
    tags = client.get_model_version("acme-churn", "3").tags
    assert tags["promoted"] == "false"
    assert "was promoted while this model was being trained" in tags["reasons"]


def test_a_rollback_brings_the_version_before_back_and_the_next_one_the_version_before_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for seen in (None, "1", "2"):
        record(tmp_path, trained_model(), seen=seen)
    monkeypatch.setenv("KEEPWELL_HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setattr(rollback, "read_company", lambda *_: Mock(company="acme"))
    for version in ("2", "1"):
        rollback.rollback(rollback.Model.CHURN, Path("acme.yaml"), json_=True)
        assert json.loads(capsys.readouterr().out)["version"] == version
        assert champion(tmp_path, "acme", "churn") == bundle_folder(
            tmp_path, "acme", "churn", version
        )
        assert champion_version(tmp_path, "acme", "churn") == version
    with pytest.raises(InputError, match="no earlier champion to go back to"):
        rollback.rollback(rollback.Model.CHURN, Path("acme.yaml"))
    assert champion_version(tmp_path, "acme", "churn") == "1"


@pytest.mark.parametrize("step", ["write_bundle", "promote"])
def test_a_promotion_that_fails_leaves_the_alias_where_it_was(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(promotion, step, fail)
    with pytest.raises(OSError, match="no space left"):
        record(tmp_path, trained_model())
    assert champion_version(tmp_path, "acme", "churn") is None
    assert champion(tmp_path, "acme", "churn") is None
    assert record_training(tmp_path, null_model(), PROVENANCE) == "2"
