"""Every feature has the values that stand in its spec on Spark too."""

from __future__ import annotations

import pytest

from features.spark import Spark
from tests.spec.feature_spec import expectations
from tests.spec.feature_value import Found, deviations, find_values


@pytest.fixture(scope="session")
def found(spark: Spark, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Every feature of every written account, as Spark computes them."""
    del spark  # it is started for all
    return find_values(tmp_path_factory.mktemp("spec"), engine="spark")


@pytest.mark.parametrize("feature", expectations())
def test_a_feature_has_the_values_of_its_spec_on_spark(found: Found, feature: str) -> None:
    assert not deviations(found, feature)
