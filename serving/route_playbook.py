"""The playbooks that fit an account, and what was done with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from fastapi import Request
from starlette.responses import Response

from features.errors import InputError
from models.account_score import AccountScore
from models.page_reader import PageReader
from models.playbook_action import PlaybookAction
from models.playbook_cause import Causes, find_causes
from models.playbook_record import list_tasks
from serving.account_ledger import AccountLedger
from serving.endpoint import get_shelf, get_shelves, make_router
from serving.example import PLAYBOOK_ACTION, PLAYBOOK_REQUEST, PLAYBOOKS
from serving.parameter import AccountId, Reader, Voice
from serving.problem import RequestError, field_fault
from serving.reply import reply
from serving.response_warning import (
    AskingDriver,
    AskingWarning,
    PlaybookActionAnswer,
    PlaybookAnswer,
    PlaybookRequest,
    PlaybooksAnswer,
    TaskAnswer,
)
from serving.route_warning import find_entry
from serving.shelf import Shelf
from serving.stored_shelf import RemovedError
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

router = make_router("playbooks")
DOCUMENT = "playbooks"  # as the score run publishes it


@router.get(
    "/v1/accounts/{account_id:path}/playbooks",
    operation_id="get_playbooks",
    summary="What to do about an account, and what was done",
    **describe_reading(PlaybooksAnswer, PLAYBOOKS),
)
async def get_playbooks(request: Request, caller: Reader, account_id: AccountId) -> Response:
    """The two or three playbooks that fit, and every one that was taken up."""
    shelf, store = await get_shelf(request), get_store(request)
    entry = await find_entry(request, caller, account_id)
    actions = await get_shelves(request).run(lambda: store.playbook_actions(entry.account_id))
    score = await get_shelves(request).run(lambda: _read_score(request, shelf, entry.account_id))
    known = await _read_known(request, shelf.snapshot_id)
    today = datetime.now(UTC).date()
    told = [PlaybookActionAnswer.model_validate(action) for action in actions]
    if not caller.may("people:read"):
        told = [one.model_copy(update={"note": None}) for one in told]
    answer = PlaybooksAnswer(
        company=shelf.header.company,
        snapshot_id=shelf.snapshot_id,
        account_id=entry.account_id,
        external_id=entry.external_id,
        offered=[
            _offer(known[name], find_causes(score, name))
            for name in score.playbooks
            if name in known
        ],
        tasks=[
            TaskAnswer(
                playbook=task.playbook,
                status=task.status,
                started_on=task.started_on,
                due_on=task.due_on,
                ended_on=task.ended_on,
                overdue=task.is_overdue(today),
            )
            for task in list_tasks(actions)
        ],
        actions=told,
    )
    return await reply(request, orjson.dumps(answer.model_dump(mode="json")))


@router.post(
    "/v1/accounts/{account_id:path}/playbooks",
    operation_id="act_on_playbook",
    summary="Say that a playbook was started, done or dismissed",
    **describe_writing(PlaybookActionAnswer, PLAYBOOK_ACTION, PLAYBOOK_REQUEST),
)
async def act_on_playbook(
    request: Request,
    caller: Voice,
    account_id: AccountId,
    said: PlaybookRequest,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Any playbook of the company, be it offered or not. It changes no score."""
    shelf, store, now = await get_shelf(request), get_store(request), datetime.now(UTC)
    entry = await find_entry(request, caller, account_id)
    attempt = read_attempt(request, caller, said, idempotency_key)
    if earlier := await recall_answer(request, store, attempt, now):
        return earlier
    known, due_on = (await _read_known(request, shelf.snapshot_id)).get(said.playbook), said.due_on
    if known is None:
        expected = "Must be a playbook of the company"
        raise RequestError.of_fields([field_fault(("body", "playbook"), expected)])
    if due_on is not None and due_on < now.date():
        expected = f"Must be today, {now.date()} in UTC, or later"
        raise RequestError.of_fields([field_fault(("body", "due_on"), expected)])
    if due_on is None and said.status == "started":
        due_on = now.date() + timedelta(days=known["due_days"])
    try:
        action = PlaybookAction(
            account_id=entry.account_id,
            playbook=said.playbook,
            status=said.status,
            due_on=due_on,
            note=said.note,
            snapshot_id=shelf.snapshot_id,
            key_id=caller.key_id,
            created_at=now,
        )
    except InputError as fault:
        raise fault_of(fault) from None
    return await write_entry(request, store, action, PlaybookActionAnswer, attempt)


def _offer(playbook: dict[str, Any], causes: Causes) -> PlaybookAnswer:  # Any: JSON
    """A playbook with what asks for it."""
    return PlaybookAnswer(
        **playbook,
        drivers=[AskingDriver.model_validate(one) for one in causes.drivers],
        warnings=[AskingWarning.model_validate(one) for one in causes.alerts],
    )


def _read_score(request: Request, shelf: Shelf, account_id: str) -> AccountScore:
    """The whole account as it was published; blocks on the store."""
    ledger = AccountLedger(get_shelves(request).reader)
    score = ledger.score(shelf.snapshot_id, account_id)
    if score is None:
        raise RemovedError(f"snapshot {shelf.snapshot_id} was removed while it was read")
    return score


async def _read_known(request: Request, snapshot_id: str) -> dict[str, dict[str, Any]]:  # Any: JSON
    """The company's playbooks by name, as a snapshot was published with them."""
    shelves = get_shelves(request)
    reader = PageReader(shelves.reader)
    found = await shelves.run(lambda: reader.document(snapshot_id, DOCUMENT))
    return {one["name"]: one for one in found or []}
