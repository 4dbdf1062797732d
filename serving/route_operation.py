"""What whoever runs the service asks it."""

from __future__ import annotations

from fastapi import Depends, Request
from pydantic import Field
from starlette.responses import Response

from serving.endpoint import BEARER, GUARDED, get_shelf, make_router
from serving.metric import MEDIA_TYPE
from serving.response import Answer
from serving.visit import visit_of

router = make_router("operation")


class Liveness(Answer):
    """The process runs."""

    status: str = Field(examples=["alive"])


class Readiness(Answer):
    """There is a snapshot to serve; which one is told to whoever has a key."""

    status: str = Field(examples=["ready"])
    company: str | None = Field(examples=["acme"])
    snapshot_id: str | None = Field(examples=["1m803jec5jhpb"])
    as_of: str | None = Field(examples=["2026-11-01"])
    in_memory: bool | None = Field(
        description="False when the snapshot is too large for the memory set aside, and every "
        "request reads the store",
        examples=[True],
    )


@router.get("/livez", operation_id="get_livez", summary="Is the process up")
async def get_livez() -> Liveness:
    """Answers as long as the process runs, whatever the store does."""
    return Liveness(status="alive")


@router.get("/readyz", operation_id="get_readyz", summary="Can it serve")
async def get_readyz(request: Request) -> Readiness:
    """Answers 200 when there is a snapshot to serve."""
    shelf = await get_shelf(request)
    if not visit_of(request.scope).is_known:
        return Readiness(status="ready", company=None, snapshot_id=None, as_of=None, in_memory=None)
    return Readiness(
        status="ready",
        company=shelf.header.company,
        snapshot_id=shelf.snapshot_id,
        as_of=shelf.header.as_of and shelf.header.as_of.isoformat(),
        in_memory=shelf.held,
    )


@router.get(
    "/metrics",
    operation_id="get_metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    dependencies=[Depends(BEARER)],
    responses={
        **{k: v for k, v in GUARDED.items() if k != 403},
        200: {"content": {MEDIA_TYPE: {}}},
    },
)
async def get_metrics(request: Request) -> Response:
    """Latencies, statuses and the age of the snapshot, in the text format; for any key.

    How webhooks stand tells of the tiers of all accounts: it is left out for keys that see a part.
    """
    body = request.app.state.guards.metrics.render()
    figures = request.app.state.webhook_figures
    if figures is not None and visit_of(request.scope).caller.row_filter.is_everything:
        body += await figures.render()
    return Response(body, media_type=MEDIA_TYPE)
