"""Requests to an application in this process, without a server."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI

PROBLEM = "application/problem+json"


def ask(
    app: FastAPI,
    path: str,
    *,
    method: str = "GET",
    host: str = "localhost",
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """One answer of the application."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, headers={"Host": host, **(headers or {})})

    return asyncio.run(send())


def problem(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    """The problem document of an answer, after checking that it is the expected one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    document: dict[str, Any] = response.json()
    assert document["type"] == f"tag:keepwell,2026:problem/{name}"
    assert document["status"] == status
    assert set(document) - {"errors"} == {"type", "title", "status", "detail", "instance"}
    return document
