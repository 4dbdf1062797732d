"""Forms of the pages: read within bounds, and only when a page of this service sent them.

Two checks stand for each other: what the browser says of where a form comes from, and a token that
only a page which was rendered for the same browser can hold.

References
----------
OWASP Cross-Site Request Forgery Prevention Cheat Sheet: fetch metadata, origin, tokens.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from models.key import SECRET_BYTES
from serving.cookie import FORM, is_plain, read_cookie, set_cookie
from serving.problem import BAD_REQUEST, FOREIGN_FORM, TOO_LARGE, RequestError
from serving.visit import Visit, visit_of

MEDIA_TYPE = "application/x-www-form-urlencoded"
MOST_BYTES = 16_384
MOST_FIELDS = 50
TOKEN_FIELD = "form_token"
PURPOSE = b"keepwell form "
NONCE_BYTES = 16
ELSEWHERE = "It was sent from another site, or by no browser."
NO_HTTPS = (
    "Other machines than this one sign in by https alone: ask for the address that begins so."
)
AGAIN = "Go back, load the page anew and send the form again; the browser has to take cookies."


def form_token(request: Request) -> str:
    """What every form that is sent by POST holds in its hidden field `TOKEN_FIELD`.

    It follows from a secret in a cookie: that of the session or, where there is none, one that
    this answer sets. The forms of another session, or another browser, have another one. It is
    written anew into every page, so that the size of a compressed page tells nothing of it.
    """
    visit = visit_of(request.scope)
    secret = _secret(request, visit)
    if secret is None:
        secret = visit.form_secret = secrets.token_urlsafe(SECRET_BYTES).encode("ascii")
        set_cookie(visit, FORM, secret)
    nonce = secrets.token_hex(NONCE_BYTES)
    return nonce + _sign(secret, nonce)


async def get_form(request: Request) -> Mapping[str, str]:
    """The fields of a form that a page of this service sent, as a dependency.

    Raises
    ------
    RequestError
        It comes from elsewhere, is too large, or no such form.
    """
    visit = visit_of(request.scope)
    if not is_own(visit):
        raise RequestError(FOREIGN_FORM, NO_HTTPS if _lacks_https(visit) else ELSEWHERE)
    fields = await read_form(request)
    secret, token = _secret(request, visit), fields.get(TOKEN_FIELD, "")
    nonce, signature = token[: 2 * NONCE_BYTES], token[2 * NONCE_BYTES :]
    if secret is None or not hmac.compare_digest(_sign(secret, nonce).encode(), signature.encode()):
        raise RequestError(FOREIGN_FORM, AGAIN)
    return fields


Form = Annotated[Mapping[str, str], Depends(get_form)]


def is_own(visit: Visit) -> bool:
    """Whether the browser says that a page of this very host sent the request."""
    site, origin = visit.head.get(b"sec-fetch-site"), visit.head.get(b"origin")
    if site is not None and site != b"same-origin":
        return False
    if origin is None:
        return site is not None  # of old browsers each says one of them
    host = visit.head.get(b"host", b"").lower()
    schemes = (b"https", b"http") if is_plain(visit) else (b"https",)
    return bool(host) and origin.lower() in [scheme + b"://" + host for scheme in schemes]


def _lacks_https(visit: Visit) -> bool:
    host = visit.head.get(b"host", b"").lower()
    return visit.head.get(b"origin", b"").lower() == b"http://" + host


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form, each of which came once.

    Raises
    ------
    RequestError
        It is too large, or no form that a page of ours sends.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != MEDIA_TYPE or len(request.headers.getlist("content-type")) != 1:
        raise RequestError(BAD_REQUEST, f"A form is read as {MEDIA_TYPE}.")
    body, size = bytearray(), 0
    async for part in request.stream():  # to its end, or the sender never sees the answer
        size += len(part)
        if size <= MOST_BYTES:
            body += part
    if size > MOST_BYTES:
        raise RequestError(TOO_LARGE, f"At most {MOST_BYTES} bytes are read of a form.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise RequestError(BAD_REQUEST, "The form cannot be read.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs) or any("\x00" in one for pair in pairs for one in pair):
        raise RequestError(BAD_REQUEST, "A field came twice, or holds what no field holds.")
    return fields


def _secret(request: Request, visit: Visit) -> bytes | None:
    if visit.form_secret is None:
        visit.form_secret = read_cookie(visit, request.scope["headers"], FORM)
    return visit.form_secret


def _sign(secret: bytes, nonce: str) -> str:
    return hmac.new(secret, PURPOSE + nonce.encode(), hashlib.sha256).hexdigest()
