"""What stands before the routes: who may ask, and that nothing leaves but documents."""

from __future__ import annotations

import logging
import re
import traceback

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.problem import FORWARDED, INTERNAL_ERROR, WRONG_HOST, RequestError, problem_response

logger = logging.getLogger(__name__)

LOCAL_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)


class LoopbackGuard:
    """Refuse requests that were not sent to this machine by this machine.

    A web page that a browser here shows can point its own host name at 127.0.0.1; a proxy can
    carry requests in from outside. The first shows in ``Host``, the second in ``Forwarded``.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a problem document or pass the request on."""
        fault = find_foreign(Headers(scope=scope)) if scope["type"] == "http" else None
        if fault is None:
            await self.app(scope, receive, send)
        else:
            await problem_response(fault.kind, scope["path"], fault.detail)(scope, receive, send)


def find_foreign(headers: Headers) -> RequestError | None:
    """Why a request comes from elsewhere, or None."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not LOCAL_HOST.fullmatch(hosts[0]):
        detail = "Without keys this service answers to localhost, 127.0.0.1 and [::1] only."
        return RequestError(WRONG_HOST, detail)
    if any(name == "forwarded" or name.startswith("x-forwarded-") for name in headers):
        return RequestError(FORWARDED, "Without keys this service stands behind no proxy.")
    return None


class LastResort:
    """Answer a failure that nobody expected with a problem document, and log where it happened.

    The text of the exception is neither sent nor logged: it may hold names.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and catch what it raises."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception as failure:  # noqa: BLE001  the edge of the process
            frames = "".join(traceback.format_tb(failure.__traceback__))
            logger.error("%s at\n%s", type(failure).__name__, frames)
            if started:
                raise ConnectionAbortedError("the answer could not be finished") from None
            detail = "The fault is ours; the service's log says where."
            await problem_response(INTERNAL_ERROR, scope["path"], detail)(scope, receive, send)
