"""How rows that a caller sends are asked about; they are answered by `serving.scoring`."""

from __future__ import annotations

from typing import Annotated

from starlette.responses import Response

from features.errors import InvariantError
from serving.caller import Caller
from serving.endpoint import GUARDED, READS, fails, make_router, needs
from serving.example import ROWS, ROWS_REQUEST
from serving.response_compute import RowsAnswer, RowsRequest
from serving.scoring import ROUTE

router = make_router("models")

Computer = Annotated[Caller, needs("scores:compute")]


@router.post(
    ROUTE,
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
async def score_rows(
    caller: Computer,  # noqa: ARG001  these two describe the request
    name: str,  # noqa: ARG001
) -> Response:
    """A probability with its drivers for each row; nothing is kept of them.

    The rows are read by a worker of its own, one request after another. While too many wait, the
    answer is 503 at once.
    """
    raise InvariantError("rows are scored by the gate, see serving.scoring")
