"""Log-odds calibration and the figures that judge it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics
from sklearn.metrics import brier_score_loss

from models.bootstrap import Bootstrap, draw_groups
from models.calibration import Calibration, fit_calibration, fit_line, logit, sigmoid
from models.metric import (
    brier,
    brier_skill,
    calibration_intercept,
    calibration_slope,
    log_loss,
)
from models.table import FloatArray


def each_row(rows: int) -> Bootstrap:
    """A bootstrap in which every row is a group of its own."""
    return draw_groups(np.arange(rows).astype(object), replicates=100, seed=0)


def draw(slope: float, intercept: float, *, rows: int = 20_000) -> tuple[FloatArray, FloatArray]:
    generator = np.random.default_rng(0)
    raw = generator.normal(size=rows)
    label = (generator.random(rows) < sigmoid(slope * raw + intercept)).astype(np.float64)
    return raw, label


def test_the_line_that_made_the_labels_is_found() -> None:
    raw, label = draw(0.7, -1.5)
    fitted = fit_calibration(raw, label)
    assert fitted.slope == pytest.approx(0.7, abs=0.05)
    assert fitted.intercept == pytest.approx(-1.5, abs=0.05)


def test_the_fitted_line_leaves_no_slope_in_the_likelihood() -> None:
    raw, label = draw(0.7, -1.5)
    line = fit_line(raw, label)
    assert line is not None
    miss = label - sigmoid(line[0] * raw + line[1])
    assert np.abs([miss.sum(), (miss * raw).sum()]).max() < 1e-6


def test_calibration_keeps_the_mean_of_the_labels() -> None:
    raw, label = draw(1.0, -3.0)
    fitted = fit_calibration(raw, label)
    assert fitted.probability(raw).mean() == pytest.approx(label.mean(), rel=1e-3)


def test_a_raw_output_that_ranks_the_wrong_way_round_does_not_rank() -> None:
    raw, label = draw(-0.5, 0.0)
    assert not fit_calibration(raw, label).ranks


def test_a_constant_raw_output_gives_the_base_rate_and_does_not_rank() -> None:
    label = np.array([0.0, 0.0, 0.0, 1.0])
    fitted = fit_calibration(np.zeros(4), label)
    assert not fitted.ranks
    assert fitted.probability(np.zeros(4)) == pytest.approx(np.full(4, 0.25))


def test_classes_that_are_apart_still_give_a_finite_calibration() -> None:
    fitted = fit_calibration(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert fitted.ranks
    assert np.isfinite(fitted.slope)
    assert fit_line(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0, 1.0])) is None


def test_probabilities_of_extreme_log_odds_neither_overflow_nor_leave_the_unit_interval() -> None:
    found = Calibration(1.0, 0.0).probability(np.array([-1000.0, 0.0, 1000.0]))
    assert found.tolist() == [0.0, 0.5, 1.0]
    assert np.isfinite(logit(found)).all()


def test_the_calibration_slope_of_true_probabilities_is_one_within_its_interval() -> None:
    raw, label = draw(1.0, -1.0, rows=4000)
    draws = draw_groups(np.arange(4000).astype(object), replicates=200, seed=0)
    found = calibration_slope(label, sigmoid(raw - 1.0), draws)
    assert found.low < 1.0 < found.high
    assert found.value == pytest.approx(1.0, abs=0.15)


def test_the_interval_of_the_slope_is_close_to_that_of_refits() -> None:
    raw, label = draw(1.0, -1.0, rows=2000)
    draws = draw_groups((np.arange(2000) // 4).astype(object), replicates=100, seed=0)
    found = calibration_slope(label, sigmoid(raw - 1.0), draws)
    refits = []
    for weight in draws.counts[:, draws.group]:
        rows = np.repeat(np.arange(2000), weight.astype(int))
        line = fit_line(raw[rows] - 1.0, label[rows])
        assert line is not None
        refits.append(line[0])
    low, high = np.quantile(refits, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)


def test_probabilities_that_are_too_sure_have_a_slope_below_one() -> None:
    raw, label = draw(1.0, 0.0, rows=4000)
    draws = draw_groups(np.arange(4000).astype(object), replicates=100, seed=0)
    assert calibration_slope(label, sigmoid(2.0 * raw), draws).high < 0.7


def test_the_calibration_intercept_is_what_the_log_odds_lack() -> None:
    raw, label = draw(1.0, 0.5)
    found = calibration_intercept(label, sigmoid(raw), each_row(len(label)))
    assert found.value == pytest.approx(0.5, abs=0.05)
    assert found.low < 0.5 < found.high
    assert np.isnan(calibration_intercept(np.zeros(3), np.full(3, 0.5), each_row(3)).value)


def test_the_brier_figure_is_the_mean_squared_error() -> None:
    found = brier(np.array([1.0, 0.0]), np.array([0.5, 0.1]), each_row(2))
    assert found.value == pytest.approx(0.13)


def test_the_log_loss_is_that_of_scikit_learn_and_the_skill_is_over_the_prior() -> None:
    raw, label = draw(1.0, -1.0, rows=500)
    probability, prior = sigmoid(raw - 1.0), np.full(500, 0.2)
    draws = each_row(500)
    assert log_loss(label, probability, draws).value == pytest.approx(
        metrics.log_loss(label, probability)
    )
    skill = brier_skill(label, probability, prior, draws)
    expected = 1 - brier_score_loss(label, probability) / brier_score_loss(label, prior)
    assert skill.value == pytest.approx(expected)
    assert skill.low < skill.value < skill.high
    assert brier_skill(label, prior, prior, draws).value == 0.0


@pytest.mark.parametrize("seed", [93, 114, 136, 175])
def test_rounding_of_the_loss_does_not_keep_the_line_from_being_found(seed: int) -> None:
    chance = np.random.default_rng(seed)
    raw = np.round(chance.normal(-2.2, 0.6, 7061), 2) + chance.normal(0, 1e-3, 7061)
    label = (chance.random(7061) < sigmoid(1.2 * raw)).astype(float)
    assert fit_calibration(raw, label).slope == pytest.approx(1.2, abs=0.3)
