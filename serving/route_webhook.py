"""Targets of webhooks: added, seen and removed by who holds a key with ``admin``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
from fastapi import Request
from starlette.responses import Response

from features.errors import InputError
from models.row_filter import RowFilter
from models.webhook import Target, make_target
from models.webhook_store import STATES, WebhookStore
from serving.endpoint import GUARDED, READS, fails, get_shelves, make_router, require
from serving.example import NEW_SECRET, NEW_TARGET, SECRET_REQUEST, TARGET_REQUEST, TARGETS
from serving.parameter import Admin
from serving.problem import STORE_AWAY, UNKNOWN_TARGET, RequestError, field_fault
from serving.reply import reply
from serving.response_webhook import (
    NewTarget,
    SecretRequest,
    TargetAnswer,
    TargetList,
    TargetRequest,
)

router = make_router("webhooks")

PARTS = {"row filter": "row_filter"}  # of a request, by what problems call them


@router.get(
    "/v1/webhooks",
    operation_id="list_webhooks",
    summary="Targets of webhooks",
    responses={
        **GUARDED,
        200: {"model": TargetList, "content": {"application/json": {"example": TARGETS}}},
    },
)
async def list_webhooks(request: Request, caller: Admin) -> Response:  # noqa: ARG001
    """Every target, how it stands, and what is waiting or dead."""
    hooks, run = _hooks(request), get_shelves(request).run
    targets, counts = await run(hooks.targets), await run(hooks.counts)
    told = [_tell(one, counts.get(one.target_id, {})) for one in targets]
    return await reply(request, orjson.dumps({"targets": told}))


@router.post(
    "/v1/webhooks",
    operation_id="add_webhook",
    summary="Add a target of webhooks",
    status_code=201,
    responses={
        **GUARDED,
        **READS,
        201: {"model": NewTarget, "content": {"application/json": {"example": NEW_TARGET}}},
    },
    openapi_extra={
        "requestBody": {"content": {"application/json": {"example": TARGET_REQUEST}}},
    },
)
async def add_webhook(request: Request, caller: Admin, asked: TargetRequest) -> Response:
    """It is told of what changes from now on. Private targets are added on the command line."""
    if "owner" in asked.row_filter:
        require(caller, "people:read")
    hooks, shelves = _hooks(request), get_shelves(request)
    shelf = await shelves.get()
    try:
        target = make_target(
            asked.name,
            asked.url,
            RowFilter(asked.row_filter),
            now=datetime.now(UTC),
            told_up_to=None if shelf is None else shelf.snapshot_id,
            via_api=True,
        )
    except InputError as fault:
        raise RequestError.of_fields(
            [
                field_fault(("body", PARTS.get(one.table) or one.column), one.rule)
                for one in fault.problems
            ]
        ) from None
    await shelves.run(lambda: hooks.add(target))
    return await _show_secret(request, target, {}, status=201)


@router.post(
    "/v1/webhooks/{target_id}/secret",
    operation_id="rotate_webhook_secret",
    summary="Give a target of webhooks a new secret",
    responses={
        **GUARDED,
        **fails(404),
        **READS,
        200: {"model": NewTarget, "content": {"application/json": {"example": NEW_SECRET}}},
    },
    openapi_extra={
        "requestBody": {"content": {"application/json": {"example": SECRET_REQUEST}}},
    },
)
async def rotate_webhook_secret(
    request: Request,
    caller: Admin,  # noqa: ARG001
    target_id: str,
    asked: SecretRequest,
) -> Response:
    """Messages carry a signature by each of both secrets until the old one ends."""
    hooks, run = await _hooks_of(request, target_id), get_shelves(request).run
    overlap = timedelta(hours=asked.overlap_hours)
    target = await run(lambda: hooks.rotate(target_id, now=datetime.now(UTC), overlap=overlap))
    counts = await run(hooks.counts)
    return await _show_secret(request, target, counts.get(target_id, {}))


@router.delete(
    "/v1/webhooks/{target_id}",
    operation_id="remove_webhook",
    summary="Remove a target of webhooks",
    status_code=204,
    responses={**GUARDED, **fails(404)},
)
async def remove_webhook(
    request: Request,
    caller: Admin,  # noqa: ARG001
    target_id: str,
) -> Response:
    """With all that was to be sent to it."""
    hooks = await _hooks_of(request, target_id)
    await get_shelves(request).run(lambda: hooks.remove(target_id))
    return Response(status_code=204)


async def _show_secret(
    request: Request, target: Target, counts: dict[str, int], *, status: int = 200
) -> Response:
    body = orjson.dumps({**_tell(target, counts), "secret": target.secret})
    answer = await reply(request, body, status=status)
    answer.raw_headers.append((b"cache-control", b"no-store"))
    return answer


async def _hooks_of(request: Request, target_id: str) -> WebhookStore:
    """The targets, of which this is one.

    Raises
    ------
    RequestError
        It is none. What is no id at all is not there either, and is not repeated.
    """
    hooks = _hooks(request)
    targets = await get_shelves(request).run(hooks.targets)
    if not any(one.target_id == target_id for one in targets):
        raise RequestError(UNKNOWN_TARGET, "List them with: GET /v1/webhooks.")
    return hooks


def _tell(target: Target, counts: dict[str, int]) -> dict[str, object]:
    fields = {**target.to_json(), **{state: counts.get(state, 0) for state in STATES}}
    return {name: fields[name] for name in TargetAnswer.model_fields}


def _hooks(request: Request) -> WebhookStore:
    store = request.app.state.guards.service_store
    if store is None:
        raise RequestError(STORE_AWAY, "This service has no service store to keep it in.")
    return WebhookStore(store)
