"""The API description says what the API does."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from serving import example
from serving.application import create_app
from serving.cursor import Cursor, decode_cursor, mark_list
from serving.problem import KINDS, MEDIA_TYPE
from serving.response import AccountRisk
from serving.response_compute import RowsAnswer, RowsRequest
from serving.response_feedback import (
    FeedbackAnswer,
    FeedbackRequest,
    LossReasonAnswer,
    LossReasonRequest,
    SaidAnswer,
)
from serving.response_list import (
    AccountPage,
    BatchAnswer,
    HistoryAnswer,
    ModelDetail,
    PortfolioAnswer,
    SnapshotList,
    TrackRecordAnswer,
)
from serving.response_warning import (
    MuteAnswer,
    MuteRequest,
    PlaybookActionAnswer,
    PlaybookRequest,
    PlaybooksAnswer,
    WarningsAnswer,
)
from serving.response_webhook import NewTarget, SecretRequest, TargetList, TargetRequest
from serving.route_batch import BatchRequest
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
        "get_account_history",
        "get_external_risk",
        "get_external_history",
        "list_accounts",
        "batch_accounts",
        "give_feedback",
        "give_external_feedback",
        "get_feedback",
        "get_external_feedback",
        "give_loss_reason",
        "give_external_loss_reason",
        "get_warnings",
        "mute_warning",
        "get_playbooks",
        "act_on_playbook",
        "get_portfolio",
        "list_snapshots",
        "get_track_record",
        "get_model",
        "list_webhooks",
        "add_webhook",
        "rotate_webhook_secret",
        "remove_webhook",
        "score_rows",
        "get_livez",
        "get_readyz",
        "get_metrics",
    }
    assert "/v1/accounts/{account_id}/risk" in description["paths"]


def test_every_error_is_described_as_a_problem_document(description: dict[str, Any]) -> None:
    statuses = set()
    for operation in operations(description).values():
        for status, response in operation["responses"].items():
            if status not in ("200", "201", "204"):
                statuses.add(int(status))
                (media_type,) = response["content"]
                assert media_type == MEDIA_TYPE
                reference = response["content"][media_type]["schema"]["$ref"]
                assert reference.endswith("/ProblemDocument")
    assert statuses == {kind.status for kind in KINDS} - {405}


def test_whatever_reads_a_body_says_that_it_may_be_too_large_or_too_slow(
    description: dict[str, Any],
) -> None:
    reading = [one for one in operations(description).values() if "requestBody" in one]
    assert len(reading) == 10
    for operation in reading:
        assert {"408", "413"} <= set(operation["responses"]), operation["operationId"]


def test_the_description_is_built_once_and_is_the_same_again() -> None:
    app = create_app(Settings(store_url="sqlite:///nowhere/store.db"))
    assert app.openapi() == app.openapi()


@pytest.mark.parametrize(
    ("model", "example"),
    [
        (AccountRisk, example.ACCOUNT_RISK),
        (AccountPage, example.PAGE_OF_ACCOUNTS),
        (PortfolioAnswer, example.PORTFOLIO),
        (HistoryAnswer, example.HISTORY),
        (SnapshotList, example.SNAPSHOTS),
        (TrackRecordAnswer, example.TRACK_RECORD),
        (ModelDetail, example.MODEL),
        (FeedbackAnswer, example.FEEDBACK),
        (LossReasonAnswer, example.LOSS_REASON),
        (SaidAnswer, example.SAID),
        (WarningsAnswer, example.WARNINGS),
        (MuteAnswer, example.MUTE),
        (PlaybooksAnswer, example.PLAYBOOKS),
        (PlaybookActionAnswer, example.PLAYBOOK_ACTION),
        (TargetList, example.TARGETS),
        (NewTarget, example.NEW_TARGET),
        (NewTarget, example.NEW_SECRET),
        (RowsAnswer, example.ROWS),
    ],
)
def test_every_example_is_a_whole_answer(model: type[BaseModel], example: dict[str, Any]) -> None:
    assert model.model_validate(example).model_dump(mode="json") == example
    assert list(example) == list(model.model_fields)


def test_examples_are_described_with_what_is_null(description: dict[str, Any]) -> None:
    answer = operations(description)["get_account_risk"]["responses"]["200"]
    assert answer["content"]["application/json"]["example"] == example.ACCOUNT_RISK
    schemas = description["components"]["schemas"]
    for operation in operations(description).values():
        for response in operation["responses"].values():
            for told in response.get("content", {}).values():
                name = told.get("schema", {}).get("$ref", "").rpartition("/")[2]
                if "example" in told and name:
                    assert set(schemas[name].get("required", ())) <= set(told["example"])


def test_the_example_of_a_batch_has_what_was_asked_for_alone() -> None:
    told = BatchAnswer.model_validate(example.BATCH)
    assert told.model_dump(mode="json", exclude_unset=True) == example.BATCH
    assert BatchRequest.model_validate(example.BATCH_REQUEST)
    assert RowsRequest.model_validate(example.ROWS_REQUEST)


def test_the_examples_of_requests_are_taken() -> None:
    assert FeedbackRequest.model_validate(example.FEEDBACK_REQUEST)
    assert LossReasonRequest.model_validate(example.LOSS_REASON_REQUEST)
    assert TargetRequest.model_validate(example.TARGET_REQUEST)
    assert SecretRequest.model_validate(example.SECRET_REQUEST)
    assert MuteRequest.model_validate(example.MUTE_REQUEST)
    assert PlaybookRequest.model_validate(example.PLAYBOOK_REQUEST)


def test_nothing_is_just_called_score(description: dict[str, Any]) -> None:
    for schema in description["components"]["schemas"].values():
        assert "score" not in schema.get("properties", {})


def test_a_cursor_comes_back_as_it_was_written() -> None:
    for start in (0, 1, 500, 999_999_999):
        cursor = Cursor("1m803jec5jhpb", start, mark_list("k", start))
        assert decode_cursor(cursor.encode()) == cursor


@pytest.mark.parametrize("start", [-1, 10**9, 10**30])
def test_a_forged_cursor_outside_any_list_is_not_read(start: int) -> None:
    mark = mark_list("k")
    assert decode_cursor(Cursor("1m803jec5jhpb", start, mark).encode()) is None
    assert decode_cursor(Cursor("x' OR 1=1 --.", 1, mark).encode()) is None
    assert decode_cursor(Cursor("1m803jec5jhpb", 1, "x").encode()) is None
