"""Rows whose account was worked on within the label's span are told apart."""

from __future__ import annotations

import pytest

from tests.spec.conftest import Look

CONTRACTS = """
    start_date | end_date
    2025-01-01 | 2025-12-01
"""


@pytest.mark.parametrize(
    ("day", "status", "expected"),
    [
        ("2025-05-31", "done", "no"),
        ("2025-06-01", "done", "yes"),
        ("2025-06-01", "", "yes"),
        ("2025-06-01", "declined", "no"),
        ("2025-08-29", "done", "yes"),
        ("2025-08-30", "done", "no"),
    ],
)
def test_the_span_of_a_churn_label_is_lead_and_horizon_from_the_as_of_date(
    day: str, status: str, expected: str, look: Look
) -> None:
    seen = look(
        "2025-06-01",
        contracts=CONTRACTS,
        interventions=f"ts | status\n{day} | {status}",
        labels={"churn": {"horizon_days": 90}},
    )
    assert seen.only("churn", "worked_on") == expected


@pytest.mark.parametrize(("day", "expected"), [("2025-12-31", "yes"), ("2026-01-01", "no")])
def test_the_span_of_a_renewal_label_ends_when_it_is_known(
    day: str, expected: str, look: Look
) -> None:
    seen = look(
        "2025-10-01",
        data_end="2026-06-01",
        contracts=CONTRACTS,
        interventions=f"ts | status\n{day} | done",
        labels={"renewal": {"max_lead_days": 180, "grace_days": 30}},
    )
    assert seen.only("renewal", "worked_on") == expected


def test_without_the_table_nothing_is_said(look: Look) -> None:
    seen = look("2025-06-01", contracts=CONTRACTS)
    assert "worked_on" not in seen.churn
