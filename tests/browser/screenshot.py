"""Pictures of every page: ``make screenshots``, once ``keepwell demo`` has run.

They are of the company in ``KEEPWELL_HOME``, which is served for it on loopback, and lie in
``docs/screenshots``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Literal, NamedTuple

import httpx
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import QUIET, find_chromium, is_ready
from tests.integration.live_service import wait_until
from tests.integration.postgres import free_port

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"


class Look(NamedTuple):
    """How a page is looked at: its name in the file's, width in pixels, colours and language."""

    name: str
    width: int = 1280
    scheme: Literal["light", "dark"] = "light"
    language: str = "en"


LOOKS = (Look("light"), Look("dark", scheme="dark"), Look("phone", 390), Look("zh", language="zh"))


def main() -> None:
    """Serve, look, and end the service."""
    base = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "pipelines", "serve", "--port", base.rpartition(":")[2]]
    FOLDER.mkdir(exist_ok=True)
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process, sync_playwright() as play:
        try:
            wait_until(lambda: is_ready(base))
            first = httpx.get(f"{base}/v1/accounts", params={"limit": 1, "state": "to_decide"})
            account = first.json()["accounts"][0]["account_id"]
            browser = play.chromium.launch(executable_path=find_chromium(), args=list(QUIET))
            for name, path in {
                "portfolio": "/",
                "account": f"/accounts/{account}",
                "modules": "/modules",
                "model": "/model",
            }.items():
                for look in LOOKS:
                    take_picture(browser, base + path, name, look)
            browser.close()
        finally:
            process.terminate()


def take_picture(browser: Browser, url: str, name: str, look: Look) -> None:
    """Write one picture of the upper part of a page."""
    size = {"width": look.width, "height": 1600 if look.width > 600 else 1100}
    context = browser.new_context(color_scheme=look.scheme)
    page = context.new_page()
    page.set_viewport_size({"width": size["width"], "height": size["height"]})
    page.goto(f"{url}?lang={look.language}")
    file = FOLDER / f"{name}-{look.name}.png"
    page.screenshot(path=file)
    context.close()
    with Image.open(file) as picture:
        few = picture.convert("RGB").quantize(128, method=Image.Quantize.MAXCOVERAGE)
    few.save(file, optimize=True)


if __name__ == "__main__":
    main()
