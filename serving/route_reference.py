"""``/docs``: the API reference, for whoever has a key, and on the local port."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import HTMLResponse

from serving.endpoint import make_router
from serving.reference import POLICY, render_reference

router = make_router("operation")


@router.get("/docs", include_in_schema=False)
async def get_reference(request: Request) -> HTMLResponse:
    """The page, which is rendered with the first request."""
    state = request.app.state
    if not hasattr(state, "reference"):
        state.reference = render_reference(request.app.openapi())
    return HTMLResponse(state.reference, headers={"Content-Security-Policy": POLICY})
