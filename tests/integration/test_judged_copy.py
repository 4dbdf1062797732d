"""Which copy of a model in a bundle may speak of a past date."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import InputError
from models.bundle import JUDGED_FILE, Bundle, describe, read_bundle, read_refits, write_bundle
from models.judged_copy import copy_for, earliest_date
from models.tier import Thresholds
from tests.integration.trained import PROVENANCE, trained_model
from tests.model_rows import DATA_END, make_table

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write(tmp_path_factory.mktemp("bundles") / "churn" / "1")


def write(folder: Path) -> Bundle:
    trained = trained_model()
    write_bundle(
        folder,
        predictor=trained.shipped.predictor,
        judged=trained.judged.predictor,
        card=describe(trained, PROVENANCE, version="1", thresholds=Thresholds(0.4, 0.2)),
        golden=trained.golden,
        refits=trained.refits,
    )
    return read_bundle(folder)


def known_by(bundle: Bundle) -> date:
    day = bundle.card.judged_from
    assert day is not None
    return day


def test_the_copy_in_use_speaks_from_its_own_data_end_on(bundle: Bundle) -> None:
    assert copy_for(bundle, DATA_END) is bundle
    assert copy_for(bundle, DATA_END + DAY) is bundle


@pytest.mark.parametrize("as_of", ["first", "last"])
def test_before_that_the_judged_copy_speaks_with_a_card_of_what_it_learnt(
    bundle: Bundle, as_of: str
) -> None:
    found = copy_for(bundle, known_by(bundle) if as_of == "first" else DATA_END - DAY)
    assert found is not None
    trained, features = trained_model(), make_table().features
    expected = trained.judged.predictor.probability(features)
    np.testing.assert_array_equal(found.predictor.probability(features), expected)
    assert not np.array_equal(bundle.predictor.probability(features), expected)
    card, learnt = found.card, trained.report.train
    assert (found.copy, card.data_end) == ("judged", known_by(bundle))
    assert (card.rows, card.positives) == (learnt.rows, learnt.positives)
    assert (card.first_as_of, card.last_as_of) == (learnt.first.date(), learnt.last.date())


def test_every_row_of_the_judged_copy_is_earlier_and_its_label_was_known_by_then(
    bundle: Bundle,
) -> None:
    rows, day = trained_model().train.rows, pd.Timestamp(known_by(bundle))
    assert (rows["as_of"] < day).all()
    assert (rows["label_known_at"] <= day).all()


def test_a_day_within_what_the_judged_copy_learnt_from_has_no_copy(bundle: Bundle) -> None:
    assert copy_for(bundle, known_by(bundle) - DAY) is None
    assert earliest_date(bundle) == known_by(bundle)


def test_the_judged_copy_has_no_refits_for_these_know_more(bundle: Bundle) -> None:
    found = copy_for(bundle, known_by(bundle))
    assert found is not None
    assert read_refits(bundle) is not None
    assert read_refits(found) is None


def test_a_bundle_without_a_judged_copy_speaks_from_its_data_end_on(bundle: Bundle) -> None:
    card = bundle.card
    files = {name: digest for name, digest in card.files.items() if name != JUDGED_FILE}
    old = replace(bundle, card=card.model_copy(update={"files": files}))
    assert copy_for(old, DATA_END - DAY) is None
    assert earliest_date(old) == DATA_END


def test_a_model_of_rows_without_dates_is_bound_to_none(bundle: Bundle) -> None:
    undated = {"data_end": None, "judged_from": None}
    old = replace(bundle, card=bundle.card.model_copy(update=undated))
    assert copy_for(old, date(2000, 1, 1)) is old
    assert earliest_date(old) is None


def test_a_judged_copy_that_was_changed_is_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "churn" / "1")
    (whole.folder / JUDGED_FILE).write_text("{}")
    with pytest.raises(InputError, match="its sha256 is not the one in"):
        copy_for(whole, known_by(whole))
