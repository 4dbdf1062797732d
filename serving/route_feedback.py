"""What people say of a score, and why an account was lost."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import Header, Request
from pydantic import BaseModel
from starlette.responses import Response

from features.errors import InputError
from models.feedback import Feedback, LossReason
from models.feedback_store import LONGEST_IDEMPOTENCY_KEY, Attempt, FeedbackStore, Reply
from serving.caller import Caller
from serving.endpoint import GUARDED, READS, fails, get_shelf, get_shelves, make_router
from serving.example import FEEDBACK, FEEDBACK_REQUEST, LOSS_REASON, LOSS_REASON_REQUEST, SAID
from serving.parameter import PAGE, AccountId, ExternalId, Limit, Reader, Voice
from serving.problem import (
    KEY_REUSED,
    NOT_LOST,
    STORE_AWAY,
    RequestError,
    field_fault,
)
from serving.reply import reply
from serving.response_feedback import (
    FeedbackAnswer,
    FeedbackRequest,
    LossReasonAnswer,
    LossReasonRequest,
    SaidAnswer,
)
from serving.subject import Subject, find_snapshot, find_subject

router = make_router("feedback")

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Any text of the caller's choosing, new for each thing that is said. A request "
        "that comes again within 24 hours with the same text, path and body gets the first answer "
        "and changes nothing",
        min_length=1,
        max_length=LONGEST_IDEMPOTENCY_KEY,
        pattern=r"^[\x20-\x7e]+$",
    ),
]


def _writes(
    answer: type[BaseModel], example: object, asked: object
) -> dict[str, Any]:  # Any: FastAPI's
    """How a route that writes is described."""
    told = {"model": answer, "content": {"application/json": {"example": example}}}
    return {
        "status_code": 201,
        "responses": {**GUARDED, **READS, **fails(404, 409), 201: told},
        "openapi_extra": {"requestBody": {"content": {"application/json": {"example": asked}}}},
    }


FEEDBACK_ROUTE = _writes(FeedbackAnswer, FEEDBACK, FEEDBACK_REQUEST)
LOSS_ROUTE = _writes(LossReasonAnswer, LOSS_REASON, LOSS_REASON_REQUEST)
SAID_ROUTE: dict[str, Any] = {  # Any: FastAPI's
    "responses": {
        **GUARDED,
        **fails(404),
        200: {"model": SaidAnswer, "content": {"application/json": {"example": SAID}}},
    }
}


@router.post(
    "/v1/accounts/{account_id:path}/feedback",
    operation_id="give_feedback",
    summary="Say something about the score of an account",
    **FEEDBACK_ROUTE,
)
async def give_feedback(
    request: Request,
    caller: Voice,
    account_id: AccountId,
    said: FeedbackRequest,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Whether the score is right, what was done, or when to look again. It changes no score."""
    about = await find_subject(request, caller, account_id, is_external=False)
    return await _give_feedback(request, caller, about, said, idempotency_key)


