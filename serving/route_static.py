"""``/static``: what browsers keep for long, since its address names its content."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from serving.asset import FOLDER, list_assets
from serving.problem import NOT_FOUND, RequestError

router = APIRouter()
YEAR_S = 31_536_000


@router.get(FOLDER + "{name}", include_in_schema=False)
async def get_static(request: Request) -> Response:
    """A file. Those of an older version are gone: the pages that named them are too."""
    asset = list_assets().get(request.url.path)
    if asset is None:
        raise RequestError(NOT_FOUND, "There is no such file; load the page again.")
    headers = {"Cache-Control": f"public, max-age={YEAR_S}, immutable"}
    return Response(asset.body, media_type=asset.media_type, headers=headers)
