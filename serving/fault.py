"""How what goes wrong behind a route becomes a problem document, or a page."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from features.errors import InputError, TransientError
from serving.page_problem import page_of_problem, takes_page
from serving.problem import (
    BAD_REQUEST,
    INTERNAL_ERROR,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    STORE_AWAY,
    TOO_LARGE,
    TOO_SLOW,
    UNAUTHORIZED,
    FieldFault,
    RequestError,
    field_fault,
    problem_response,
)
from serving.visit import visit_of

logger = logging.getLogger(__name__)

HTTP_KINDS = {404: NOT_FOUND, 405: METHOD_NOT_ALLOWED, 413: TOO_LARGE}
UNREAD = (BAD_REQUEST, TOO_LARGE, TOO_SLOW)  # after which the rest of the body is not read
MOST_FAULTS = 20  # told of one request
EXPECTED = (RequestError, RequestValidationError, HTTPException, TransientError, InputError)


def answer_faults(app: FastAPI) -> None:
    """Make the application answer every expected fault."""
    for kind in EXPECTED:
        app.add_exception_handler(kind, answer_fault)


async def answer_fault(request: Request, fault: Exception) -> Response:
    """The answer to whatever a route or the router raised."""
    problem = find_problem(fault)
    headers = getattr(fault, "headers", None)
    if problem.kind is METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(find_methods(request))}
    return answer_problem(request.scope, problem, headers)


def find_methods(request: Request) -> list[str]:
    """What a path may be asked by. The router itself names the first of its routes alone."""
    found: set[str] = set()
    for route in request.app.state.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= set(getattr(route, "methods", None) or ())
    return sorted(found | {"HEAD"} if "GET" in found else found)  # for HEAD see the gate


def answer_problem(
    scope: Scope, problem: RequestError, headers: Mapping[str, str] | None = None
) -> Response:
    """A problem as whoever asked reads it: a page for people, a document for programs.

    Parameters
    ----------
    scope : Scope
        Of the request, with its `Visit`.
    problem : RequestError
        What is to be told.
    headers : mapping or None
        Further headers.
    """
    told = dict(headers or {})
    if problem.kind in UNREAD:
        told["Connection"] = "close"
    if takes_page(scope):
        return page_of_problem(scope, problem, told)
    if problem.kind is UNAUTHORIZED:
        told["WWW-Authenticate"] = "Bearer"
    return problem_response(
        problem.kind,
        scope["path"],
        problem.detail,
        request_id=visit_of(scope).request_id,
        errors=problem.errors,
        headers=told,
    )


def find_problem(fault: Exception) -> RequestError:
    """What to tell the caller of a fault. What is none of the caller's is logged here."""
    match fault:
        case RequestError():
            return fault
        case RequestValidationError():
            # Each field with a pointer and without the value that came.
            return RequestError.of_fields(
                [_tell(error, body=fault.body) for error in fault.errors()[:MOST_FAULTS]]
            )
        case HTTPException(status_code=413):
            return RequestError(TOO_LARGE, fault.detail)
        case HTTPException(status_code=408):
            return RequestError(TOO_SLOW, fault.detail)
        case HTTPException():
            detail = "The paths and methods of this service are listed in /openapi.json."
            return RequestError(HTTP_KINDS.get(fault.status_code, BAD_REQUEST), detail)
        case TransientError() | InputError():
            # A store that is locked, away, damaged or of a newer version; only the log says which.
            logger.error("a store does not answer: %s", fault)
            detail = "The service runs, its store does not answer; its log says why."
            return RequestError(STORE_AWAY, detail)
    log_failure(fault)
    return RequestError(INTERNAL_ERROR, "The fault is ours; the service's log says where.")


def _tell(error: Mapping[str, Any], *, body: object) -> FieldFault:  # Any: pydantic's own type
    """One field that is not as documented; of a body that could not be read, why not."""
    if error.get("type") == "json_invalid":
        return field_fault(("body",), f"Must be sound JSON; it is not from byte {error['loc'][-1]}")
    if tuple(error["loc"]) == ("body",) and isinstance(body, bytes):
        return field_fault(("body",), "Is read with the header Content-Type: application/json only")
    return field_fault(error["loc"], error["msg"])


def log_failure(fault: Exception) -> None:
    """Log where a failure happened; its text is neither sent nor logged: it may hold names."""
    frames = "".join(traceback.format_tb(fault.__traceback__))
    logger.error("%s at\n%s", type(fault).__name__, frames)
