"""What every page is made of: templates, language, headers, and the thread it is rendered in.

To add a page, write a module with a `router` made by `make_page_router`, name it in
`serving.application.ROUTERS`, and answer with `render_page`; its template extends ``base.html`` and
fills the blocks ``title`` and ``content``. Nothing in a page may carry a ``style`` attribute or a
script: its policy blocks both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import Response

from features.errors import InputError, TransientError
from models.account_score import STATES, TIERS
from serving.fault import find_problem
from serving.page_language import COOKIE, PARAMETER, Language, choose_language, load_languages
from serving.page_wording import Wording
from serving.reply import GZIP_FROM, make_etag, compress
from serving.stylesheet import load_sheet
from serving.visit import visit_of

TEMPLATES = Path(__file__).parent / "templates"
RENDERERS = 2  # threads: more would take turns with the lookups for the same interpreter
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Language, Cookie, Accept-Encoding",
}
YEAR_S = 31_536_000
ACCOUNT = "/accounts/{account_id}"
Handler = Callable[[Request], Coroutine[Any, Any, Response]]  # Any: FastAPI's own type
Made = TypeVar("Made")


@dataclass(frozen=True)
class Place:
    """A page that the header leads to.

    Parameters
    ----------
    path : str
    name : str
        Of its entry, in English; translated where it is shown.
    """

    path: str
    name: str


def _(message: str) -> str:
    """Mark a message for the catalogues; it is translated where it is shown."""
    return message


PLACES = (
    Place("/", _("Portfolio")),
    Place("/modules", _("Modules and cohorts")),
    Place("/model", _("Model")),
)


class Renderer:
    """The threads in which pages are made; the event loop answers lookups meanwhile."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(RENDERERS, "page")

    async def run(self, make: Callable[[], Made]) -> Made:
        """What a function returns, called in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, make)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)


class PageRoute(APIRoute):
    """A route whose faults are pages too."""

    def get_route_handler(self) -> Handler:
        """The handler that FastAPI makes, with an answer that people can read."""
        handle = super().get_route_handler()

        async def handle_page(request: Request) -> Response:
            try:
                return await handle(request)
            except (RequestValidationError, HTTPException, InputError, TransientError) as fault:
                return await render_fault(request, fault)
            except RequestError as fault:
                return await render_fault(request, fault)

        return handle_page


def make_page_router() -> APIRouter:
    """A router for pages; they are no part of the API's description."""
    return APIRouter(route_class=PageRoute, include_in_schema=False)
