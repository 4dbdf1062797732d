"""What people say of a score, and why an account was lost."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
from fastapi import Request
from starlette.responses import Response

from features.errors import InputError
from models.feedback import Feedback, LossReason
from serving.caller import Caller
from serving.endpoint import get_shelf, get_shelves, make_router
from serving.example import FEEDBACK, FEEDBACK_REQUEST, LOSS_REASON, LOSS_REASON_REQUEST, SAID
from serving.parameter import PAGE, AccountId, ExternalId, Limit, Reader, Voice
from serving.problem import NOT_LOST, RequestError, field_fault
from serving.reply import reply
from serving.response_feedback import (
    FeedbackAnswer,
    FeedbackRequest,
    LossReasonAnswer,
    LossReasonRequest,
    SaidAnswer,
)
from serving.subject import Subject, find_snapshot, find_subject
from serving.writing import (
    IdempotencyKey,
    describe_reading,
    describe_writing,
    fault_of,
    get_store,
    read_attempt,
    recall_answer,
    write_entry,
)

router = make_router("feedback")

FEEDBACK_ROUTE = describe_writing(FeedbackAnswer, FEEDBACK, FEEDBACK_REQUEST)
LOSS_ROUTE = describe_writing(LossReasonAnswer, LOSS_REASON, LOSS_REASON_REQUEST)
SAID_ROUTE = describe_reading(SaidAnswer, SAID)


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
    store, now = get_store(request), datetime.now(UTC)
    attempt = read_attempt(request, caller, said, key)
    if earlier := await recall_answer(request, store, attempt, now):
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
        raise fault_of(fault) from None
    return await write_entry(request, store, entry, FeedbackAnswer, attempt)


async def _give_loss_reason(
    request: Request, caller: Caller, about: Subject, said: LossReasonRequest, key: str | None
) -> Response:
    store, now = get_store(request), datetime.now(UTC)
    attempt = read_attempt(request, caller, said, key)
    if earlier := await recall_answer(request, store, attempt, now):
        return earlier
    if not about.is_lost:
        detail = "It is in the current snapshot and gave no notice: ask again once it is lost."
        raise RequestError(NOT_LOST, detail)
    entry = LossReason(
        account_id=about.account_id, reason=said.reason, key_id=caller.key_id, created_at=now
    )
    return await write_entry(request, store, entry, LossReasonAnswer, attempt)


async def _tell(request: Request, caller: Caller, about: Subject, limit: int) -> Response:
    store, shelf = get_store(request), await get_shelf(request)
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
