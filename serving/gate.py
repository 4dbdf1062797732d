"""What every request passes once: who asks, whether it may, and what is noted of it.

One class of plain ASGI instead of a stack of middleware: each of those costs a request as much as
all that is done here.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.service_store import ServiceStore
from serving.caller import LOCAL, Caller
from serving.cookie import LOCAL_HOST, SESSION, read_cookie
from serving.fault import answer_problem, find_problem, log_failure
from serving.journal import RequestLog
from serving.keyring import KeyRing
from serving.limit import Limiter
from serving.live_models import LiveModels
from serving.lookup import find_place, look_up
from serving.metric import Load, Metrics
from serving.page_policy import PAGE_HEADERS
from serving.problem import (
    BAD_REQUEST,
    FORWARDED,
    NOT_FOUND,
    OVERLOADED,
    STORE_AWAY,
    TOO_LARGE,
    TOO_MANY_REQUESTS,
    TOO_SLOW,
    UNAUTHORIZED,
    WRONG_HOST,
    RequestError,
)
from serving.scoring import ROUTE, find_model, score
from serving.session import Sessions
from serving.settings import Settings
from serving.shelves import Shelves
from serving.sign_in_limit import SignInLimit
from serving.visit import KEY, Header, Visit, Way
from serving.zone import PROBES, SIGN_IN, Zone, zone_of

IS_LOCAL = (
    "keepwell.local"  # of a scope that came by the local port: whether its path is told there
)
LOCAL_PATHS = frozenset({"/metrics", "/openapi.json", "/docs", "/livez", "/readyz"})
LOCAL_PREFIX = "/docs/"
PROGRAMS = (Zone.API, Zone.PROBE)
DROP_S = 1.0
MOST_DROPPED = 8_000_000  # bytes
# Kept by the caller alone, and only with a question each time, which 304 answers.
API_HEADERS: tuple[Header, ...] = ((b"cache-control", b"private, no-cache"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """What the gate asks about a request; each may be used by others too."""

    settings: Settings
    shelves: Shelves
    keys: KeyRing | None
    sessions: Sessions | None
    service_store: ServiceStore | None
    live_models: LiveModels
    limiter: Limiter
    sign_in_limit: SignInLimit
    metrics: Metrics
    log: RequestLog
    load: Load


class Gate:
    """Lets a request through to an application, or answers it with a problem.

    It gives the request its id, asks for its key or session and its rate, keeps strangers out where
    there are no keys, answers lookups and scores rows itself, turns whatever is raised into a
    problem, and notes the outcome.

    Parameters
    ----------
    app : ASGIApp
        Everything but lookups and rows.
    guards : Guards
    """

    def __init__(self, app: ASGIApp, guards: Guards) -> None:
        self.app = app
        self.guards = guards
        self._mark = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        headers: list[Header] = scope["headers"]
        method: str = scope["method"]
        if method == "HEAD":
            scope, send = {**scope, "method": "GET"}, send_no_body(send)
        visit = scope[KEY] = Visit(headers, f"{self._mark}-{next(self._numbers):x}")
        try:
            await self._admit(scope, visit, headers)
            if (place := find_place(scope)) is not None:
                visit.route = place.route
                await visit.answer(send, *await look_up(self.guards.shelves, visit, scope, place))
            elif (name := find_model(scope)) is not None:
                visit.route = ROUTE
                await visit.answer(send, *await self._score(visit, scope, receive, name))
            else:
                await self.app(scope, self._measure(receive), visit.watch(send))
                visit.route = getattr(scope.get("route"), "path_format", "")
        except asyncio.CancelledError:
            # The server ends what is not answered in time when it stops; it would say so itself,
            # in plain text and as a fault of ours.
            if visit.status:
                raise
            fault = RequestError(OVERLOADED, "The service stops. Ask again a little later.")
            await self._answer_fault(fault, scope, receive, visit.watch(send))
        except Exception as fault:  # noqa: BLE001  the edge of the process
            await self._answer_fault(fault, scope, receive, visit.watch(send))
        finally:
            seconds = time.perf_counter() - begun
            visit.size = 0 if method == "HEAD" else visit.size
            self.guards.metrics.record(visit.route, method, visit.status, seconds)
            self.guards.log.record(visit, method, seconds)
            self.guards.load.note_answer()

    async def _score(
        self, visit: Visit, scope: Scope, receive: Receive, name: str
    ) -> tuple[int, list[Header], bytes]:
        guards = self.guards
        measured = self._measure(receive)
        return await score(guards.shelves, guards.live_models, visit, scope, measured, name)

    async def _admit(self, scope: Scope, visit: Visit, headers: Sequence[Header]) -> None:
        """Find out who asks; raise a `RequestError` when the request ends here."""
        settings = self.guards.settings
        zone = visit.zone = Zone.API if IS_LOCAL in scope else zone_of(scope["path"])
        visit.defaults = API_HEADERS if zone in PROGRAMS else PAGE_HEADERS
        is_probe = scope["path"] in PROBES
        if not is_probe and self.guards.load.count() > settings.most_requests:
            raise RequestError(OVERLOADED, "Ask again a little later.")
        length = visit.head.get(b"content-length")
        if length is not None:
            if not _fits(length, settings.most_bytes):
                raise too_large(settings)
            if b"transfer-encoding" in visit.head:
                # What is a body to a proxy by the one may be the next request by the other.
                raise RequestError(BAD_REQUEST, "It says its length in two ways.")
        caller = None
        if zone not in PROGRAMS or settings.proxy is not None:
            caller = await self._find_person(scope, visit, headers)
        caller = caller or self._find_caller(scope, visit, headers)
        if caller is None:
            if is_probe or zone is Zone.OPEN:
                return
            raise self._stranger()
        visit.caller, visit.is_known = caller, True
        if not is_probe and caller is not LOCAL and zone is not Zone.OPEN:
            ruling = await self.guards.limiter.rule(caller)
            visit.added += ruling.headers
            if not ruling.allowed:
                raise RequestError(TOO_MANY_REQUESTS, f"Ask again in {ruling.reset_s} s.")

    async def _find_person(
        self, scope: Scope, visit: Visit, headers: Sequence[Header]
    ) -> Caller | None:
        """Who asks for a page, by a proxy's word or a session; None for whoever else asks."""
        proxy = self.guards.settings.proxy
        if proxy is not None and proxy.header is not None:
            client = scope.get("client")
            person = proxy.find_person(client and client[0], headers)
            if person is not None and visit.zone not in PROGRAMS:
                visit.way = Way.PERSON
                return person
        takes_session = visit.zone is Zone.PAGE or scope["path"] == SIGN_IN
        if not takes_session or self.guards.sessions is None or b"cookie" not in visit.head:
            return None
        secret = read_cookie(visit, headers, SESSION)
        caller = secret and await self.guards.sessions.find(secret)
        if not caller:
            return None
        visit.way, visit.session, visit.form_secret = Way.SESSION, secret, secret
        return caller

    def _find_caller(self, scope: Scope, visit: Visit, headers: Sequence[Header]) -> Caller | None:
        """Who asks; None for a stranger."""
        if IS_LOCAL in scope:
            refuse_foreign(headers)
            if not scope[IS_LOCAL]:
                raise RequestError(NOT_FOUND, "This port tells of the service, not of accounts.")
            visit.way = Way.LOCAL
            return LOCAL
        keys = self.guards.keys
        caller = keys.caller(visit.head.get(b"authorization")) if keys is not None else LOCAL
        if caller is not LOCAL:
            # Of two such headers the one that counts might not be the one that a proxy checked.
            is_plain = len(visit.head) == len(headers) or not _is_twice(headers)
            visit.way = Way.KEY
            return caller if is_plain else None
        settings = self.guards.settings
        if not settings.is_local or (settings.proxy is not None and settings.proxy.header):
            return None
        refuse_foreign(headers)
        visit.way = Way.LOCAL
        return LOCAL

    def _stranger(self) -> RequestError:
        keys = self.guards.keys
        if keys is not None and not keys.is_read:
            return RequestError(STORE_AWAY, "The keys could not be read yet.")
        return RequestError(UNAUTHORIZED, "Send a key: Authorization: Bearer kw_…")

    def _measure(self, receive: Receive) -> Receive:
        """A `receive` that ends a request whose body is too large, whatever it said, or too slow.

        One that never ends would hold one of the places that the service has.
        """
        settings = self.guards.settings
        seen, ends, is_whole = 0, 0.0, False

        async def receive_measured() -> Message:
            nonlocal seen, ends, is_whole
            if is_whole:
                return await receive()
            ends = ends or asyncio.get_running_loop().time() + settings.body_wait_s
            # The framework lets `HTTPException` through from where it reads the body.
            try:
                async with asyncio.timeout_at(ends):
                    message = await receive()
            except TimeoutError:
                detail = f"It may take {settings.body_wait_s:g} s."
                raise HTTPException(TOO_SLOW.status, detail) from None
            seen += len(message.get("body", b""))
            if seen > settings.most_bytes:
                if message.get("more_body", False):
                    await drop_rest(receive)
                raise HTTPException(TOO_LARGE.status, too_large(settings).detail)
            is_whole = not message.get("more_body", False)
            return message

        return receive_measured

    async def _answer_fault(
        self, fault: Exception, scope: Scope, receive: Receive, send: Send
    ) -> None:
        visit: Visit = scope[KEY]
        if visit.status:
            log_failure(fault)
            raise ConnectionAbortedError("the answer could not be finished") from None
        problem = find_problem(fault)
        if problem.kind is TOO_LARGE and isinstance(fault, RequestError):
            await drop_rest(receive)  # by what it said of its length; else it was read
        answer = answer_problem(scope, problem)
        await answer(scope, receive, send)


