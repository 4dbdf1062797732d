"""Where a browser may be sent after it signed in: pages of this service and nowhere else."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from starlette.types import Scope

from serving.zone import SIGN_IN, SIGN_OUT, Zone, zone_of

HOME = "/"
LONGEST = 2000
# Letters of a URL, without what some readers take for another host: backslash, blanks, controls.
PLAIN = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?")


def own_path(wanted: str) -> str:
    """The path that was asked for, with its query, when it is a page of this service; else `HOME`.

    Parameters
    ----------
    wanted : str
        As it came from outside, percent-encoded like a URL.
    """
    if len(wanted) > LONGEST or not PLAIN.fullmatch(wanted):
        return HOME
    path = unquote_to_bytes(wanted.partition("?")[0])
    if b"//" in path or b"\\" in path or min(path) < 0x20 or 0x7F in path:
        return HOME
    if any(step in (b".", b"..") for step in path.split(b"/")):
        return HOME
    plain = path.decode("utf-8", "replace")
    return wanted if zone_of(plain) is Zone.PAGE and plain != SIGN_OUT else HOME


def sign_in_path(scope: Scope) -> str:
    """Where to sign in before a request, and then be sent back to it where it can be repeated."""
    if scope["method"] not in ("GET", "HEAD"):
        return SIGN_IN
    asked = scope.get("raw_path") or quote(scope["path"]).encode("ascii")
    if scope["query_string"]:
        asked += b"?" + scope["query_string"]
    goal = own_path(asked.decode("latin-1"))
    return SIGN_IN if goal == HOME else f"{SIGN_IN}?next={quote(goal, safe='/')}"
