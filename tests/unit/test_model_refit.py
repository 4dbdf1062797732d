"""Refits on bootstrap samples, and the interval that they give each probability."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from models import refit
from models.calibration import Calibration, fit_calibration
from models.refit import Interval, Refits, find_interval, fit_refits
from models.settings import TrainingSettings
from models.table import FloatArray, ModelTable
from models.training import FittedModel, fit_model
from tests.model_rows import make_table

SETTINGS = TrainingSettings(max_trees=60, refits=8)


def mature(**shape: int) -> ModelTable:
    table = make_table(**shape)
    return table.part(table.mature)


@pytest.fixture(scope="module")
def table() -> ModelTable:
    return mature()


@pytest.fixture(scope="module")
def fitted(table: ModelTable) -> FittedModel:
    return fit_model(table, settings=SETTINGS)


def intervals(
    table: ModelTable, fitted: FittedModel, settings: TrainingSettings = SETTINGS
) -> tuple[FloatArray, Interval]:
    refits = fit_refits(table, fitted, settings=settings)
    probability = fitted.predictor.probability(table.features)
    return probability, find_interval(refits, table.features, probability)


def test_every_published_probability_lies_inside_its_interval(
    table: ModelTable, fitted: FittedModel
) -> None:
    probability, found = intervals(table, fitted)
    assert ((found.low <= probability) & (probability <= found.high)).all()
    assert ((found.low >= 0) & (found.high <= 1)).all()
    assert float(found.width.mean()) > 0.01


def test_the_same_seed_gives_the_same_intervals_bit_for_bit_and_another_seed_others(
    table: ModelTable, fitted: FittedModel
) -> None:
    _, first = intervals(table, fitted)
    _, again = intervals(table, fitted)
    _, other = intervals(table, fitted, SETTINGS.model_copy(update={"seed": 1}))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_whole_groups_are_drawn_and_those_left_out_calibrate(
    table: ModelTable, fitted: FittedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights: list[FloatArray] = []
    calibrated: list[FloatArray] = []
    fit = refit._fit  # noqa: SLF001  # seen from inside: what a refit sees

    def watch_fit(dataset: object, weight: FloatArray, *rest: object) -> object:
        weights.append(weight)
        return fit(dataset, weight, *rest)  # type: ignore[arg-type]  # passed on as it came

    def watch_calibration(raw: FloatArray, label: FloatArray) -> Calibration:
        calibrated.append(label)
        return fit_calibration(raw, label)

    monkeypatch.setattr(refit, "_fit", watch_fit)
    monkeypatch.setattr(refit, "fit_calibration", watch_calibration)
    fit_refits(table, fitted, settings=SETTINGS)
    assert len(weights) == len(calibrated) == SETTINGS.refits
    group = table.group.astype(str)
    for weight, label in zip(weights, calibrated, strict=True):
        for name in np.unique(group):
            assert len(set(weight[group == name])) == 1
        np.testing.assert_array_equal(label, table.label[weight == 0])


def test_more_accounts_give_narrower_intervals() -> None:
    widths = []
    for accounts in (80, 640):
        table = mature(accounts=accounts, months=12)
        widths.append(intervals(table, fit_model(table, settings=SETTINGS))[1].width.mean())
    assert widths[1] < 0.6 * widths[0]


def test_without_refits_no_interval_is_told(table: ModelTable, fitted: FittedModel) -> None:
    none: Refits | None = fit_refits(
        table, fitted, settings=SETTINGS.model_copy(update={"refits": 0})
    )
    assert none is None
    found = find_interval(none, table.features, np.full(len(table), 0.2))
    assert np.isnan(found).all()


@pytest.mark.parametrize("refits", [1, 4, -1])
def test_too_few_refits_for_an_interval_are_refused(refits: int) -> None:
    with pytest.raises(ValidationError, match=r"at least 5|greater than or equal to 0"):
        TrainingSettings(refits=refits)
