"""What every endpoint is made of: how it reads requests, who may ask, and how it is described.

To add endpoints, write a module with a `router` made by `make_router` and name it in
`serving.application.ROUTERS`. An endpoint takes a caller through `needs`, reads a body by declaring
a model, and answers with `serving.reply.reply`; its faults are `RequestError`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query as QueryParameter
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.responses import Response

from models.key import Scope
from serving.caller import Caller
from serving.problem import MISSING_SCOPE, NO_SNAPSHOT, ProblemDocument, RequestError
from serving.shelf import Shelf
from serving.shelves import Shelves
from serving.visit import visit_of

Handler = Callable[[Request], Coroutine[Any, Any, Response]]  # Any: FastAPI's own type
SHELF = "keepwell.shelf"  # of a request's scope
BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description="A key made by `keepwell keys create`. None is needed where the service has no "
    "keys: it then answers this machine only.",
)


class StrictRequest(Request):
    """A request whose JSON is read by the letter: no NaN, no half surrogates, no endless depth."""

    async def json(self) -> Any:  # Any: JSON
        """The document in the body."""
        if not hasattr(self, "_json"):
            self._json = orjson.loads(await self.body())
        return self._json


class StrictRoute(APIRoute):
    """A route that refuses query parameters it does not know, and reads bodies strictly."""

    def get_route_handler(self) -> Handler:
        """The handler that FastAPI makes, behind that check."""
        handle = super().get_route_handler()
        fields = get_flat_params(self.dependant)
        known = {one.alias: one for one in fields if isinstance(one.field_info, QueryParameter)}
        many = {name for name, param in known.items() if _takes_many(param.field_info.annotation)}

        async def handle_strictly(request: Request) -> Response:
            refuse_odd_query(request, known=set(known), many=many)
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly


def refuse_odd_query(request: Request, *, known: set[str], many: set[str]) -> None:
    """Raise when the query has parameters that are not known, or one twice that is one only.

    A misspelt filter that is passed over would answer with every account.
    """
    names = [name for name, _ in request.query_params.multi_items()]
    faults = [(name, "Not a parameter of this path") for name in names if name not in known]
    faults += [
        (name, "Given more than once")
        for name in sorted(known - many)
        if len(names) > 1 and names.count(name) > 1
    ]
    if faults:
        # Their names are the caller's own text: they go as far as a pointer, cut short.
        raise RequestValidationError(
            [{"loc": ("query", name[:100]), "msg": message} for name, message in faults[:10]]
        )


def make_router(*tags: str) -> APIRouter:
    """A router for endpoints of this service."""
    return APIRouter(route_class=StrictRoute, tags=list(tags))


def needs(scope: Scope) -> Any:  # Any: what FastAPI declares a dependency as
    """The caller of a request, refused without the scope."""

    async def get_caller(request: Request, _key: object = Depends(BEARER)) -> Caller:
        return require(visit_of(request.scope).caller, scope)

    return Depends(get_caller)


def require(caller: Caller, scope: Scope) -> Caller:
    """The caller.

    Raises
    ------
    RequestError
        It lacks the scope.
    """
    if not caller.may(scope):
        raise RequestError(MISSING_SCOPE, f"This needs a key with the scope {scope}.")
    return caller


def get_shelves(request: Request) -> Shelves:
    """The snapshots that the application serves."""
    shelves = request.app.state.shelves
    assert isinstance(shelves, Shelves)
    return shelves


async def get_shelf(request: Request) -> Shelf:
    """The snapshot that a request is answered from: the current one when it is first asked for.

    It stays so for the whole request, whatever is published meanwhile: an answer that names one
    snapshot must not tell, nor let through a row filter, what another one says.

    Raises
    ------
    RequestError
        None was published.
    """
    shelf = request.scope.get(SHELF)
    if shelf is None:
        shelf = request.scope[SHELF] = require_shelf(await get_shelves(request).get())
    assert isinstance(shelf, Shelf)
    return shelf


def require_shelf(shelf: Shelf | None) -> Shelf:
    """The snapshot, or the problem to answer before the first publish."""
    if shelf is None:
        raise RequestError(NO_SNAPSHOT, "Publish one with: keepwell score.")
    return shelf


def fails(*statuses: int) -> dict[int | str, dict[str, Any]]:  # Any: FastAPI's own type
    """The error answers of a route, for the API description."""
    return {status: {"model": ProblemDocument} for status in statuses}


GUARDED = fails(401, 403, 422, 429)  # of every endpoint that takes a caller
READS = fails(408, 413)  # of every one that reads a body


def _takes_many(annotation: Any) -> bool:  # Any: a type
    return "list" in str(annotation)
