"""Contributions in points of probability, by feature and by group."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.account_score import AccountScore
from models.calibration import sigmoid
from models.driver import Explanation, point_rate, sum_groups


def made_up(rows: int = 500, features: int = 12) -> Explanation:
    contributions = np.random.default_rng(0).normal(scale=0.7, size=(rows, features))
    base = -2.3
    return Explanation(sigmoid(base + contributions.sum(axis=1)), contributions, base)


def test_points_add_up_to_the_probability_less_that_of_the_base() -> None:
    found = made_up()
    start = float(sigmoid(np.array(found.base)))
    np.testing.assert_allclose(
        found.points.sum(axis=1), found.probability - start, rtol=0, atol=1e-14
    )


def test_points_keep_the_sign_and_the_order_of_the_contributions() -> None:
    found = made_up()
    assert (np.sign(found.points) == np.sign(found.contributions)).all()
    np.testing.assert_array_equal(
        found.points.argsort(axis=1, kind="stable"),
        found.contributions.argsort(axis=1, kind="stable"),
    )


@pytest.mark.parametrize("distance", [0.0, 1e-15, -1e-9, 1e-7, -1e-3])
def test_contributions_that_cancel_out_have_the_slope_at_the_base(distance: float) -> None:
    start = float(sigmoid(np.array(-1.0)))
    rate = point_rate(-1.0, np.array([distance]))[0]
    assert rate == pytest.approx(start * (1 - start), rel=1e-3)


def test_groups_are_the_sums_of_their_features() -> None:
    contributions = np.array([[1.0, 2.0, 4.0], [0.5, 0.0, -1.0]])
    names, sums = sum_groups(contributions, ["usage", "contract", "usage"])
    assert names == ["usage", "contract"]
    np.testing.assert_array_equal(sums, [[5.0, 2.0], [-0.5, 0.0]])


def test_the_points_of_the_groups_of_an_account_add_up_too() -> None:
    found = made_up()
    for row in range(20):
        names, sums = sum_groups(found.contributions[row : row + 1], ["a", "b", "c"] * 4)
        score = AccountScore(
            account_id="A1",
            state="to_decide",
            loss_probability=float(found.probability[row]),
            contributions=dict(zip(names, sums[0].tolist(), strict=True)),
            base_log_odds=found.base,
        )
        assert score.base_probability is not None
        total = score.base_probability + math.fsum(group.points for group in score.groups)
        assert total == pytest.approx(score.loss_probability, abs=1e-14)
        strengths = [abs(group.contribution) for group in score.groups]
        assert strengths == sorted(strengths, reverse=True)
        rate = point_rate(found.base, found.contributions[row : row + 1].sum(axis=1))[0]
        for group in score.groups:
            assert group.points == pytest.approx(group.contribution * rate, abs=1e-14)


def test_an_account_without_a_probability_has_no_groups() -> None:
    score = AccountScore(account_id="A1", state="renewed")
    assert score.groups == ()
    assert score.base_probability is None