class LocalPort:
    """What a port of this machine answers without a key: figures and descriptions, no account.

    Parameters
    ----------
    gate : ASGIApp
        The application's; it notes these requests as any others.
    """

    def __init__(self, gate: ASGIApp) -> None:
        self.gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        scope[IS_LOCAL] = path in LOCAL_PATHS or path.startswith(LOCAL_PREFIX)
        await self.gate(scope, receive, send)


def refuse_foreign(headers: Sequence[Header]) -> None:
    """Raise when a request was not sent to this machine by this machine.

    A web page that a browser here shows can point its own host name at 127.0.0.1; a proxy can
    carry requests in from outside. The first shows in ``Host``, the second in ``Forwarded``.
    """
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1 or not LOCAL_HOST.fullmatch(hosts[0]):
        detail = "Without keys this service answers to localhost, 127.0.0.1 and [::1] only."
        raise RequestError(WRONG_HOST, detail)
    if any(name == b"forwarded" or name.startswith(b"x-forwarded-") for name, _ in headers):
        raise RequestError(FORWARDED, "Without keys this service stands behind no proxy.")


def send_no_body(send: Send) -> Send:
    """A `send` that keeps the body of an answer back: to HEAD its headers alone are told."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head


async def drop_rest(receive: Receive) -> None:
    """Read what still comes of a body, for a little while, and forget it.

    A connection that is closed on it is reset, and the caller never sees the answer.
    """
    left = MOST_DROPPED
    with suppress(TimeoutError):
        async with asyncio.timeout(DROP_S):
            while left > 0:
                message = await receive()
                if not message.get("more_body", False):
                    return
                left -= len(message["body"])


def too_large(settings: Settings) -> RequestError:
    """The problem of a body that is too large."""
    return RequestError(TOO_LARGE, f"At most {settings.most_bytes} bytes are read.")


def _is_twice(headers: Sequence[Header]) -> bool:
    return sum(name == b"authorization" for name, _ in headers) > 1


def _fits(length: bytes, most: int) -> bool:
    return length.isdigit() and len(length) <= 12 and int(length) <= most
