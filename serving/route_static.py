"""``/static``: what browsers keep for long, since its address names its content."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from serving.problem import NOT_FOUND, RequestError
from serving.stylesheet import FOLDER, load_sheet

router = APIRouter()
YEAR_S = 31_536_000


@router.get(FOLDER + "{name}", include_in_schema=False)
async def get_static(name: str) -> Response:
    """The stylesheet. An older one is gone: the page that named it is too."""
    sheet = load_sheet()
    if name != sheet.name:
        raise RequestError(NOT_FOUND, "There is no such file; load the page again.")
    headers = {"Cache-Control": f"public, max-age={YEAR_S}, immutable"}
    return Response(sheet.body, media_type="text/css", headers=headers)
