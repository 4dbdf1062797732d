"""Where a reader of the ranking stands: a place in one snapshot, as an opaque text."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

SHAPE = re.compile(r"([0-9a-z]{13})\.(0|[1-9][0-9]{0,8})")
MAX_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the ranking of one snapshot.

    Parameters
    ----------
    snapshot_id : str
        The snapshot; it may have been removed since.
    rank : int
        Of the last account already read; 0 at the top.
    """

    snapshot_id: str
    rank: int

    def encode(self) -> str:
        """The cursor as callers hand it back."""
        plain = f"{self.snapshot_id}.{self.rank}".encode("ascii")
        return base64.urlsafe_b64encode(plain).decode("ascii").rstrip("=")


def decode_cursor(text: str) -> Cursor | None:
    """The cursor that `Cursor.encode` wrote, or None when it wrote no such text."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        plain = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError):
        return None
    found = SHAPE.fullmatch(plain)
    cursor = Cursor(found[1], int(found[2])) if found else None
    return cursor if cursor and cursor.encode() == text else None
