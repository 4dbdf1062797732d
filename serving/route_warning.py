"""The warnings of an account, and muting them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi import Request
from starlette.responses import Response

from features.errors import InputError
from models.warning_mute import Mute, muted_on
from serving.caller import Caller
from serving.endpoint import get_shelf, get_shelves, make_router
from serving.entry import Entry
from serving.example import MUTE, MUTE_REQUEST, WARNINGS
from serving.lookup import unknown_account
from serving.parameter import AccountId, Reader, Voice
from serving.problem import RequestError, field_fault
from serving.reply import reply
from serving.response_warning import MuteAnswer, MuteRequest, WarningAnswer, WarningsAnswer
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

router = make_router("warnings")


@router.get(
    "/v1/accounts/{account_id:path}/warnings",
    operation_id="get_warnings",
    summary="The early warnings of an account",
    **describe_reading(WarningsAnswer, WARNINGS),
)
async def get_warnings(request: Request, caller: Reader, account_id: AccountId) -> Response:
    """Those of the current snapshot, with what is muted until when, and why."""
    shelf, store = await get_shelf(request), get_store(request)
    entry = await find_entry(request, caller, account_id)
    mutes = await get_shelves(request).run(lambda: store.mutes(entry.account_id))
    muted = muted_on(datetime.now(UTC).date(), mutes)
    told = []
    for alert in read_more(entry)["alerts"]:
        mute = muted.get((alert["rule"], alert["subject"]))
        shown = None if mute is None else _show(mute, caller)
        told.append(WarningAnswer.model_validate({**alert, "muted": shown}))
    answer = WarningsAnswer(
        company=shelf.header.company,
        snapshot_id=shelf.snapshot_id,
        account_id=entry.account_id,
        external_id=entry.external_id,
        warnings=told,
    )
    return await reply(request, orjson.dumps(answer.model_dump(mode="json")))


@router.post(
    "/v1/accounts/{account_id:path}/warnings/mute",
    operation_id="mute_warning",
    summary="Mute an early warning of an account until a day",
    **describe_writing(MuteAnswer, MUTE, MUTE_REQUEST),
)
async def mute_warning(
    request: Request,
    caller: Voice,
    account_id: AccountId,
    said: MuteRequest,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """For everyone who looks at the account. It stays a warning, and is told as muted."""
    store, now = get_store(request), datetime.now(UTC)
    entry = await find_entry(request, caller, account_id)
    attempt = read_attempt(request, caller, said, idempotency_key)
    if earlier := await recall_answer(request, store, attempt, now):
        return earlier
    known = {(alert["rule"], alert["subject"]) for alert in read_more(entry)["alerts"]}
    faults = []
    if (said.rule, said.subject) not in known:
        expected = "Must be rule and subject of a warning that the account has"
        faults.append(field_fault(("body", "rule"), expected))
    if said.until < now.date():
        expected = f"Must be today, {now.date()} in UTC, or later"
        faults.append(field_fault(("body", "until"), expected))
    if faults:
        raise RequestError.of_fields(faults)
    try:
        mute = Mute(
            account_id=entry.account_id, key_id=caller.key_id, created_at=now, **said.model_dump()
        )
    except InputError as fault:
        raise fault_of(fault) from None
    return await write_entry(request, store, mute, MuteAnswer, attempt)


async def find_entry(request: Request, caller: Caller, account_id: str) -> Entry:
    """An account of the current snapshot.

    Raises
    ------
    RequestError
        There is none, or none that the caller sees.
    """
    shelf = await get_shelf(request)
    entry = await get_shelves(request).ask(shelf, lambda: shelf.find(account_id))
    if entry is None or not caller.row_filter.admits(entry):
        raise unknown_account(shelf, account_id)
    return entry


def read_more(entry: Entry) -> dict[str, Any]:  # Any: JSON
    """The fields of an account that a ranked row does not have."""
    found: dict[str, Any] = orjson.loads(b"{" + entry.more[1:] + b"}")
    return found


def _show(mute: Mute, caller: Caller) -> MuteAnswer:
    told = MuteAnswer.model_validate(mute)
    return told if caller.may("people:read") else told.model_copy(update={"note": None})
