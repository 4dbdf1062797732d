"""The top of the ranking as it is served, with what is overdue."""

from __future__ import annotations

import numpy as np
import pytest

from models.bootstrap import draw_groups
from models.ranking import order_rows
from models.served_top import ServedTop, judge_served_top, served_score
from models.table import BoolArray, FloatArray


def served(label: FloatArray, overdue: BoolArray, score: FloatArray, *, capacity: int) -> ServedTop:
    """The figures of rows that are groups of their own, on two as-of dates in turn."""
    rows = len(label)
    return judge_served_top(
        label,
        overdue,
        np.full(rows, 100.0),
        order_rows(score, np.arange(rows) % 2),
        draw_groups(np.arange(rows).astype(object), replicates=200, seed=0),
        capacity=capacity,
    )


def test_what_is_overdue_at_the_top_is_told_from_what_is_open() -> None:
    # By date: the first has the even places. Two of each four are taken.
    label = np.array([1, 1, 1, 0, 0, 1, 0, 0], dtype=np.float64)
    overdue = np.array([1, 0, 0, 1, 0, 0, 0, 0], dtype=np.bool_)
    score = np.array([0.9, 0.9, 0.8, 0.8, 0.1, 0.1, 0.2, 0.2])
    found = served(label, overdue, score, capacity=2)
    assert found.rows == 2.0
    assert found.overdue.value == 0.5
    assert found.precision.value == 0.75
    assert found.precision_overdue.value == 0.5
    assert found.precision_open.value == 1.0
    assert found.lift_open.value == pytest.approx(1.0 / (3 / 6))
    assert found.sentence == (
        "as served, by ARR at risk: of the 2 first on a date 50% are past their decision date "
        "(50% of those are lost); of the others 100% are lost, 2.0 times as many as of all that "
        "are open, with 67% of the ARR that is lost there"
    )


def test_a_top_of_overdue_rows_alone_says_nothing_of_the_others() -> None:
    label, overdue = np.ones(4), np.array([True, True, False, False])
    found = served(label, overdue, np.array([0.9, 0.9, 0.1, 0.1]), capacity=1)
    assert found.to_json()["precision_open"] is None
    assert "lost, " not in found.sentence


def test_without_what_is_overdue_all_rows_are_spoken_of() -> None:
    label = np.array([1.0, 0.0, 1.0, 0.0])
    found = served(label, np.zeros(4, np.bool_), np.array([0.9, 0.2, 0.8, 0.9]), capacity=1)
    assert found.sentence == (
        "as served, by ARR at risk: of the 1 first on a date 50% are lost, 1.0 times as many as "
        "of all, with 50% of the ARR that is lost there"
    )


def test_the_order_served_is_by_arr_at_risk_and_then_by_probability() -> None:
    probability = np.array([0.9, 0.1, 0.99, 0.5])
    score = served_score(probability, np.array([100.0, 5000.0, np.nan, np.nan]))
    assert list(np.argsort(-score)) == [1, 0, 2, 3]


def test_figures_lie_within_their_intervals() -> None:
    generator = np.random.default_rng(3)
    score = generator.random(400)
    label = (generator.random(400) < score).astype(np.float64)
    found = served(label, generator.random(400) < 0.3, score, capacity=40)
    for figure in (found.overdue, found.precision, found.precision_open, found.lift_open):
        assert figure.low < figure.value < figure.high
    assert found.lift_open.low > 1.0
