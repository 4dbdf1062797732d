"""The API description says what the API does."""

from __future__ import annotations

from typing import Any

import pytest

from serving.application import create_app
from serving.cursor import Cursor, decode_cursor
from serving.example import ACCOUNT_RISK
from serving.problem import KINDS, MEDIA_TYPE
from serving.response import AccountRisk
from serving.settings import Settings


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return create_app(Settings(store_url="sqlite:///nowhere/store.db")).openapi()


def operations(description: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: operation
        for path in description["paths"].values()
        for operation in path.values()
    }


def test_operation_ids_are_stable(description: dict[str, Any]) -> None:
    assert set(operations(description)) == {
        "get_account_risk",
        "list_accounts",
        "get_livez",
        "get_readyz",
    }
    assert "/v1/accounts/{account_id}/risk" in description["paths"]


def test_every_error_is_described_as_a_problem_document(description: dict[str, Any]) -> None:
    statuses = set()
    for operation in operations(description).values():
        for status, response in operation["responses"].items():
            if status != "200":
                statuses.add(int(status))
                (media_type,) = response["content"]
                assert media_type == MEDIA_TYPE
                reference = response["content"][media_type]["schema"]["$ref"]
                assert reference.endswith("/ProblemDocument")
    assert statuses == {kind.status for kind in KINDS} - {405}


def test_the_description_is_built_once_and_is_the_same_again() -> None:
    app = create_app(Settings(store_url="sqlite:///nowhere/store.db"))
    assert app.openapi() == app.openapi()


def test_the_example_is_a_whole_answer() -> None:
    assert AccountRisk.model_validate(ACCOUNT_RISK).model_dump(mode="json") == ACCOUNT_RISK
    assert list(ACCOUNT_RISK) == list(AccountRisk.model_fields)


def test_nothing_is_just_called_score(description: dict[str, Any]) -> None:
    for schema in description["components"]["schemas"].values():
        assert "score" not in schema.get("properties", {})


def test_a_cursor_comes_back_as_it_was_written() -> None:
    for rank in (0, 1, 500, 999_999_999):
        cursor = Cursor("1m803jec5jhpb", rank)
        assert decode_cursor(cursor.encode()) == cursor


@pytest.mark.parametrize("rank", [-1, 10**9, 10**30])
def test_a_forged_cursor_outside_any_ranking_is_not_read(rank: int) -> None:
    assert decode_cursor(Cursor("1m803jec5jhpb", rank).encode()) is None
    assert decode_cursor(Cursor("x' OR 1=1 --.", 1).encode()) is None
