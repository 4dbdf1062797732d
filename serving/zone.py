"""What kind of path a request is for: who is let in, by what, and how faults are told."""

from __future__ import annotations

from enum import Enum

PROBES = frozenset({"/livez", "/readyz"})  # answered without a key, and under any load
SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
ASSET_PREFIX = "/static/"  # styles and pictures of the pages, the same for everybody
OPEN_PATHS = frozenset({SIGN_IN, "/favicon.ico", "/robots.txt"})


class Zone(Enum):
    """A kind of path."""

    API = "api"  # for programs: by key alone, no cookie is looked at
    PROBE = "probe"
    OPEN = "open"  # for browsers, also before anybody signed in
    PAGE = "page"  # for people: by session, or by a proxy that knows them


def zone_of(path: str) -> Zone:
    """The kind of a path; what is not known is a page, and let in as one."""
    if path.startswith("/v1/") or path in ("/v1", "/metrics"):
        return Zone.API
    if path in PROBES:
        return Zone.PROBE
    if path in OPEN_PATHS or path.startswith(ASSET_PREFIX):
        return Zone.OPEN
    return Zone.PAGE
