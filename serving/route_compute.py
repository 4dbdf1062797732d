"""The promoted model asked about rows that a caller sends: what if these were the figures."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import Request
from starlette.responses import Response

from models.frame import ANSWER, FAULTS
from serving.caller import Caller
from serving.compute_process import ComputeProcess, WorkerGoneError
from serving.endpoint import GUARDED, READS, fails, get_shelf, make_router, needs
from serving.example import ROWS, ROWS_REQUEST
from serving.live_models import MODELS, LiveModels
from serving.problem import (
    INTERNAL_ERROR,
    MODEL_AWAY,
    NO_MODEL,
    OVERLOADED,
    UNKNOWN_MODEL,
    RequestError,
    field_fault,
)
from serving.reply import reply
from serving.response_compute import RowsAnswer, RowsRequest

router = make_router("models")

MOST_WAITING = 16  # requests of one model, begun and not answered
WITHIN_S = 10.0
Computer = Annotated[Caller, needs("scores:compute")]


@router.post(
    "/v1/models/{name}/score",
    operation_id="score_rows",
    summary="Feature rows scored by the promoted model",
    responses={
        **GUARDED,
        **fails(404, 409),
        **READS,
        200: {"model": RowsAnswer, "content": {"application/json": {"example": ROWS}}},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": RowsRequest.model_json_schema(),
                    "example": ROWS_REQUEST,
                }
            },
        },
    },
)
async def score_rows(request: Request, caller: Computer, name: str) -> Response:
    """A probability with its drivers for each row; nothing is kept of them.

    The rows are read by a worker of its own, one request after another. While too many wait, the
    answer is 503 at once.
    """
    del caller  # what it sends it may know
    if name not in MODELS:
        raise RequestError(UNKNOWN_MODEL, f"The models are: {', '.join(MODELS)}.")
    sent_as = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent_as != "application/json":
        expected = "Expected JSON, and Content-Type: application/json"
        raise RequestError.of_fields([field_fault(("body",), expected)])
    body = await request.body()
    process = await _find_process(request, name)  # not before: it may be replaced meanwhile
    if process.waiting >= MOST_WAITING:
        raise RequestError(OVERLOADED, f"{MOST_WAITING} requests for rows wait already.")
    try:
        kind, content = await process.ask(body, within_s=WITHIN_S)
    except WorkerGoneError:
        raise RequestError(MODEL_AWAY, "Its process ended and is being replaced.") from None
    except TimeoutError:
        raise RequestError(OVERLOADED, f"No answer within {WITHIN_S:g} s.") from None
    if kind == FAULTS:
        faults = orjson.loads(content)
        raise RequestError.of_fields([field_fault(("body", *at), told) for at, told in faults])
    if kind != ANSWER:
        raise RequestError(INTERNAL_ERROR, "The model gives no finite number for these rows.")
    return await reply(request, content)


async def _find_process(request: Request, name: str) -> ComputeProcess:
    """The worker to ask.

    Raises
    ------
    RequestError
        There is none, or none yet.
    """
    shelf = await get_shelf(request)  # it says whose model it is
    live_models = request.app.state.live_models
    assert isinstance(live_models, LiveModels)
    model = live_models.by_name[name]
    if not model.serves(shelf.header.company):
        raise RequestError(MODEL_AWAY, "It is being loaded.")
    if model.process is not None:
        return model.process
    if model.promoted is None:
        raise RequestError(NO_MODEL, f"There is no {name} model of this company yet.")
    raise RequestError(MODEL_AWAY, "It is being loaded, or could not be; the metrics tell.")
