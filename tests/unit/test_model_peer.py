"""What is usual among an account's peers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.peer import peer_range, quartiles


def made_up(rows: int, seed: int = 0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    values = np.round(generator.normal(size=(rows, 4)), 1)
    values[generator.random((rows, 4)) < 0.3] = np.nan
    return pd.DataFrame(values, columns=list("abcd"))


def test_quartiles_are_those_of_numpy() -> None:
    for rows in (1, 2, 3, 4, 5, 99, 100):
        values = made_up(rows, seed=rows).to_numpy().copy()
        values[0] = 1.5  # no column of nothing but NaN, of which NumPy warns
        low, high = quartiles(values)
        np.testing.assert_allclose(low, np.nanquantile(values, 0.25, axis=0), atol=1e-15)
        np.testing.assert_allclose(high, np.nanquantile(values, 0.75, axis=0), atol=1e-15)


def test_a_column_of_which_nothing_is_known_has_no_range() -> None:
    for values in (np.full((5, 2), np.nan), np.zeros((0, 2))):
        low, high = quartiles(values)
        assert np.isnan(low).all()
        assert np.isnan(high).all()


def test_peers_are_the_segment_where_it_has_twenty_accounts_and_else_everybody() -> None:
    features = made_up(60).fillna(0.5)
    segment = pd.Series(["smb"] * 20 + ["key"] * 19 + [None] * 21, dtype=object)
    account = pd.Series([f"A{number}" for number in range(60)])
    found = peer_range(features, account, segment)
    of_segment, of_all = quartiles(features.to_numpy()[:20]), quartiles(features.to_numpy())
    for edge, own, everybody in zip((found.low, found.high), of_segment, of_all, strict=True):
        np.testing.assert_array_equal(edge[:20], np.tile(own, (20, 1)))
        np.testing.assert_array_equal(edge[20:], np.tile(everybody, (40, 1)))
    assert found.segment == ("smb",) * 20 + (None,) * 40


def test_twenty_contracts_of_fewer_accounts_are_no_twenty_peers() -> None:
    account = pd.Series([f"A{number // 2}" for number in range(20)])
    segment = pd.Series(["smb"] * 20, dtype=object)
    assert peer_range(made_up(20), account, segment).segment == (None,) * 20


def test_a_category_has_no_range() -> None:
    plan = pd.Series(["a", None] * 10, dtype=object)
    features = pd.DataFrame({"plan": plan, "seats": [1.0, 3.0] * 10})
    found = peer_range(features, pd.Series([f"A{number}" for number in range(20)]))
    assert np.isnan(found.low[:, 0]).all()
    np.testing.assert_array_equal(found.low[:, 1], [1.0] * 20)
    np.testing.assert_array_equal(found.high[:, 1], [3.0] * 20)


def test_fewer_than_twenty_known_values_are_no_range_wherever_they_are_looked_for() -> None:
    account = pd.Series([f"A{number}" for number in range(40)])
    segment = pd.Series(["smb"] * 20 + [None] * 20, dtype=object)
    seats = np.full(40, np.nan)
    seats[:19] = 7.0
    found = peer_range(pd.DataFrame({"seats": seats}), account, segment)
    assert np.isnan(found.low).all()
    assert np.isnan(found.high).all()
    few = peer_range(pd.DataFrame({"seats": np.ones(19)}), account[:19])
    assert np.isnan(few.low).all()
