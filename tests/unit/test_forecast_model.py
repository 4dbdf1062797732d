"""The renewal model of a replay knows what was known on its day, and nothing later."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from pipelines.forecast_model import fit_as_of
from tests.model_rows import QUICK, make_table, with_rows

DAY = date(2025, 4, 1)


def test_labels_that_came_later_change_nothing() -> None:
    table = make_table()
    later = (table.rows["label_known_at"] > pd.Timestamp(DAY)).to_numpy() & table.mature
    turned = with_rows(table, label=np.where(later, 1.0 - table.label, table.label))
    assert later.any()
    first, second = (fit_as_of(t, DAY, settings=QUICK.training) for t in (table, turned))
    assert first is not None
    assert second is not None
    shown = table.features.head(200)
    assert (first.probability(shown) == second.probability(shown)).all()


def test_a_day_with_too_little_before_it_has_no_model() -> None:
    assert fit_as_of(make_table(), date(2024, 4, 1), settings=QUICK.training) is None
