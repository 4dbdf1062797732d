"""The one stylesheet of the pages, under an address that changes with what is in it."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

STATIC = Path(__file__).parent / "static"
FOLDER = "/static/"


class Sheet(NamedTuple):
    """A stylesheet: its file's name in addresses, and its bytes."""

    name: str
    body: bytes

    @property
    def path(self) -> str:
        """Where it is served."""
        return FOLDER + self.name


@cache
def load_sheet() -> Sheet:
    """The stylesheet, read once."""
    body = (STATIC / "keepwell.css").read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:16]
    return Sheet(f"keepwell.{digest}.css", body)
