"""What routes that write share: how they are described, and how each thing is written once."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Header, Request
from pydantic import BaseModel
from starlette.responses import Response

from features.errors import InputError
from models.feedback_store import LONGEST_IDEMPOTENCY_KEY, Attempt, Entry, FeedbackStore, Reply
from serving.caller import Caller
from serving.endpoint import GUARDED, READS, fails, get_shelves
from serving.problem import KEY_REUSED, STORE_AWAY, RequestError, field_fault
from serving.reply import reply
from serving.response import Answer

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


def describe_writing(
    answer: type[BaseModel], example: object, asked: object
) -> dict[str, Any]:  # Any: FastAPI's
    """How a route that writes is described."""
    told = {"model": answer, "content": {"application/json": {"example": example}}}
    return {
        "status_code": 201,
        "responses": {**GUARDED, **READS, **fails(404, 409), 201: told},
        "openapi_extra": {"requestBody": {"content": {"application/json": {"example": asked}}}},
    }


def describe_reading(answer: type[BaseModel], example: object) -> dict[str, Any]:  # Any: FastAPI's
    """How a route that tells what was written is described."""
    told = {"model": answer, "content": {"application/json": {"example": example}}}
    return {"responses": {**GUARDED, **fails(404), 200: told}}


def get_store(request: Request) -> FeedbackStore:
    """Where it is written.

    Raises
    ------
    RequestError
        This service has none.
    """
    store = request.app.state.guards.service_store
    if store is None:
        raise RequestError(STORE_AWAY, "This service has no service store to keep it in.")
    return FeedbackStore(store)


async def write_entry(
    request: Request,
    store: FeedbackStore,
    entry: Entry,
    model: type[Answer],
    attempt: Attempt | None,
) -> Response:
    """Write an entry once, and answer with it.

    Raises
    ------
    RequestError
        The idempotency key belongs to another request.
    """
    body = orjson.dumps(model.model_validate(entry).model_dump(mode="json"))
    written = await get_shelves(request).run(lambda: store.add(entry, Reply(201, body), attempt))
    if written is None:
        raise RequestError(KEY_REUSED, "Send what is another request with a key of its own.")
    return await reply(request, written.body, status=written.status)


async def recall_answer(
    request: Request, store: FeedbackStore, attempt: Attempt | None, now: datetime
) -> Response | None:
    """The answer that this very request got before: what it named may be gone meanwhile."""
    if attempt is None:
        return None
    earlier = await get_shelves(request).run(lambda: store.recall(attempt, now))
    return None if earlier is None else await reply(request, earlier.body, status=earlier.status)


def read_attempt(
    request: Request, caller: Caller, said: BaseModel, key: str | None
) -> Attempt | None:
    """The request as one that may come again; None without an idempotency key.

    Raises
    ------
    RequestError
        Several are given.
    """
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise RequestError.of_fields(
            [field_fault(("header", "Idempotency-Key"), "Given more than once")]
        )
    if key is None:
        return None
    # The document, not its bytes: a client may put the same one in other words when it repeats.
    text = f"{request.method} {request.url.path}\n{said.model_dump_json()}"
    return Attempt(caller.key_id, key, hashlib.sha256(text.encode()).hexdigest())


def fault_of(fault: InputError) -> RequestError:
    """What is wrong with an entry, as a problem of the request's fields."""
    return RequestError.of_fields(
        [field_fault(("body", one.column), one.rule) for one in fault.problems]
    )
