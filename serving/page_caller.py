"""Who reads a page."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from serving.caller import Caller
from serving.endpoint import require
from serving.visit import visit_of


def get_page_caller(request: Request) -> Caller:
    """The reader of a page, as the gate found it.

    Raises
    ------
    RequestError
        It may not read scores.
    """
    return require(visit_of(request.scope).caller, "scores:read")


PageCaller = Annotated[Caller, Depends(get_page_caller)]
