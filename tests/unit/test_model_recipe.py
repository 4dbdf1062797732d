"""The recipe from rows to a judged model."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from models.gate import BARS
from models.recipe import train_model
from models.report import Report
from models.settings import SplitSettings
from models.table import ModelTable
from models.trained import Skipped, Trained
from tests.model_rows import QUICK, make_table, shuffle_labels, with_rows


@pytest.fixture(scope="module")
def trained() -> Trained:
    found = train_model(make_table(), QUICK)
    assert isinstance(found, Trained)
    return found


def skipped_reason(found: Trained | Skipped) -> str:
    assert isinstance(found, Skipped)
    return found.reason


def report_of(found: Trained | Skipped) -> Report:
    assert isinstance(found, Trained)
    return found.report


def test_rows_with_signal_give_a_model_that_is_promoted(trained: Trained) -> None:
    assert trained.report.decision.promoted
    assert trained.report.skill.auc.low > 0.6


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_labels_shuffled_within_each_date_give_no_promotion(seed: int) -> None:
    report = report_of(train_model(shuffle_labels(make_table(), seed=seed), QUICK))
    assert not report.decision.promoted
    assert report.decision.verdict.startswith("no better than")


def test_a_model_that_only_knows_the_tenure_is_not_promoted() -> None:
    table = make_table(signal=0.0)
    tenure = table.rows["tenure_days"].to_numpy()
    generator = np.random.default_rng(1)
    label = (generator.random(len(table)) < 1 / (1 + np.exp(tenure / 300 - 1))).astype(float)
    table = with_rows(table, label=np.where(table.mature, label, np.nan))
    table.features["tenure"] = tenure
    report = report_of(train_model(table, QUICK))
    assert report.skill.auc.low > 0.5
    assert report.decision.verdict == "no better than tenure alone"


def test_the_judged_model_learns_from_earlier_rows_than_the_shipped_one(trained: Trained) -> None:
    assert trained.judged.as_of[1] < trained.report.test.first
    assert trained.shipped.as_of[1] == trained.report.test.last
    assert trained.judged.rows == trained.report.train.rows < trained.shipped.rows


def test_the_report_has_the_names_that_other_programs_read(trained: Trained) -> None:
    found = trained.report.to_json()
    assert list(found)[:7] == [
        "rows",
        "positives",
        "base_rate",
        "auc",
        "auc_interval",
        "average_precision",
        "average_precision_interval",
    ]
    assert {"calibration", "baselines", "slices", "verdict", "promoted", "reasons"} <= set(found)
    baselines = found["baselines"]
    assert isinstance(baselines, dict)
    assert set(baselines) == {"base_rate", *BARS, "logistic_regression"}
    assert baselines["base_rate"]["auc"] == 0.5
    json.dumps(found, allow_nan=False)


def test_slices_have_their_own_figures_and_small_ones_none() -> None:
    table = make_table()
    segment = table.rows["segment"].where(table.rows["account_id"] != "A3", None)
    report = report_of(train_model(with_rows(table, segment=segment), QUICK))
    slices = report.to_json()["slices"]
    assert isinstance(slices, dict)
    assert slices["segment"]["small"]["auc"] is not None
    unknown = slices["segment"]["unknown"]
    assert unknown["note"] == "too small"
    assert (unknown["rows"], unknown["auc"], unknown["auc_interval"]) == (5, None, None)


LEAD_BANDS = ["0-30 days", "31-90 days", "over 90 days", "overdue"]


def banded() -> ModelTable:
    """Rows in lead bands, one of them small; who is overdue is lost and in no headline."""
    table = make_table()
    band = np.array(["over 90 days", "0-30 days", "overdue"])[np.arange(len(table)) // 24 % 3]
    band = np.where(table.rows["account_id"] == "A3", "31-90 days", band)
    overdue = band == "overdue"
    label = np.where(overdue & table.mature, 1.0, table.label)
    lead_band = pd.Series(band, dtype=object)
    return with_rows(table, lead_band=lead_band, headline=~overdue, label=label)


def test_every_lead_band_is_listed_from_near_to_far_with_the_overdue_last() -> None:
    report = report_of(train_model(banded(), QUICK))
    bands = report.judgement.slices["lead_band"]
    assert list(bands) == LEAD_BANDS
    assert sum(bands[name].rows for name in LEAD_BANDS[:3]) == report.skill.rows
    assert "overdue" not in set(report.predictions["lead_band"])
    assert (
        sum(skill.rows for skill in report.judgement.slices["segment"].values())
        == report.skill.rows
    )


def test_without_rows_beside_the_headline_its_lead_bands_stand_alone() -> None:
    table = banded()
    report = report_of(train_model(table.part(table.headline), QUICK))
    assert list(report.judgement.slices["lead_band"]) == LEAD_BANDS[:3]


def test_a_slice_of_one_class_has_counts_and_no_auc() -> None:
    found = report_of(train_model(banded(), QUICK)).to_json()["slices"]
    assert isinstance(found, dict)
    overdue = found["lead_band"]["overdue"]
    assert overdue["rows"] == overdue["positives"] > 100
    assert overdue["note"] == "one class only"
    for name in ("auc", "auc_interval", "average_precision", "average_precision_interval"):
        assert overdue[name] is None
    assert found["lead_band"]["31-90 days"]["note"] == "too small"


def test_rows_beside_the_headline_change_no_headline_figure() -> None:
    table = banded()
    other = np.where(table.headline | (table.rows["as_of"] < "2025-05-01"), table.label, 0.0)
    first = report_of(train_model(table, QUICK)).to_json()
    second = report_of(
        train_model(with_rows(table, label=np.where(table.mature, other, np.nan)), QUICK)
    ).to_json()
    differing = {name for name in first if first[name] != second[name]}
    # Leaks, and the reasons that name them, speak of the fitted model, which learns from all rows.
    assert differing <= {"slices", "as_served", "notices", "leaks", "reasons"}
    assert differing


def test_numbers_of_a_slice_rise_and_unknown_is_last() -> None:
    table = make_table()
    months = pd.Series(["12", "6", "1", None], dtype=object)[np.arange(len(table)) // 24 % 4]
    report = report_of(train_model(with_rows(table, term=months.reset_index(drop=True)), QUICK))
    assert list(report.judgement.slices["term"]) == ["1", "6", "12", "unknown"]


def test_a_history_without_a_date_to_judge_by_is_skipped_with_the_share_that_is_needed() -> None:
    table = make_table()
    late = np.arange(len(table)) % 5 == 0
    known = table.rows["label_known_at"].where(~late)
    found = with_rows(table, label=np.where(late, np.nan, table.label), label_known_at=known)
    reason = skipped_reason(train_model(found, QUICK))
    assert reason.startswith("on no as-of date are 95 % of the labels known")


def test_predictions_are_kept_for_every_test_row(trained: Trained) -> None:
    predictions = trained.report.predictions
    assert len(predictions) == trained.report.skill.rows
    assert predictions["probability"].between(0, 1).all()
    assert set(predictions.columns) >= {"account_id", "group_id", "contract_id", "as_of", "label"}


def test_training_twice_gives_the_same_report_and_model(trained: Trained) -> None:
    again = train_model(make_table(), QUICK)
    assert isinstance(again, Trained)
    assert again.report.to_json() == trained.report.to_json()
    for name in ("judged", "shipped"):
        first, second = getattr(trained, name).predictor, getattr(again, name).predictor
        assert first.booster.model_to_string() == second.booster.model_to_string()


def test_one_class_skips_the_model() -> None:
    table = make_table()
    one_class = with_rows(table, label=np.where(table.mature, 0.0, np.nan))
    assert "one class only" in skipped_reason(train_model(one_class, QUICK))


def test_no_mature_row_skips_the_model() -> None:
    reason = skipped_reason(train_model(with_rows(make_table(), label=np.nan), QUICK))
    assert reason == "no row has a mature label by 2026-01-01 (4,800 rows in all)"


def test_no_row_at_all_skips_the_model() -> None:
    table = make_table()
    empty = table.part(np.zeros(len(table), dtype=np.bool_))
    assert "no row has a mature label" in skipped_reason(train_model(empty, QUICK))


def test_a_single_as_of_date_skips_the_model() -> None:
    assert "left to test on" in skipped_reason(train_model(make_table(months=1), QUICK))


def test_a_history_shorter_than_the_horizon_skips_the_model() -> None:
    assert "no label was known" in skipped_reason(train_model(make_table(months=3), QUICK))


def test_a_test_date_after_the_history_skips_the_model() -> None:
    settings = QUICK.model_copy(
        update={"split": SplitSettings.model_validate({"test_from": "2031-01-01"})}
    )
    assert "left to test on" in skipped_reason(train_model(make_table(), settings))


def test_too_few_positives_skip_the_model_and_are_counted() -> None:
    table = make_table()
    generator = np.random.default_rng(0)
    rare = (generator.random(len(table)) < 0.005).astype(np.float64)
    reason = skipped_reason(
        train_model(with_rows(table, label=np.where(table.mature, rare, np.nan)), QUICK)
    )
    assert reason.startswith("too few positives: ")
    assert "at least 30 are needed" in reason


def test_positives_of_a_handful_of_accounts_skip_the_model() -> None:
    table = make_table()
    label = table.rows["account_id"].isin(["A30", "A31", "A32", "A33"]).astype(np.float64)
    reason = skipped_reason(
        train_model(with_rows(table, label=np.where(table.mature, label, np.nan)), QUICK)
    )
    assert reason == (
        "the training positives come from 4 accounts only, at least 20 are needed "
        "(twice training.folds)"
    )


def test_features_that_never_vary_skip_the_model() -> None:
    table = make_table()
    for name in ("usage", "noise", "segment"):
        table.features[name] = 1.0
    assert "no feature varies" in skipped_reason(train_model(table, QUICK))


def test_a_skipped_model_prints_its_reason() -> None:
    assert Skipped("churn", "because").to_json() == {"skipped": "because"}
