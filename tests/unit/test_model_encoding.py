"""From feature columns to the booster's matrix."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.errors import InputError, InvariantError
from models.encoding import fit_encoding


def features() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "logins": [1.0, np.nan, 3.0],
            "plan": pd.Series(["pro", None, "basic"], dtype=object),
            "active": [True, False, True],
            "same": [7, 7, 7],
            "empty": pd.Series([None, None, None], dtype=object),
        }
    )


def test_categories_get_stable_codes_in_the_order_of_their_names() -> None:
    encoding, _ = fit_encoding(features())
    assert encoding.categories == {"plan": ("basic", "pro")}
    np.testing.assert_array_equal(
        encoding.encode(features()).to_numpy(),
        [[1.0, 1.0, 1.0], [np.nan, np.nan, 0.0], [3.0, 0.0, 1.0]],
    )


def test_an_unseen_category_is_missing() -> None:
    encoding, _ = fit_encoding(features())
    found = encoding.encode(features().assign(plan=pd.Series(["pro", "gold", None], dtype=object)))
    np.testing.assert_array_equal(found["plan"], [1.0, np.nan, np.nan])


def test_strings_of_either_dtype_are_encoded_alike() -> None:
    encoding, _ = fit_encoding(features())
    table = features().assign(plan=pd.Series(["pro", None, "basic"], dtype="str"))
    assert fit_encoding(table)[0] == encoding
    pd.testing.assert_frame_equal(encoding.encode(table), encoding.encode(features()))


def test_constant_columns_are_left_out_with_a_notice() -> None:
    encoding, notices = fit_encoding(features())
    assert encoding.columns == ("logins", "plan", "active")
    assert notices == (
        "feature same is left out: the same in all 3 rows",
        "feature empty is left out: missing in all 3 rows",
    )


def test_a_column_whose_only_news_is_that_it_is_missing_is_kept() -> None:
    encoding, _ = fit_encoding(pd.DataFrame({"nps": [9.0, np.nan, 9.0]}))
    assert encoding.columns == ("nps",)


def test_columns_are_matched_by_name_and_a_missing_one_is_an_error() -> None:
    encoding, _ = fit_encoding(features())
    turned = features()[["active", "plan", "logins"]]
    pd.testing.assert_frame_equal(encoding.encode(turned), encoding.encode(features()))
    with pytest.raises(InvariantError, match="logins are missing"):
        encoding.encode(turned.drop(columns="logins"))


def test_names_that_the_booster_cannot_carry_are_all_reported() -> None:
    table = pd.DataFrame({"a b": [1, 2], "c": [1, 2], "d:e": [1, 2]})
    with pytest.raises(InputError) as caught:
        fit_encoding(table)
    assert [problem.column for problem in caught.value.problems] == ["a b", "d:e"]