@router.post(
    "/v1/external-ids/{external_id:path}/feedback",
    operation_id="give_external_feedback",
    summary="Say something about the score of an account, by its id in the CRM",
    **FEEDBACK_ROUTE,
)
async def give_external_feedback(
    request: Request,
    caller: Voice,
    external_id: ExternalId,
    said: FeedbackRequest,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The same as `give_feedback`."""
    about = await find_subject(request, caller, external_id, is_external=True)
    return await _give_feedback(request, caller, about, said, idempotency_key)


@router.get(
    "/v1/accounts/{account_id:path}/feedback",
    operation_id="get_feedback",
    summary="What was said about an account",
    **SAID_ROUTE,
)
async def get_feedback(
    request: Request, caller: Reader, account_id: AccountId, limit: Limit = PAGE
) -> Response:
    """Feedback, the newest first, and why the account was lost; also of one that is gone."""
    about = await find_subject(request, caller, account_id, is_external=False, also_gone=True)
    return await _tell(request, caller, about, limit)


@router.get(
    "/v1/external-ids/{external_id:path}/feedback",
    operation_id="get_external_feedback",
    summary="What was said about an account, by its id in the CRM",
    **SAID_ROUTE,
)
async def get_external_feedback(
    request: Request, caller: Reader, external_id: ExternalId, limit: Limit = PAGE
) -> Response:
    """The same as `get_feedback`."""
    about = await find_subject(request, caller, external_id, is_external=True, also_gone=True)
    return await _tell(request, caller, about, limit)


@router.post(
    "/v1/accounts/{account_id:path}/loss-reason",
    operation_id="give_loss_reason",
    summary="Say why an account was lost",
    **LOSS_ROUTE,
)
async def give_loss_reason(
    request: Request,
    caller: Voice,
    account_id: AccountId,
    said: LossReasonRequest,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Taken once the account is lost; never a feature of any model.

    Lost is an account that gave notice, or that an earlier snapshot holds and the current one does
    not: it is no customer any more, whatever the tables call it.
    """
    about = await find_subject(request, caller, account_id, is_external=False, also_gone=True)
    return await _give_loss_reason(request, caller, about, said, idempotency_key)


@router.post(
    "/v1/external-ids/{external_id:path}/loss-reason",
    operation_id="give_external_loss_reason",
    summary="Say why an account was lost, by its id in the CRM",
    **LOSS_ROUTE,
)
async def give_external_loss_reason(
    request: Request,
    caller: Voice,
    external_id: ExternalId,
    said: LossReasonRequest,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The same as `give_loss_reason`."""
    about = await find_subject(request, caller, external_id, is_external=True, also_gone=True)
    return await _give_loss_reason(request, caller, about, said, idempotency_key)


async def _give_feedback(
    request: Request, caller: Caller, about: Subject, said: FeedbackRequest, key: str | None
) -> Response:
    store, now = _store(request), datetime.now(UTC)
    attempt = _attempt(request, caller, said, key)
    if earlier := await _recall(request, store, attempt, now):
        return earlier
    snapshot_id = await find_snapshot(request, about, said.snapshot_id)
    if said.snooze_until is not None and said.snooze_until < now.date():
        expected = f"Must be today, {now.date()} in UTC, or later"
        raise RequestError.of_fields([field_fault(("body", "snooze_until"), expected)])
    try:
        entry = Feedback(
            snapshot_id=snapshot_id,
            account_id=about.account_id,
            key_id=caller.key_id,
            disposition=said.disposition,
            reason=said.reason,
            snooze_until=said.snooze_until,
            note=said.note,
            created_at=now,
        )
    except InputError as fault:
        raise RequestError.of_fields(
            [field_fault(("body", one.column), one.rule) for one in fault.problems]
        ) from None
    return await _write(request, store, entry, attempt)


async def _give_loss_reason(
    request: Request, caller: Caller, about: Subject, said: LossReasonRequest, key: str | None
) -> Response:
    store, now = _store(request), datetime.now(UTC)
    attempt = _attempt(request, caller, said, key)
    if earlier := await _recall(request, store, attempt, now):
        return earlier
    if not about.is_lost:
        detail = "It is in the current snapshot and gave no notice: ask again once it is lost."
        raise RequestError(NOT_LOST, detail)
    entry = LossReason(
        account_id=about.account_id, reason=said.reason, key_id=caller.key_id, created_at=now
    )
    return await _write(request, store, entry, attempt)


async def _write(
    request: Request, store: FeedbackStore, entry: Feedback | LossReason, attempt: Attempt | None
) -> Response:
    model = FeedbackAnswer if isinstance(entry, Feedback) else LossReasonAnswer
    body = orjson.dumps(model.model_validate(entry).model_dump(mode="json"))
    written = await get_shelves(request).run(lambda: store.add(entry, Reply(201, body), attempt))
    if written is None:
        raise RequestError(KEY_REUSED, "Send what is another request with a key of its own.")
    return await reply(request, written.body, status=written.status)


async def _tell(request: Request, caller: Caller, about: Subject, limit: int) -> Response:
    store, shelf = _store(request), await get_shelf(request)
    run = get_shelves(request).run
    said = await run(lambda: store.feedback(about.account_id, limit=limit))
    losses = await run(lambda: store.loss_reasons(about.account_id))
    told = [FeedbackAnswer.model_validate(one) for one in said]
    if not caller.may("people:read"):
        told = [one.model_copy(update={"note": None}) for one in told]
    answer = SaidAnswer(
        company=shelf.header.company,
        account_id=about.account_id,
        external_id=about.external_id,
        feedback=told,
        loss_reason=LossReasonAnswer.model_validate(losses[0]) if losses else None,
    )
    return await reply(request, orjson.dumps(answer.model_dump(mode="json")))


async def _recall(
    request: Request, store: FeedbackStore, attempt: Attempt | None, now: datetime
) -> Response | None:
    """The answer that this very request got before: what it named may be gone meanwhile."""
    if attempt is None:
        return None
    earlier = await get_shelves(request).run(lambda: store.recall(attempt, now))
    return None if earlier is None else await reply(request, earlier.body, status=earlier.status)


def _attempt(request: Request, caller: Caller, said: BaseModel, key: str | None) -> Attempt | None:
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise RequestError.of_fields(
            [field_fault(("header", "Idempotency-Key"), "Given more than once")]
        )
    if key is None:
        return None
    # The document, not its bytes: a client may put the same one in other words when it repeats.
    text = f"{request.method} {request.url.path}\n{said.model_dump_json()}"
    return Attempt(caller.key_id, key, hashlib.sha256(text.encode()).hexdigest())


def _store(request: Request) -> FeedbackStore:
    store = request.app.state.guards.service_store
    if store is None:
        raise RequestError(STORE_AWAY, "This service has no service store to keep it in.")
    return FeedbackStore(store)
