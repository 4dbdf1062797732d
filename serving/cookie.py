"""The two cookies of the pages: their names, how they are read and how they are set.

References
----------
RFC 6265bis, section 4.1.3.2: the prefix ``__Host-`` binds a cookie to one host, by https alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from serving.visit import Header, Visit

LOCAL_HOST = re.compile(rb"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
SECRET = re.compile(rb"[A-Za-z0-9_-]{43}")
SESSION, FORM = b"keepwell", b"keepwell-form"
BOUND = b"__Host-"


def is_plain(visit: Visit) -> bool:
    """Whether a browser asks this machine itself, so that cookies go without https."""
    return LOCAL_HOST.fullmatch(visit.head.get(b"host", b"")) is not None


def read_cookie(visit: Visit, headers: Sequence[Header], name: bytes) -> bytes | None:
    """The secret in a cookie of ours.

    Parameters
    ----------
    visit : Visit
        Of the request.
    headers : sequence of (bytes, bytes)
        Of the request.
    name : bytes
        `SESSION` or `FORM`.

    Returns
    -------
    bytes or None
        None also where it comes twice, since nobody knows which is ours, or is no secret of ours.
    """
    wanted = _full_name(visit, name)
    found = [
        value
        for header, line in headers
        if header == b"cookie"
        for pair in line.split(b";")
        for key, equals, value in (pair.strip(b" \t").partition(b"="),)
        if equals and key == wanted
    ]
    return found[0] if len(found) == 1 and SECRET.fullmatch(found[0]) else None


def set_cookie(visit: Visit, name: bytes, secret: bytes) -> None:
    """Let the answer to a request set a cookie, which ends with the browser."""
    _add(visit, name, secret, b"")


def clear_cookie(visit: Visit, name: bytes) -> None:
    """Let the answer to a request remove a cookie."""
    _add(visit, name, b"", b"; Max-Age=0")


def _add(visit: Visit, name: bytes, value: bytes, more: bytes) -> None:
    secure = b"" if is_plain(visit) else b"; Secure"
    line = _full_name(visit, name) + b"=" + value + b"; Path=/; HttpOnly; SameSite=Lax"
    visit.added.append((b"set-cookie", line + secure + more))


def _full_name(visit: Visit, name: bytes) -> bytes:
    return name if is_plain(visit) else BOUND + name
