"""What a row filter admits, how it is written, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from features.errors import InputError
from models.account_score import AccountScore
from models.row_filter import EVERYTHING, FIELDS, MOST_VALUES, RowFilter, parse_conditions


def account(**fields: Any) -> AccountScore:
    return AccountScore(account_id="A1", state="no_term", **fields)


def test_the_empty_filter_admits_every_account() -> None:
    assert EVERYTHING.is_everything
    assert EVERYTHING.admits(account())
    assert EVERYTHING.admits(account(segment="smb"))


def test_values_of_a_field_are_alternatives_and_fields_must_all_hold() -> None:
    books = RowFilter({"segment": ["smb", "mid"], "region": ["emea"]})
    assert books.admits(account(segment="smb", region="emea"))
    assert books.admits(account(segment="mid", region="emea", owner="x"))
    assert not books.admits(account(segment="large", region="emea"))
    assert not books.admits(account(segment="smb", region="apac"))


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_that_is_not_known_matches_nothing(name: str) -> None:
    for value in ("x", "None", "null", "NULL"):
        assert not RowFilter({name: [value]}).admits(account())
    assert RowFilter({name: ["x"]}).admits(account(**{name: "x"}))


@pytest.mark.parametrize("other", ["SMB", "smb ", "sm", "smbs", "", "\uff53\uff4d\uff42"])
def test_texts_are_compared_letter_by_letter(other: str) -> None:
    assert not RowFilter({"segment": ["smb"]}).admits(account(segment=other))


def test_equal_filters_have_one_fingerprint_and_others_have_another() -> None:
    one = RowFilter({"segment": ["b", "a", "a"], "owner": ["x"]})
    same = RowFilter({"owner": {"x"}, "segment": ("a", "b")})
    assert one == same
    assert hash(one) == hash(same)
    assert one.fingerprint == same.fingerprint == "5ac1405ac4a5a6e4"
    others = [
        EVERYTHING,
        RowFilter({"segment": ["a", "b", "x"]}),
        RowFilter({"segment": ["a"], "owner": ["x"]}),
        RowFilter({"segment": ["a", "b"], "region": ["x"]}),
        RowFilter({"segment": ['a", "b'], "owner": ["x"]}),
    ]
    assert len({one.fingerprint, *(other.fingerprint for other in others)}) == 6


def test_a_filter_comes_back_from_its_json_as_it_was() -> None:
    for books in (EVERYTHING, RowFilter({"parent_id": ["P1", "ü"], "account_tier": ["gold"]})):
        assert RowFilter.parse(books.to_json()) == books


def test_options_say_a_filter_and_keep_what_follows_the_first_equals_sign() -> None:
    found = parse_conditions(["segment=smb", "segment=a=b", "owner=Ann Lee "])
    assert found == RowFilter({"segment": ["smb", "a=b"], "owner": ["Ann Lee "]})
    assert parse_conditions([]) is not None
    assert parse_conditions([]).is_everything


def test_everything_that_is_wrong_with_options_is_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        parse_conditions(["segment", "name=x", "owner=", "segment =smb"])
    value = (
        "each value must be a text of 1 to 512 characters that can be stored; write it as the "
        "accounts table gives it; an empty or unknown field matches none"
    )
    fields = "segment, account_tier, owner, region, parent_id"
    assert [str(problem) for problem in caught.value.problems] == [
        f"row filter: 'segment' has no value; write field=value, with one of {fields}",
        f"row filter: 'name' is no field to filter by; use one of {fields}",
        f"row filter.owner: {value}",
        f"row filter: 'segment ' is no field to filter by; use one of {fields}",
    ]


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "segment=smb",
        {"segment": "smb"},
        {"segment": []},
        {"segment": None},
        {"segment": [None]},
        {"segment": [1]},
        {"segment": [["a"]]},
        {"segment": ["a\x00"]},
        {"segment": ["\ud800"]},
        {"segment": ["x" * 513]},
        {"segment": ["x"] * (MOST_VALUES + 1)},
        {"Segment": ["smb"]},
        {1: ["smb"]},
    ],
)
def test_what_is_no_filter_is_refused_and_never_taken_for_everything(document: object) -> None:
    with pytest.raises(InputError):
        RowFilter.parse(document)
