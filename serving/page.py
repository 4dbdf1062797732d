"""What every page is made of: its language, the frame around it, the thread it is rendered in.

To add a page, write a module with a `router` made by `make_page_router`, name it in
`serving.application.ROUTERS`, its path in `serving.page_frame.PLACES` where the header leads to it,
and answer with `answer_page`. Its template extends ``base.html`` and fills the blocks ``title`` and
``content``. Nothing in a page may carry a ``style`` attribute or a script: the pages' policy blocks
both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from serving.page_frame import ACCOUNT_FOLDER, render_framed
from serving.page_language import COOKIE, PARAMETER, Language, choose_language, load_languages
from serving.reply import GZIP_FROM, compress
from serving.visit import visit_of

RENDERERS = 2  # threads: more would only take turns with the lookups for the same interpreter
YEAR_S = 31_536_000
VARY = "Accept-Language, Cookie, Accept-Encoding"
Made = TypeVar("Made")


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


def make_page_router() -> APIRouter:
    """A router for pages, which are no part of the API's description."""
    return APIRouter(include_in_schema=False)


def get_renderer(request: Request) -> Renderer:
    """The threads of the application."""
    renderer = request.app.state.renderer
    assert isinstance(renderer, Renderer)
    return renderer


async def answer_page(
    request: Request, template: str, make_values: Callable[[Language], Mapping[str, object]]
) -> Response:
    """A page, made beside the event loop.

    Parameters
    ----------
    request : Request
    template : str
        Its file's name.
    make_values : callable
        What it shows, in a language; called in a thread, so it may block on a store.
    """
    language = choose_language(request)

    def make() -> bytes:
        return render_framed(request, template, **make_values(language)).encode()

    return await send_page(request, await get_renderer(request).run(make))


async def send_page(request: Request, body: bytes) -> Response:
    """The answer, under gzip where that is worth it; a language that was asked is remembered."""
    answer = HTMLResponse(body, headers={"Vary": VARY})
    if len(body) >= GZIP_FROM and visit_of(request.scope).takes_gzip:
        answer.body = await compress(body)
        answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Content-Length"] = str(len(answer.body))
    asked = request.query_params.get(PARAMETER)
    if asked in load_languages():
        secure = request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, asked, max_age=YEAR_S, secure=secure, httponly=True, samesite="lax"
        )
    return answer


def link_account(account_id: str) -> str:
    """The path of an account's page."""
    return ACCOUNT_FOLDER + quote(account_id, safe="")
