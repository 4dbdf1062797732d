"""What came to pass in each tenth of the probabilities, with intervals over parents."""

from __future__ import annotations

import numpy as np
import pytest

from models.bootstrap import draw_groups
from models.reliability import observed_share, reliability


def test_a_tenth_holds_its_share_within_its_interval() -> None:
    label = np.r_[np.zeros(50), np.ones(50)]
    draws = draw_groups(np.arange(100).astype(object), replicates=200, seed=0)
    mean, share, low, high = reliability(label, np.linspace(0, 1, 100), draws)
    assert len(mean) == 10
    assert share.tolist() == [0.0] * 5 + [1.0] * 5
    assert ((low <= share) & (share <= high)).all()
    # None of ten was lost; that is no proof that none ever will be.
    assert high[0] == pytest.approx(1.96**2 / (10 + 1.96**2))
    assert low[-1] == pytest.approx(1 - high[0])


def test_rows_of_one_account_are_no_independent_witnesses() -> None:
    label = np.repeat(np.tile([0.0, 1.0, 0.0, 0.0], 10), 12)
    accounts = np.repeat(np.arange(40), 12).astype(object)
    rows = np.arange(480).astype(object)
    by_account, by_row = (
        observed_share(label, draw_groups(group, replicates=400, seed=0))
        for group in (accounts, rows)
    )
    assert by_account.value == by_row.value == 0.25
    assert by_account.high - by_account.low > 2.5 * (by_row.high - by_row.low)


def test_the_rows_of_a_tenth_keep_their_own_groups() -> None:
    generator = np.random.default_rng(0)
    probability = generator.random(400)
    label = (generator.random(400) < probability).astype(float)
    draws = draw_groups(np.repeat(np.arange(100), 4).astype(object), replicates=200, seed=0)
    mean, share, low, high = reliability(label, probability, draws)
    order = generator.permutation(400)
    shuffled = draw_groups(
        np.repeat(np.arange(100), 4)[order].astype(object), replicates=200, seed=0
    )
    again = reliability(label[order], probability[order], shuffled)
    np.testing.assert_allclose([mean, share, low, high], again)
