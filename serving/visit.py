"""One request on its way through the service: who sent it, and what its answer needs to know."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import Any

from starlette.types import Message, Scope, Send

from serving.caller import LOCAL, Caller
from serving.zone import Zone

KEY = "keepwell.visit"  # of a request's scope
# Nothing that a log could be forged with, and no key that somebody put into the wrong header.
HANDED_ID = re.compile(rb"(?!.*kw_)[A-Za-z0-9._-]{1,64}")
REFUSED = re.compile(rb"q=0(\.0*)?")  # of a content coding

Header = tuple[bytes, bytes]


class Way(Enum):
    """How it is known who asks."""

    NONE = "none"
    KEY = "key"  # in ``Authorization``
    SESSION = "session"  # after signing in with a key
    PERSON = "person"  # named by a proxy
    LOCAL = "local"  # this machine, where there are no keys


PEOPLE = (Way.SESSION, Way.PERSON, Way.LOCAL)


class Visit:
    """What is known of a request; the gate fills it in.

    Parameters
    ----------
    headers : list of (bytes, bytes)
        Of the request, names in lower case.
    fresh_id : str
        For a request that brings no id of its own.

    Attributes
    ----------
    request_id : str
        What a proxy gave, else `fresh_id`.
    caller : Caller
        `serving.caller.LOCAL` until the gate knows better.
    is_known : bool
        Whether the gate knows who asks; probes, and what is open, are answered without that.
    way : Way
        How it knows.
    zone : Zone
        Of the path.
    session, form_secret : bytes or None
        Secrets of the session, and of the browser's forms; see `serving.form`.
    defaults : sequence of (bytes, bytes)
        Headers that the answer gets unless it brings its own of that name.
    added : list of (bytes, bytes)
        Headers of the answer that the gate adds.
    route : str
        Template of the path, for metrics and the log; never the path, which holds ids.
    status, size : int
        Of the answer: its code, 0 before there is one, and bytes of its body.
    """

    __slots__ = (
        "added", "caller", "defaults", "form_secret", "head", "is_known", "request_id", "route",
        "session", "size", "status", "way", "zone",
    )  # fmt: skip

    def __init__(self, headers: list[Header], fresh_id: str) -> None:
        self.head = dict(headers)
        handed = self.head.get(b"x-request-id")
        is_safe = handed is not None and HANDED_ID.fullmatch(handed)
        self.request_id = handed.decode("ascii") if handed is not None and is_safe else fresh_id
        self.caller: Caller = LOCAL
        self.is_known = False
        self.way = Way.NONE
        self.zone = Zone.API
        self.session: bytes | None = None
        self.form_secret: bytes | None = None
        self.defaults: Sequence[Header] = ()
        self.added: list[Header] = [(b"x-request-id", self.request_id.encode("ascii"))]
        self.route = ""
        self.status = 0
        self.size = 0

    @property
    def sees_pages(self) -> bool:
        """Whether a person asks, and not a stranger or a program with a key."""
        return self.is_known and self.way in PEOPLE

    @property
    def takes_gzip(self) -> bool:
        """Whether the caller reads gzip."""
        accepted = self.head.get(b"accept-encoding")
        return accepted is not None and accepts_gzip(accepted)

    def has(self, etag: bytes) -> bool:
        """Whether the caller holds the answer with this ETag already."""
        held = self.head.get(b"if-none-match")
        if held is None:
            return False
        tags = {tag.strip().removeprefix(b"W/") for tag in held.split(b",")}
        return etag in tags or b"*" in tags

    def watch(self, send: Send) -> Send:
        """A `send` that adds the gate's headers to an answer and notes what it was."""

        async def send_noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                given = {name for name, _ in message["headers"]} if self.defaults else ()
                kept = [header for header in self.defaults if header[0] not in given]
                message["headers"] = [*message["headers"], *kept, *self.added]
            elif message["type"] == "http.response.body":
                self.size += len(message.get("body", b""))
            await send(message)

        return send_noting

    async def answer(self, send: Send, status: int, headers: list[Header], body: bytes) -> None:
        """Send a whole answer at once."""
        self.status, self.size = status, len(body)
        headers += self.added
        headers += self.defaults
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def accepts_gzip(accepted: bytes) -> bool:
    """Whether an ``Accept-Encoding`` takes gzip: by name, else by ``*``.

    Cut apart and not matched as a whole, so that it takes no longer than the header is long.
    """
    taken: dict[bytes, bool] = {}
    for part in accepted.lower().split(b","):
        name, *options = (one.strip() for one in part.split(b";"))
        taken[name] = not any(REFUSED.fullmatch(one) for one in options)
    return taken.get(b"gzip", taken.get(b"*", False))


def visit_of(scope: Scope) -> Visit:
    """The visit that the gate noted in a request's scope."""
    visit: Any = scope[KEY]  # Any: a scope holds anything
    assert isinstance(visit, Visit)
    return visit
