"""Many accounts at once: what a CRM's nightly job asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

import orjson
from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from serving.endpoint import GUARDED, READS, get_shelf, get_shelves, make_router
from serving.entry import Entry
from serving.example import BATCH, BATCH_REQUEST
from serving.parameter import Id, Reader
from serving.problem import RequestError, field_fault
from serving.rendering import NULL
from serving.reply import reply
from serving.response_list import BatchAnswer, PartialAccount, ShortDriver

router = make_router("accounts")

MOST_WHOLE = 200  # as CRM packages send
MOST = 10_000
PART = 200  # ids between which other requests have their turn
TOP_DRIVERS = "top_drivers"
TOP = 3
FIELDS = tuple(PartialAccount.model_fields)
SHORT = tuple(ShortDriver.model_fields)
UNKNOWN = b'"error":"unknown-account"}'
LONGEST_FIELDS = 1000


class BatchRequest(BaseModel):
    """Ids of accounts: ours or the CRM's, not both."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, strict=True)

    account_ids: list[Id] | None = Field(default=None, min_length=1, max_length=MOST)
    external_ids: list[Id] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST,
        description="As the CRM has them, Salesforce ids in either form",
    )

    @model_validator(mode="after")
    def _has_one_kind(self) -> BatchRequest:
        if (self.account_ids is None) == (self.external_ids is None):
            raise ValueError("Give account_ids or external_ids, one of them")
        return self


@router.post(
    "/v1/accounts/batch",
    operation_id="batch_accounts",
    summary="Many accounts by their ids",
    responses={
        **GUARDED,
        **READS,
        200: {"model": BatchAnswer, "content": {"application/json": {"example": BATCH}}},
    },
    openapi_extra={
        "requestBody": {"content": {"application/json": {"example": BATCH_REQUEST}}},
    },
)
async def batch_accounts(
    request: Request,
    caller: Reader,
    asked: BatchRequest,
    fields: Annotated[
        str | None,
        Query(
            description=f"Fields of an account that are wanted, with commas between them; "
            f"`{TOP_DRIVERS}` are its {TOP} strongest drivers in few words. With it up to {MOST} "
            f"ids, without it whole accounts for up to {MOST_WHOLE}",
            examples=["loss_probability,risk_tier,top_drivers"],
            max_length=LONGEST_FIELDS,
        ),
    ] = None,
) -> Response:
    """A result or an error for each id, in the order asked for.

    An account that the key does not see is unknown, as is one that there is not.
    """
    is_external = asked.external_ids is not None
    ids = (asked.external_ids if is_external else asked.account_ids) or []
    names = None if fields is None else _read_fields(fields)
    if names is None and len(ids) > MOST_WHOLE:
        place = "external_ids" if is_external else "account_ids"
        expected = f"At most {MOST_WHOLE} ids without `fields`, {MOST} with them"
        raise RequestError.of_fields([field_fault(("body", place), expected)])
    shelf, shelves = await get_shelf(request), get_shelves(request)
    people = caller.may("people:read")
    render = _render_whole(people) if names is None else _render_fields(names, people)
    parts = []
    for start in range(0, len(ids), PART):
        some = ids[start : start + PART]
        find = partial(shelf.find_many, some, external=is_external)
        found = await shelves.ask(shelf, find)
        allowed = [one if one and caller.row_filter.admits(one) else None for one in found]
        parts += [_render_result(*pair, render) for pair in zip(some, allowed, strict=True)]
        await asyncio.sleep(0)
    head = shelf.stale_json if shelves.is_stale(shelf) else shelf.fresh_json
    return await reply(request, b"".join((b"{", head, b',"results":[', b",".join(parts), b"]}")))


def _read_fields(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in FIELDS]:
        expected = f"{len(unknown)} of them no field of an account"
        raise RequestError.of_fields([field_fault(("query", "fields"), expected)])
    return [name for name in FIELDS if name in names or name == "account_id"]


def _render_result(identifier: str, entry: Entry | None, render: Callable[[Entry], bytes]) -> bytes:
    named = b'{"id":' + orjson.dumps(identifier) + b","
    return named + (UNKNOWN if entry is None else b'"account":' + render(entry) + b"}")


def _render_whole(people: bool) -> Callable[[Entry], bytes]:
    def render(entry: Entry) -> bytes:
        return b"".join((entry.row, entry.owner_json if people else NULL, entry.more, b"}"))

    return render


def _render_fields(names: Sequence[str], people: bool) -> Callable[[Entry], bytes]:
    render_whole = _render_whole(people)
    plain = [name for name in names if name != TOP_DRIVERS]
    with_top = TOP_DRIVERS in names

    def render(entry: Entry) -> bytes:
        whole = orjson.loads(render_whole(entry))
        chosen = {name: whole[name] for name in plain}
        if with_top:
            chosen[TOP_DRIVERS] = [
                {name: driver[name] for name in SHORT} for driver in whole["drivers"][:TOP]
            ]
        return orjson.dumps(chosen)

    return render
