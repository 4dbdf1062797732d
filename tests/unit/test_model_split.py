"""Which rows train and which rows judge."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from models.split import default_test_from, split_rows
from tests.model_rows import make_table, with_rows


def test_no_training_label_was_known_after_the_first_date_tested_on() -> None:
    table = make_table()
    split = split_rows(table)
    first = table.rows["as_of"][split.test].min()
    assert split.test_from == first.date()
    assert (table.rows["label_known_at"][split.train] <= first).all()
    assert (table.rows["as_of"][split.train] < first).all()
    assert split.train.any()


def test_by_default_the_last_fifth_of_the_mature_dates_is_tested_on() -> None:
    table = make_table()
    mature = sorted(table.rows["as_of"][table.mature].unique())
    tested = sorted(table.rows["as_of"][split_rows(table).test].unique())
    assert tested == mature[-len(tested) :]
    assert len(tested) == -(-len(mature) // 5)


@pytest.mark.parametrize("months", [6, 7])
def test_the_last_fifth_is_rounded_up(months: int) -> None:
    table = make_table(months=months)
    mature = sorted(table.rows["as_of"].unique())
    assert default_test_from(table) == mature[-2]


def test_a_date_of_the_configuration_is_tested_on_and_after() -> None:
    table = make_table()
    split = split_rows(table, test_from=date(2025, 3, 15))
    assert split.test_from == date(2025, 4, 1)
    assert table.rows["label_known_at"][split.train].max() <= pd.Timestamp("2025-04-01")


def test_rows_that_are_not_mature_are_in_neither_part() -> None:
    table = make_table()
    split = split_rows(table)
    assert not (split.train & ~table.mature).any()
    assert not (split.test & ~table.mature).any()
    assert not (split.train & split.test).any()


def test_rows_outside_the_headline_train_but_are_not_tested_on() -> None:
    table = make_table()
    headline = np.arange(len(table)) % 2 == 0
    split = split_rows(with_rows(table, headline=headline))
    assert not (split.test & ~headline).any()
    assert (split.train & ~headline).any()


def test_a_single_mature_date_leaves_nothing_to_test_on() -> None:
    split = split_rows(make_table(months=1))
    assert split.test_from is None
    assert not split.train.any()
    assert not split.test.any()


def test_a_test_date_after_all_mature_rows_leaves_nothing_to_test_on() -> None:
    assert not split_rows(make_table(), test_from=date(2030, 1, 1)).test.any()
