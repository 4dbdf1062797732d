"""Files that the pages load, each under an address that changes with what is in it."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

STATIC = Path(__file__).parent / "static"
FOLDER = "/static/"
MEDIA_TYPES = {".css": "text/css", ".svg": "image/svg+xml"}
SHEET, ICON = "keepwell.css", "keepwell.svg"


class Asset(NamedTuple):
    """A file: its path in addresses, its media type, its bytes."""

    path: str
    media_type: str
    body: bytes


@cache
def load_asset(name: str) -> Asset:
    """One of the files, read once."""
    file = STATIC / name
    body = file.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:16]
    return Asset(f"{FOLDER}{file.stem}.{digest}{file.suffix}", MEDIA_TYPES[file.suffix], body)


@cache
def list_assets() -> dict[str, Asset]:
    """All of them by path."""
    return {asset.path: asset for asset in map(load_asset, (SHEET, ICON))}
