"""Who asks for a page: whoever signed in, was named by a proxy, or sits at this machine."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from serving.caller import Caller
from serving.endpoint import require
from serving.problem import UNAUTHORIZED, RequestError
from serving.visit import visit_of


async def get_page_caller(request: Request) -> Caller:
    """Who asks for a page; each page and chart shows what this caller sees.

    Raises
    ------
    RequestError
        Nobody signed in (the browser is sent to do so), or without the scope that pages need.
    """
    visit = visit_of(request.scope)
    if not visit.sees_pages:
        raise RequestError(UNAUTHORIZED, "Pages are for people: sign in with a browser.")
    return require(visit.caller, "scores:read")


PageCaller = Annotated[Caller, Depends(get_page_caller)]
