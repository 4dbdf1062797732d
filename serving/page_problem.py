"""A problem as a page: for whoever asked with a browser."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from serving.own_path import sign_in_path
from serving.page_frame import render_framed
from serving.problem import TRY_AGAIN_S, UNAUTHORIZED, RequestError
from serving.visit import visit_of
from serving.zone import Zone


def takes_page(scope: Scope) -> bool:
    """Whether a request is one of a browser for a page."""
    visit = visit_of(scope)
    return visit.zone in (Zone.PAGE, Zone.OPEN) and b"text/html" in visit.head.get(b"accept", b"")


def page_of_problem(scope: Scope, problem: RequestError, headers: Mapping[str, str]) -> Response:
    """The page that tells of a problem; who has not signed in is sent to do so.

    Parameters
    ----------
    scope : Scope
        Of the request, with its `Visit`.
    problem : RequestError
        What is to be told: its kind in words for people, its detail where that helps them.
    headers : mapping
        Further headers.
    """
    if problem.kind is UNAUTHORIZED:
        return RedirectResponse(sign_in_path(scope), 303, dict(headers))
    status = problem.kind.status
    again = {"Retry-After": str(TRY_AGAIN_S)} if status == 503 else {}
    page = render_framed(
        Request(scope),
        "problem.html",
        kind=problem.kind.name,
        status=status,
        detail=problem.detail,
        errors=problem.errors,
        request_id=visit_of(scope).request_id,
    )
    return HTMLResponse(page, status, {**again, **headers})
