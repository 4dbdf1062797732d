"""Whatever Keepwell says of a company, it says the same on both engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.dataset import Dataset, ModelName, build_datasets
from features.settings import CompanySettings
from features.source import open_source
from features.spark import Spark
from tests.spark.dense import DATA_END, DATES, SETTINGS, write_tables

Datasets = dict[ModelName, Dataset]


def _datasets(engine: str, folder: Path, **changed: Any) -> Datasets:  # Any: sections
    written = {"tables": write_tables(folder / "data"), "time": {"data_end": DATA_END}}
    settings = CompanySettings.model_validate({**written, **SETTINGS, **changed, "engine": engine})
    source = open_source(settings, spill=folder)
    datasets = build_datasets(source, dates=list(DATES))
    if source.spark is not None:
        source.spark.close()
    return datasets


@pytest.fixture(scope="module")
def both(spark: Spark, tmp_path_factory: pytest.TempPathFactory) -> tuple[Datasets, Datasets]:
    """The dense company's datasets as DuckDB and as Spark make them."""
    del spark  # it is started for all
    folder = tmp_path_factory.mktemp("dense")
    return _datasets("duckdb", folder / "duckdb"), _datasets("spark", folder / "spark")


@pytest.mark.parametrize("model", ["churn", "renewal"])
def test_rows_and_labels_are_the_same_on_both_engines(
    both: tuple[Datasets, Datasets], model: ModelName
) -> None:
    expected, found = both[0][model].rows, both[1][model].rows
    assert len(expected) > 5
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("model", ["churn", "renewal"])
def test_every_feature_is_the_same_on_both_engines(
    both: tuple[Datasets, Datasets], model: ModelName
) -> None:
    expected, found = both[0][model].features, both[1][model].features
    assert list(found.columns) == list(expected.columns)
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-9, atol=1e-12)


def test_nearly_every_feature_has_a_value_to_compare(both: tuple[Datasets, Datasets]) -> None:
    features = pd.concat([both[0]["churn"].features, both[0]["renewal"].features])
    empty = [name for name in features.columns if features[name].isna().all()]
    assert not empty
    assert not both[0]["churn"].catalogue.left_out


@pytest.mark.parametrize("grain", ["week", "month"])
def test_a_coarser_grain_is_the_same_on_both_engines(
    spark: Spark, tmp_path: Path, grain: str
) -> None:
    del spark
    labels = {"churn": {"by": ["contract"]}}
    changed = {"time": {"grain": grain, "data_end": DATA_END}, "labels": labels}
    expected = _datasets("duckdb", tmp_path / "duckdb", **changed)["churn"].features
    found = _datasets("spark", tmp_path / "spark", **changed)["churn"].features
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-9, atol=1e-12)
