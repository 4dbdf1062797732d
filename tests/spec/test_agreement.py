"""One row per agreement, cut into the terms by which it renews itself."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.spec.conftest import Look

LABELS = {"churn": {"horizon_days": 30, "grace_days": 5}, "renewal": {"grace_days": 5}}


def _days(column: pd.Series[pd.Timestamp]) -> list[str]:
    return [str(day.date()) for day in column]


def test_an_agreement_is_a_chain_of_terms(look: Look) -> None:
    contracts = """
        contract_id | start_date | term_months | terminated_at
        a           | 2025-01-31 | 1           | 2025-05-10
    """
    dates = ("2025-02-15", "2025-03-15", "2025-04-15", "2025-05-05")
    seen = look(*dates, contracts=contracts, labels=LABELS, rows="agreement")
    assert list(seen.renewal["contract_id"]) == ["a#1", "a#2", "a#3", "a#4"]
    assert list(seen.renewal["label"]) == [0, 0, 0, 1]
    assert list(seen.churn["terms_before"]) == [0, 1, 2, 3]
    ends = ["2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31"]
    assert _days(seen.renewal["decision_date"]) == ends
    assert list(seen.churn["label"]) == [0, 0, 1, 1]


@pytest.mark.parametrize("data_end", ["2025-04-21", "2025-12-01"])
def test_a_notice_is_known_the_same_whenever_the_data_ends(look: Look, data_end: str) -> None:
    contracts = """
        contract_id | start_date | term_months | notice_given_at
        a           | 2025-01-01 | 2           | 2025-04-20
    """
    seen = look(
        "2025-04-21", data_end=data_end, contracts=contracts, labels=LABELS, rows="agreement"
    )
    assert seen.only("states", "state") == "notice_given"


def test_a_term_is_not_known_before_its_agreement(look: Look) -> None:
    contracts = """
        contract_id | start_date | term_months | known_at
        a           | 2025-01-01 | 1           | 2025-03-20
    """
    seen = look("2025-03-20", "2025-03-21", contracts=contracts, labels=LABELS, rows="agreement")
    assert _days(seen.churn["as_of"]) == ["2025-03-21"]
