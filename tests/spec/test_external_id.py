"""Ids in the CRM: which accounts share one, and the two forms of Salesforce's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from features.salesforce import other_form, to_long_id
from tests.spec.found import Found, find_problems

Find = Callable[..., Found]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    return partial(find_problems, tmp_path / "spill")


def accounts(*rows: str) -> str:
    return "\n".join(["account_id | external_id", *rows])


def test_two_accounts_with_one_external_id_stop_the_run(find: Find) -> None:
    problem = find(accounts=accounts("A | X1", "B | X2", "C | X1", "D |")).only(
        "accounts.external_id"
    )
    assert (problem.action, problem.rows, problem.examples) == ("stop", 2, ("A", "C"))
    assert "one account" in problem.rule


def test_both_forms_of_a_salesforce_id_are_the_same_id(find: Find) -> None:
    found = find(accounts=accounts("A | 0015g00000XyZab", "B | 0015g00000XyZabAAF"))
    assert found.only("accounts.external_id").examples == ("A", "B")


def test_ids_that_differ_in_case_or_only_look_alike_are_two(find: Find) -> None:
    found = find(
        accounts=accounts(
            "A | 0015g00000XyZab",
            "B | 0015g00000xyzab",
            "C | 000000000000000012",
            "D | 000000000000000013",
            "E |",
            "F |",
        )
    )
    assert found.none("accounts.external_id")


def test_the_versions_of_an_account_share_their_id_and_may_pass_it_on(find: Find) -> None:
    rows = (
        "account_id | external_id | known_at",
        "A | X1 | 2024-01-01",
        "A | X1 | 2024-06-01",
        "A | X3 | 2025-01-01",
        "B | X1 | 2025-02-01",
    )
    assert find(accounts="\n".join(rows)).none("accounts.external_id")


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("0015g00000XyZab", "0015g00000XyZabAAF"),
        ("000000000000000", "000000000000000AAA"),
        ("ABCDEABCDEABCDE", "ABCDEABCDEABCDE555"),
        ("aaaaBaaaaBaaaaB", "aaaaBaaaaBaaaaBQQQ"),
    ],
)
def test_a_salesforce_id_has_two_forms(short: str, long: str) -> None:
    assert to_long_id(short) == long
    assert other_form(short) == long
    assert other_form(long) == short


@pytest.mark.parametrize(
    "text", ["", "0015g00000XyZa", "0015g00000XyZab\n", "0015g00000XyZä1", "0015g00000XyZabAAA"]
)
def test_what_is_no_salesforce_id_has_no_other_form(text: str) -> None:
    assert other_form(text) is None
