"""Somebody who reads the pages with a browser, and what the browser says of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, StorageState


@dataclass(frozen=True)
class Site:
    """Where the service is, and a key for it."""

    base: str
    key: str


@dataclass
class Reader:
    """A page of the browser, with every fault and foreign request that it saw."""

    page: Page
    site: Site
    said: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to a path of the site; anything but 200 fails."""
        answer = self.page.goto(self.site.base + path)
        assert answer is not None
        assert answer.status == 200, (path, answer.status)

    def sign_in(self, path: str = "/") -> None:
        """Begin where a reader without a session is sent to."""
        self.page.goto(self.site.base + path)
        self.page.locator("input[name=key]").fill(self.site.key)
        self.page.locator("main form button[type=submit]").click()
        self.page.wait_for_url(self.site.base + path)


@contextmanager
def read(
    chromium: Browser,
    site: Site,
    *,
    width: int = 1280,
    scheme: Literal["light", "dark"] = "light",
    session: StorageState | None = None,
) -> Iterator[Reader]:
    """A reader with a browser of their own; what the browser complains of fails in the end."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        storage_state=session,
    )
    page = context.new_page()
    reader = Reader(page, site)
    host = urlsplit(site.base).netloc

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            reader.said.append(message.text)

    def see(request: Request) -> None:
        if urlsplit(request.url).netloc not in (host, ""):
            reader.said.append(f"asks {request.url}")

    page.on("console", hear)
    page.on("request", see)
    page.on("pageerror", lambda fault: reader.said.append(str(fault)))
    try:
        yield reader
        assert not reader.said, reader.said
    finally:
        context.close()
