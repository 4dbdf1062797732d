"""Sums that are shown add up, whatever is rounded."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.account_figure import write_figure
from serving.account_ledger import wilson
from serving.account_sum import round_sum
from serving.crm_link import find_problems, link_crm
from serving.page_language import load_languages

SHARES = st.floats(0.0, 1.0)


@given(SHARES, st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=9), SHARES)
def test_shown_parts_add_up_and_none_is_further_off_than_two_units(
    start: float, parts: list[float], end: float
) -> None:
    exact = [*parts, end - start - math.fsum(parts)]
    rounded = round_sum(start, exact, end)
    assert rounded.start + sum(rounded.parts) == rounded.end
    unit = 0.01 / 10**rounded.digits
    for shown, part in zip(rounded.parts, exact, strict=True):
        assert abs(shown * unit - part) < 2 * unit


def test_small_shares_are_told_to_a_tenth_of_a_point() -> None:
    rounded = round_sum(0.042, [-0.01, -0.0165], 0.0155)
    assert (rounded.digits, rounded.start, rounded.end) == (1, 42, 16)
    assert sum(rounded.parts) == -26


def test_the_interval_of_a_share_is_wilsons() -> None:
    low, high = wilson(0.5, 100)
    assert (round(low, 4), round(high, 4)) == (0.4038, 0.5962)
    assert wilson(0.0, 50)[0] == 0.0
    assert wilson(1.0, 50)[1] == 1.0


@pytest.mark.parametrize(
    "template",
    ["http://crm.example.com/{external_id}", "https://crm.example.com/",
     "https://{external_id}.example.com/", "https://crm.example.com/{name}", "javascript:alert(1)",
     "https://crm.example.com/{external_id!r}", "https://crm.example.com/{external_id",
     "https://crm.example.com@{account_id}/", "https://crm.example.com/{external_id} x"],
)  # fmt: skip
def test_a_template_that_leads_elsewhere_or_nowhere_is_refused(template: str) -> None:
    (problem,) = find_problems(template)
    assert "https://" in problem.remedy


def test_ids_are_percent_encoded_and_a_missing_one_gives_no_link() -> None:
    template = "https://crm.example.com/a?id={external_id}"
    assert not find_problems(template)
    assert link_crm(template, "A", "0/ü&x=1") == "https://crm.example.com/a?id=0%2F%C3%BC%26x%3D1"
    assert link_crm(template, "A", None) is None
    assert link_crm(None, "A", "1") is None


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.049, "actions per seat", "<0.1"),
        (0.06, "actions per seat", "0.1"),
        (0.0, "actions per seat", "0"),
        (-0.01, "actions per seat", "0"),
        (0.004, "ratio", "<1%"),
        (0.997, "ratio", ">99%"),
        (79.8, "days", "80"),
        (9.8, "days", "9.8"),
        (1.29, "ratio", "129%"),
        (1234.5, "events", "1,234"),
    ],
)
def test_a_figure_is_no_nothing_that_is_not_and_no_more_exact_than_a_page(
    value: float, unit: str, expected: str
) -> None:
    assert write_figure(value, unit, load_languages()["en"].formats) == expected
