"""Answers as bytes: ETag and 304, gzip, and what caches may do with them."""

from __future__ import annotations

import asyncio
import gzip
import hashlib

from starlette.requests import Request
from starlette.responses import Response

from serving.visit import Header, visit_of

GZIP_FROM = 8192  # bytes; less is sent in few packets anyway
GZIP_LEVEL = 1  # level 6 takes five times as long for a tenth less
THREAD_FROM = 200_000  # bytes whose compression would keep other requests waiting
JSON_HEADER: Header = (b"content-type", b"application/json")
VARY: Header = (b"vary", b"Authorization, Accept-Encoding")


async def reply(request: Request, body: bytes, *, status: int = 200) -> Response:
    """The answer to a request whose JSON document is already rendered.

    Its ETag is made of the document, and so covers all that it was made of: snapshot, staleness,
    row filter, scopes. 304 when the caller holds it.

    Parameters
    ----------
    request : Request
        Whose headers decide on 304 and gzip.
    body : bytes
        JSON.
    status : int
        Only 200 has an ETag.
    """
    visit = visit_of(request.scope)
    zipped = len(body) >= GZIP_FROM and visit.takes_gzip
    headers = [JSON_HEADER, VARY]
    if status == 200 and request.method == "GET":
        etag = make_etag(hashlib.blake2b(body, digest_size=12).hexdigest(), zipped=zipped)
        headers = [VARY, (b"etag", etag)]
        if visit.has(etag):
            return _plain(304, headers, b"")
        headers.append(JSON_HEADER)
    if zipped:
        body = await compress(body)
        headers.append((b"content-encoding", b"gzip"))
    headers.append((b"content-length", b"%d" % len(body)))
    return _plain(status, headers, body)


async def compress(body: bytes) -> bytes:
    """The body under gzip; a large one in a thread."""
    if len(body) < THREAD_FROM:
        return gzip.compress(body, GZIP_LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, GZIP_LEVEL, mtime=0)


def make_etag(tag: str, *, zipped: bool) -> bytes:
    """The ETag of one content coding of an answer."""
    return f'"{tag}.gz"'.encode() if zipped else f'"{tag}"'.encode()


def _plain(status: int, headers: list[Header], body: bytes) -> Response:
    answer = Response(status_code=status)
    answer.body = body
    answer.raw_headers = headers
    return answer
