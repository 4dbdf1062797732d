"""Trainings recorded in a real MLflow store, and the pictures kept with them."""

from __future__ import annotations

import os
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient

from features.errors import InputError
from models.plot import draw_plots, placement_curve
from models.registry import (
    ALIAS,
    champion_version,
    prepare_store,
    record_training,
    set_champion,
    tracking_uri,
)
from tests.integration.trained import PROVENANCE, null_model, trained_model

PLOTS = {"roc.png", "precision_recall.png", "calibration.png", "gain.png", "beeswarm.png",
         "dependence.png", "driver_drift.png"}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one promoted training and a later one that is not."""
    home = tmp_path_factory.mktemp("a home")
    plots = draw_plots(trained_model(), home / "plots")
    assert record_training(home, trained_model(), PROVENANCE, plots=plots) == "1"
    assert champion_version(home, "acme", "churn") is None
    set_champion(home, "acme", "churn", "1")
    assert record_training(home, null_model(), PROVENANCE) == "2"
    return home


def test_a_run_holds_parameters_metrics_and_where_it_comes_from(home: Path) -> None:
    client = MlflowClient(tracking_uri(home))
    run = client.get_run(str(client.get_model_version("acme-churn", "1").run_id))
    report = trained_model().report
    assert run.info.status == "FINISHED"
    assert run.data.params["num_leaves"] == "4"
    assert run.data.metrics["auc"] == report.skill.auc.value
    assert run.data.metrics["auc_interval.low"] == report.skill.auc.low
    assert (
        run.data.metrics["baselines.tenure.auc"] == report.judgement.baselines["tenure"].auc.value
    )
    assert run.data.tags["mlflow.source.git.commit"] == "c" * 40
    assert run.data.tags["data_hash"] == "d" * 64
    assert run.data.tags["verdict"] == report.decision.verdict


def test_a_run_keeps_the_configuration_the_report_and_the_five_plots(home: Path) -> None:
    client = MlflowClient(tracking_uri(home))
    run = str(client.get_model_version("acme-churn", "1").run_id)
    assert {found.path for found in client.list_artifacts(run)} == {
        "config.yaml",
        "plots",
        "report.json",
    }
    kept = {Path(found.path).name for found in client.list_artifacts(run, "plots")}
    assert kept == PLOTS


def test_recording_leaves_the_alias_where_it_was_set(home: Path) -> None:
    assert champion_version(home, "acme", "churn") == "1"
    client = MlflowClient(tracking_uri(home))
    assert client.get_model_version("acme-churn", "2").tags["promoted"] == "false"


def test_a_deleted_experiment_is_named_with_the_remedy(tmp_path: Path) -> None:
    prepare_store(tmp_path)
    client = MlflowClient(tracking_uri(tmp_path))
    client.delete_experiment(client.create_experiment("acme"))
    with pytest.raises(InputError, match="experiment acme was deleted; restore it"):
        record_training(tmp_path, trained_model(), PROVENANCE)


def test_no_champion_is_known_before_the_first_promotion(home: Path) -> None:
    assert champion_version(home, "acme", "renewal") is None


def test_the_registered_model_is_the_shipped_booster_as_text(home: Path) -> None:
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(tracking_uri(home))
    try:
        booster = mlflow.lightgbm.load_model(f"models:/acme-churn@{ALIAS}")
    finally:
        mlflow.set_tracking_uri(before)
    shipped = trained_model().shipped.predictor.booster
    assert booster.num_trees() == shipped.num_trees()
    files = [path for path in (home / "mlflow").rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in {".pkl", ".pickle", ".skops"}]


def test_recording_leaves_the_address_of_the_process_alone(home: Path) -> None:
    assert tracking_uri(home) not in (
        mlflow.get_tracking_uri(),
        os.environ.get("MLFLOW_TRACKING_URI"),
    )
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_every_picture_is_a_png(home: Path) -> None:
    assert {path.name for path in (home / "plots").iterdir()} == PLOTS
    for path in (home / "plots").iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")


def test_the_area_under_the_drawn_curve_is_the_auc_of_the_report() -> None:
    report = trained_model().report
    rows = report.predictions
    x, y = placement_curve(rows["label"].to_numpy(), rows["probability"].to_numpy(), rows["as_of"])
    area = float(np.sum(np.diff(x) * y[:-1]))
    assert area == pytest.approx(report.skill.auc.value, abs=1e-9)
