"""The promise of the as-of rows that training reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.errors import InvariantError
from tests.model_rows import make_table, with_rows


def test_rows_without_a_needed_column_are_refused() -> None:
    table = make_table(accounts=3, months=2)
    with pytest.raises(InvariantError, match="group_id, label"):
        replace(table, rows=table.rows.drop(columns=["label", "group_id"]))


def test_features_of_other_rows_are_refused() -> None:
    table = make_table(accounts=3, months=2)
    with pytest.raises(InvariantError, match="indexes"):
        replace(table, features=table.features.iloc[1:])


def test_labels_other_than_0_and_1_are_refused() -> None:
    with pytest.raises(InvariantError, match="labels"):
        with_rows(make_table(accounts=3, months=2), label=2.0)


def test_a_label_without_a_date_of_knowledge_is_refused() -> None:
    table = make_table(accounts=3, months=2)
    with pytest.raises(InvariantError, match="label_known_at"):
        with_rows(table, label_known_at=table.rows["label_known_at"].where(table.rows.index > 0))


def test_an_infinite_feature_is_refused() -> None:
    table = make_table(accounts=3, months=2)
    with pytest.raises(InvariantError, match="infinite"):
        replace(table, features=table.features.assign(noise=np.inf))


def test_columns_that_are_not_fixed_are_slices() -> None:
    assert make_table(accounts=3, months=2).slice_columns == ("segment",)


def test_a_part_keeps_rows_and_features_together() -> None:
    table = make_table(accounts=3, months=2)
    part = table.part(np.arange(len(table)) % 2 == 1)
    assert part.rows["account_id"].tolist() == ["A0", "A1", "A2"]
    assert part.features["noise"].tolist() == table.features["noise"][1::2].tolist()


def test_a_part_of_a_table_has_the_health_of_its_rows() -> None:
    table = make_table()
    health = np.arange(len(table)) / 100.0
    chosen = np.arange(len(table)) % 7 == 0
    part = replace(table, health=health).part(chosen)
    assert part.health is not None
    np.testing.assert_array_equal(part.health, health[chosen])
    with pytest.raises(InvariantError, match="rows and health have different lengths"):
        replace(table, health=health[1:])
