"""How what goes wrong behind a route becomes a problem document."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from features.errors import InputError, TransientError
from serving.problem import (
    BAD_REQUEST,
    INVALID_REQUEST,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    STORE_AWAY,
    FieldFault,
    RequestError,
    problem_response,
)

logger = logging.getLogger(__name__)

HTTP_KINDS = {404: NOT_FOUND, 405: METHOD_NOT_ALLOWED}


def answer_faults(app: FastAPI) -> None:
    """Make the application answer every expected fault with a problem document."""
    app.add_exception_handler(RequestError, answer_request_fault)
    app.add_exception_handler(RequestValidationError, answer_invalid_request)
    app.add_exception_handler(HTTPException, answer_http_exception)
    app.add_exception_handler(TransientError, answer_store_fault)
    app.add_exception_handler(InputError, answer_store_fault)


async def answer_request_fault(request: Request, fault: Exception) -> Response:
    """The problem that a route raised."""
    assert isinstance(fault, RequestError)
    return problem_response(fault.kind, request.url.path, fault.detail, errors=fault.errors)


async def answer_invalid_request(request: Request, fault: Exception) -> Response:
    """Invalid fields, each with a pointer and without the value that came."""
    assert isinstance(fault, RequestValidationError)
    errors = [field_fault(error["loc"], error["msg"]) for error in fault.errors()]
    detail = f"{len(errors)} {'field is' if len(errors) == 1 else 'fields are'} not as documented."
    return problem_response(INVALID_REQUEST, request.url.path, detail, errors=errors)


async def answer_http_exception(request: Request, fault: Exception) -> Response:
    """What the router refuses: unknown paths and methods."""
    assert isinstance(fault, HTTPException)
    kind = HTTP_KINDS.get(fault.status_code, BAD_REQUEST)
    detail = "The paths and methods of this service are listed in /openapi.json."
    return problem_response(kind, request.url.path, detail, headers=fault.headers)


async def answer_store_fault(request: Request, fault: Exception) -> Response:
    """A store that is locked, away, damaged or of a newer version; only the log says which."""
    logger.error("the snapshot store cannot be read: %s", fault)
    detail = "The service runs, its snapshot store does not answer; its log says why."
    return problem_response(STORE_AWAY, request.url.path, detail)


def field_fault(location: Sequence[Any], message: str) -> FieldFault:
    """A field at fault from where pydantic found it: ("query", "limit")."""
    place, *steps = (str(step).replace("~", "~0").replace("/", "~1") for step in location)
    return FieldFault(pointer="/".join(["#", *steps]), place=place, detail=message)
