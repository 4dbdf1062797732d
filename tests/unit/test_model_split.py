"""Which rows train and which rows judge."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from models.split import judged_dates, split_rows
from models.table import ModelTable
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
    assert split_rows(table).test_from == mature[-2].date()


def test_a_date_of_the_configuration_is_tested_on_and_after() -> None:
    table = make_table()
    split = split_rows(table, test_from=date(2025, 3, 15))
    assert split.test_from == date(2025, 4, 1)
    assert table.rows["label_known_at"][split.train].max() <= pd.Timestamp("2025-04-01")


def waiting(table: ModelTable, as_of: str, share: float) -> ModelTable:
    """The table with the last rows of one date not mature, as many as the share says."""
    places = np.flatnonzero(table.rows["as_of"] == pd.Timestamp(as_of))
    late = places[len(places) - round(share * len(places)) :]
    label, known = table.label.copy(), table.rows["label_known_at"].copy()
    label[late] = np.nan
    assert table.data_end is not None
    known.iloc[late] = pd.Timestamp(table.data_end) + pd.Timedelta(days=1)
    return with_rows(table, label=label, label_known_at=known)


def test_a_date_is_judged_once_95_percent_of_its_rows_are_mature() -> None:
    table = make_table()
    dates = judged_dates(table)
    assert list(dates) == sorted(table.rows["as_of"][table.mature].unique())
    assert list(judged_dates(waiting(table, "2025-09-01", 0.05))) == list(dates)
    assert list(judged_dates(waiting(table, "2025-09-01", 0.06))) == list(dates[:-1])


def test_mature_rows_of_a_date_that_is_mostly_not_are_not_tested_on() -> None:
    table = waiting(make_table(), "2025-09-01", 0.6)
    for split in (split_rows(table), split_rows(table, test_from=date(2025, 6, 1))):
        assert table.rows["as_of"][split.test].max() == pd.Timestamp("2025-08-01")
        assert table.rows["as_of"][split.beside].max() is pd.NaT
    assert (table.rows["as_of"][table.mature] == pd.Timestamp("2025-09-01")).sum() == 80


def test_rows_far_from_their_decision_are_tested_on_as_often_as_they_occur() -> None:
    table = make_table()
    lead = table.rows["days_to_renewal"].to_numpy()
    known = table.rows["as_of"] + pd.to_timedelta(lead + 31, unit="D")
    assert table.data_end is not None
    label = np.where(known <= pd.Timestamp(table.data_end), np.nan_to_num(table.label), np.nan)
    split = split_rows(with_rows(table, label=label, label_known_at=known))
    assert np.mean(lead[split.test] > 180) == pytest.approx(np.mean(lead > 180), abs=0.05)


def test_a_row_that_never_gets_a_label_keeps_no_date_from_being_judged() -> None:
    table = make_table()
    left_too_early = (np.arange(len(table)) // 24 % 3 == 0) & table.mature
    found = with_rows(table, label=np.where(left_too_early, np.nan, table.label))
    assert list(judged_dates(found)) == list(judged_dates(table))


def test_rows_that_are_not_mature_are_in_neither_part() -> None:
    table = make_table()
    split = split_rows(table)
    assert not (split.train & ~table.mature).any()
    assert not (split.test & ~table.mature).any()
    assert not (split.train & split.test).any()


def test_rows_outside_the_headline_train_but_are_not_tested_on() -> None:
    table = make_table()
    headline = np.arange(len(table)) // 24 % 2 == 0
    split = split_rows(with_rows(table, headline=headline))
    assert not (split.test & ~headline).any()
    assert (split.train & ~headline).any()


def test_rows_outside_the_headline_stand_beside_the_test_on_the_same_dates() -> None:
    table = make_table()
    headline = np.arange(len(table)) // 24 % 2 == 0
    split = split_rows(with_rows(table, headline=headline))
    as_of = table.rows["as_of"]
    assert not (split.beside & headline).any()
    assert set(as_of[split.beside]) == set(as_of[split.test])
    assert not (split.beside & split.train).any()


def test_a_single_mature_date_leaves_nothing_to_test_on() -> None:
    split = split_rows(make_table(months=1))
    assert split.test_from is None
    assert not split.train.any()
    assert not split.test.any()


def test_a_test_date_after_all_mature_rows_leaves_nothing_to_test_on() -> None:
    assert not split_rows(make_table(), test_from=date(2030, 1, 1)).test.any()
