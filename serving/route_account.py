"""One account: its risk and its history, by either id."""

from __future__ import annotations

import orjson
from fastapi import Request
from starlette.responses import Response

from features.errors import InvariantError
from models.snapshot_reader import Moment
from serving.caller import Caller
from serving.endpoint import GUARDED, fails, get_shelf, get_shelves, make_router
from serving.example import ACCOUNT_RISK, HISTORY
from serving.parameter import PAGE, AccountId, ExternalId, Limit, Reader
from serving.reply import reply
from serving.response import AccountRisk
from serving.response_list import HistoryAnswer, MomentAnswer
from serving.subject import Subject, find_subject

router = make_router("accounts")

RISK = {
    **GUARDED,
    **fails(404),
    200: {"model": AccountRisk, "content": {"application/json": {"example": ACCOUNT_RISK}}},
}
PAST = {
    **GUARDED,
    **fails(404),
    200: {"model": HistoryAnswer, "content": {"application/json": {"example": HISTORY}}},
}
MOMENT = tuple(MomentAnswer.model_fields)


@router.get(
    "/v1/accounts/{account_id:path}/risk",
    operation_id="get_account_risk",
    summary="Risk of one account",
    responses=RISK,
)
async def get_account_risk(
    caller: Reader,  # noqa: ARG001  these two describe the request
    account_id: AccountId,  # noqa: ARG001
) -> Response:
    """How likely the account is to be lost, what that costs, and why, in the current snapshot."""
    raise InvariantError("lookups are answered by the gate, see serving.lookup")


@router.get(
    "/v1/external-ids/{external_id:path}/risk",
    operation_id="get_external_risk",
    summary="Risk of one account, by its id in the CRM",
    responses=RISK,
)
async def get_external_risk(
    caller: Reader,  # noqa: ARG001  these two describe the request
    external_id: ExternalId,  # noqa: ARG001
) -> Response:
    """The same as `get_account_risk`."""
    raise InvariantError("lookups are answered by the gate, see serving.lookup")


@router.get(
    "/v1/accounts/{account_id:path}/history",
    operation_id="get_account_history",
    summary="History of one account",
    responses=PAST,
)
async def get_account_history(
    request: Request, caller: Reader, account_id: AccountId, limit: Limit = PAGE
) -> Response:
    """What the snapshots that are kept said of the account, the newest first.

    One that the current snapshot does not hold any more is told as gone, to whom could see it in
    the last one that did.
    """
    return await _answer_history(request, caller, account_id, limit, is_external=False)


@router.get(
    "/v1/external-ids/{external_id:path}/history",
    operation_id="get_external_history",
    summary="History of one account, by its id in the CRM",
    responses=PAST,
)
async def get_external_history(
    request: Request, caller: Reader, external_id: ExternalId, limit: Limit = PAGE
) -> Response:
    """The same as `get_account_history`."""
    return await _answer_history(request, caller, external_id, limit, is_external=True)


async def _answer_history(
    request: Request, caller: Caller, identifier: str, limit: int, *, is_external: bool
) -> Response:
    # Who may see the account as it was last told, sees all its past.
    about = await find_subject(request, caller, identifier, is_external=is_external, also_gone=True)
    shelf, shelves = await get_shelf(request), get_shelves(request)
    company = shelf.header.company
    moments = await shelves.run(
        lambda: shelves.reader.history(company, about.account_id, limit=limit)
    )
    return await reply(request, _render(company, about, moments))


def _render(company: str, about: Subject, moments: list[Moment]) -> bytes:
    return orjson.dumps(
        {
            "company": company,
            "account_id": about.account_id,
            "external_id": about.external_id,
            "is_gone": about.is_gone,
            "history": [{name: getattr(one, name) for name in MOMENT} for one in moments],
        }
    )
