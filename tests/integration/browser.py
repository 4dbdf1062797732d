"""What a browser does of HTTP: it keeps cookies, says where a form comes from, and fills it in."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import httpx
from fastapi import Request
from starlette.responses import JSONResponse, Response

from serving.application import Service
from serving.form import Form, form_token
from serving.page_caller import PageCaller
from serving.visit import visit_of

HTML = "text/html,application/xhtml+xml,*/*;q=0.8"
FORM = "application/x-www-form-urlencoded"
SITE = "https://keepwell.example.com"
HERE = "http://localhost"


class Browser:
    """One browser at an application.

    Parameters
    ----------
    app : Service
        What it talks to.
    site : str
        Scheme and host as people type them.
    peer : str
        Address that the connection comes from.
    always : dict of str to str
        Headers that a proxy on the way adds.
    """

    def __init__(
        self,
        app: Service,
        *,
        site: str = SITE,
        peer: str = "127.0.0.1",
        always: dict[str, str] | None = None,
    ) -> None:
        self.app, self.site, self.peer, self.always = app, site, peer, always or {}
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> httpx.Response:
        """A page; no redirect is followed."""
        return self.send("GET", path, {"Accept": HTML, **headers})

    def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        """A form that a page of the same site sends."""
        own = {"Accept": HTML, "Origin": self.site, "Sec-Fetch-Site": "same-origin",
               "Content-Type": FORM}  # fmt: skip
        return self.send("POST", path, {**own, **headers}, urlencode(fields).encode())

    def send(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> httpx.Response:
        """One request; a header with an empty value is left out."""
        if self.cookies:
            line = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers = {"Cookie": line, **headers}
        given = {name: value for name, value in {**headers, **self.always}.items() if value}

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(self.peer, 40_000))
            async with httpx.AsyncClient(transport=transport, base_url=self.site) as client:
                return await client.request(method, path, headers=given, content=body)

        response = asyncio.run(ask())
        self.keep(response)
        return response

    def keep(self, response: httpx.Response) -> None:
        """Take the cookies of an answer as a browser does; a bad one fails."""
        for line in response.headers.get_list("set-cookie"):
            (name, _, value), *rest = (part.strip().partition("=") for part in line.split(";"))
            flags = {one[0].lower(): one[2] for one in rest}
            assert flags["path"] == "/"
            assert flags["samesite"] == "Lax"
            assert "httponly" in flags
            assert "domain" not in flags
            is_https = self.site.startswith("https:")
            assert ("secure" in flags) is is_https
            assert name.startswith("__Host-") is is_https
            if flags.get("max-age") == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value

    def sign_in(self, key: str, goal: str = "/", **headers: str) -> httpx.Response:
        """The answer to the form with a key."""
        page = self.get(f"/sign-in?next={goal}")
        return self.post("/sign-in", {**hidden(page), "key": key}, **headers)

    def token(self, path: str = "/probe") -> str:
        """The form token of a page."""
        return hidden(self.get(path))["form_token"]


def hidden(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of a page's form."""
    assert page.status_code == 200, page.text
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)
    return {name: unescape(value) for name, value in found}


def add_probe(app: Service) -> None:
    """Give an application a page that says who asks, and takes a form."""

    async def show(request: Request, caller: PageCaller) -> Response:
        told = caller_json(caller) | {"way": visit_of(request.scope).way.value}
        field = f'<input type="hidden" name="form_token" value="{form_token(request)}">'
        return Response(f"{field}<pre>{told}</pre>", media_type="text/html")

    async def take(form: Form, caller: PageCaller) -> Response:
        return JSONResponse(caller_json(caller) | {"said": form.get("said")})

    app.router.add_api_route("/probe", show, methods=["GET"], include_in_schema=False)
    app.router.add_api_route("/probe", take, methods=["POST"], include_in_schema=False)


def caller_json(caller: PageCaller) -> dict[str, Any]:
    """Who asks, to be compared."""
    return {
        "id": caller.key_id,
        "scopes": sorted(caller.scopes),
        "row_filter": caller.row_filter.to_json(),
    }
