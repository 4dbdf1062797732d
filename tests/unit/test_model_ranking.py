"""AUC and average precision against loops that a child could read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.bootstrap import draw_groups
from models.metric import arr_ratio, auc_with_interval
from models.ranking import order_rows, rank_auc, weighted_auc, weighted_average_precision
from models.table import FloatArray

SEEDS = range(8)


def pair_auc(label: FloatArray, score: FloatArray, date: FloatArray, weight: FloatArray) -> float:
    right = pairs = 0.0
    for i in range(len(label)):
        for j in range(len(label)):
            if label[i] == 1 and label[j] == 0 and date[i] == date[j]:
                pairs += weight[i] * weight[j]
                if score[i] > score[j]:
                    right += weight[i] * weight[j]
                elif score[i] == score[j]:
                    right += weight[i] * weight[j] / 2
    return right / pairs


def step_precision(label: FloatArray, score: FloatArray, weight: FloatArray) -> float:
    total = found = seen = answer = 0.0
    total = float((label * weight).sum())
    for value in sorted(set(score.tolist()), reverse=True):
        tied = score == value
        found += float((label * weight)[tied].sum())
        seen += float(weight[tied].sum())
        if seen:
            answer += float((label * weight)[tied].sum()) / total * found / seen
    return answer


def draw(seed: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    generator = np.random.default_rng(seed)
    label = (generator.random(60) < 0.3).astype(np.float64)
    score = np.round(generator.random(60) + 0.3 * label, 1)
    date = generator.integers(0, 4, 60).astype(np.float64)
    weight = generator.integers(0, 4, 60).astype(np.float64)
    return label, score, date, weight


@pytest.mark.parametrize("seed", SEEDS)
def test_weighted_auc_equals_a_loop_over_pairs_of_the_same_date(seed: int) -> None:
    label, score, date, weight = draw(seed)
    found = weighted_auc(label, weight, order_rows(score, date))
    assert found == pytest.approx(pair_auc(label, score, date, weight))


@pytest.mark.parametrize("seed", SEEDS)
def test_weighted_average_precision_equals_a_loop_over_thresholds(seed: int) -> None:
    label, score, _, weight = draw(seed)
    found = weighted_average_precision(label, weight, order_rows(score))
    assert found == pytest.approx(step_precision(label, score, weight))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_replicate_equals_the_metric_on_rows_repeated_as_drawn(seed: int) -> None:
    label, score, date, _ = draw(seed)
    group = np.array([f"G{number // 5}" for number in range(60)], dtype=object)
    draws = draw_groups(group, replicates=50, seed=seed)
    found = rank_auc(label, score, date, draws).replicates
    for replicate in range(3):
        weight = draws.counts[replicate, draws.group]
        assert found[replicate] == pytest.approx(pair_auc(label, score, date, weight))


def test_a_bootstrap_draws_rows_of_one_group_together() -> None:
    draws = draw_groups(np.array(["B", "A", "B"], dtype=object), replicates=50, seed=1)
    for weights in draws.weights():
        assert (weights[:, 0] == weights[:, 2]).all()
        assert set((weights[:, 0] + weights[:, 1]).tolist()) == {2.0}


def test_a_score_that_only_follows_the_date_has_no_skill() -> None:
    date = pd.Series(pd.to_datetime(["2025-01-01", "2025-02-01"])).repeat(50)
    label = np.r_[np.zeros(45), np.ones(5), np.zeros(5), np.ones(45)]
    score = np.r_[np.zeros(50), np.ones(50)]
    found = auc_with_interval(label, score, date, [f"A{number}" for number in range(100)])
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


def test_the_auc_is_unknown_without_a_pair_and_so_is_its_interval() -> None:
    found = auc_with_interval([1, 1], [0.1, 0.2], pd.to_datetime(["2025-01-01"] * 2), ["A", "B"])
    assert np.isnan([found.value, found.low, found.high]).all()


def test_the_interval_is_wider_when_rows_come_from_fewer_groups() -> None:
    generator = np.random.default_rng(5)
    place = generator.normal(size=40).repeat(10)
    label = (generator.random(400) < 1 / (1 + np.exp(-place))).astype(np.float64)
    date = pd.Series(pd.Timestamp("2025-01-01")).repeat(400)
    rows = auc_with_interval(label, place, date, [f"A{number}" for number in range(400)])
    groups = auc_with_interval(label, place, date, [f"A{number // 10}" for number in range(400)])
    assert groups.value == rows.value
    assert groups.high - groups.low > rows.high - rows.low


def test_the_lost_arr_over_the_expected_loss_leaves_out_what_is_unknown() -> None:
    label, probability = np.array([1.0, 0.0, 1.0, 1.0]), np.array([0.5, 0.25, 0.5, 0.9])
    arr = np.array([100.0, 200.0, 300.0, np.nan])
    draws = draw_groups(np.array(["a", "b", "c", "d"], dtype=object), replicates=200, seed=0)
    found = arr_ratio(label, probability, arr, draws)
    assert found.value == 400.0 / 250.0
    assert found.low < found.value <= found.high
    assert np.isnan(arr_ratio(label, probability, np.full(4, np.nan), draws).value)
