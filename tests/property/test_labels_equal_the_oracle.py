"""Cohorts, labels and states equal a plain walk from day to day and from term to term."""

from __future__ import annotations

from pathlib import Path

from hypothesis import assume, event, given

from features.state import read_states
from tests.property.answer import open_answer, open_rows, plain, read_rows
from tests.property.company import Company, Row, companies
from tests.property.oracle_label import churn_rows, renewal_rows
from tests.property.oracle_state import states_of


def _sorted(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["account_id"], str(row["contract_id"])))


@given(company=companies())
def test_churn_rows_equal_a_plain_walk(company: Company, spill: Path) -> None:
    source = open_rows(company, spill)
    churn = company.settings["labels"]["churn"]
    names = "account_id, contract_id, too_late, label, left_on, label_known_at"
    for as_of in company.dates:
        found = read_rows(source, f"SELECT {names} FROM churn_row WHERE as_of = '{as_of}'")
        expected = _sorted(churn_rows(company, as_of))
        if churn["by"] != ["contract"]:  # how long after the horizon a silence begins matters not
            for row in found + expected:
                del row["left_on"]
        assert _sorted(found) == expected, as_of
        for row in expected:
            event(f"label {row['label']}, too late: {row['too_late']}")


@given(company=companies())
def test_renewal_rows_equal_a_plain_walk(company: Company, spill: Path) -> None:
    assume(company.settings["labels"]["renewal"] is not None)
    source = open_rows(company, spill)
    names = "account_id, contract_id, decision_date, overdue, label, outcome, label_known_at"
    for as_of in company.dates:
        found = read_rows(source, f"SELECT {names} FROM renewal_row WHERE as_of = '{as_of}'")
        expected = _sorted(renewal_rows(company, as_of))
        assert _sorted(found) == expected, as_of
        for row in expected:
            event(row["outcome"])


@given(company=companies())
def test_states_equal_a_plain_walk(company: Company, spill: Path) -> None:
    source, _ = open_answer(company, spill)
    for as_of in company.dates:
        expected = states_of(company, as_of)
        frame = read_states(source, as_of)
        names = list(expected[0]) if expected else ["account_id"]
        rows = [{name: plain(row[name]) for name in names} for row in frame.to_dict("records")]
        assert rows == expected, as_of
        for row in expected:
            event(row["state"])
