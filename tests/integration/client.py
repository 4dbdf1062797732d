"""Requests to an application in this process, without a server."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI

from serving.application import Service, create_app
from serving.journal import RequestLog
from serving.settings import Settings

# Whether a snapshot is stale is a test of its own: the others look at old ones.
NEVER_STALE = 1e6
PROBLEM = "application/problem+json"


def ask(
    app: FastAPI,
    path: str,
    *,
    method: str = "GET",
    host: str = "localhost",
    headers: dict[str, str] | None = None,
    content: bytes | None = None,
    json: object = None,
) -> httpx.Response:
    """One answer of the application."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(
                method,
                path,
                headers={"Host": host, **(headers or {})},
                content=content,
                json=json,
            )

    return asyncio.run(send())


def ask_raw(
    app: FastAPI, path: str, headers: list[tuple[str, str]], *, peer: str = "127.0.0.1"
) -> httpx.Response:
    """One answer to a GET with exactly these headers, of which a name may come twice."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(peer, 40_000))
        async with httpx.AsyncClient(transport=transport) as client:
            request = httpx.Request("GET", f"http://localhost{path}", headers=headers)
            return await client.send(request)

    return asyncio.run(send())


def problem(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    """The problem document of an answer, after checking that it is the expected one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    document: dict[str, Any] = response.json()
    assert document["type"] == f"tag:keepwell,2026:problem/{name}"
    assert document["status"] == status
    fields = {"type", "title", "status", "detail", "instance", "request_id"}
    assert set(document) - {"errors"} == fields
    assert document["request_id"] == response.headers["x-request-id"]
    return document


def serve(store_url: str, *, log: RequestLog | None = None, **changes: Any) -> Service:
    """An application over a store, which looks for a newer snapshot with every request."""
    options = {"refresh_s": 0.0, "stale_after_days": NEVER_STALE, **changes}
    return create_app(Settings(store_url=store_url, **options), log=log)
