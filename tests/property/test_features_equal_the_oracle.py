"""Every feature of every row equals a plain loop over the company's rows."""

from __future__ import annotations

from pathlib import Path

from hypothesis import event, given

from tests.property.answer import feature_rows, is_same, open_answer
from tests.property.company import Company, companies
from tests.property.oracle import features_of


@given(company=companies())
def test_every_feature_equals_a_plain_loop(company: Company, spill: Path) -> None:
    for dataset in open_answer(company, spill)[1].values():
        for key, found in feature_rows(dataset).items():
            expected = features_of(company, *key)
            event(f"{dataset.model} row")
            for name, value in found.items():
                assert is_same(value, expected[name]), (name, key, value, expected[name])
