"""Where a reader of a list stands: a place in one snapshot, as an opaque text."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

SHAPE = re.compile(r"([0-9a-z]{13})\.(0|[1-9][0-9]{0,8})\.([0-9a-f]{16})")
MAX_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list read from one snapshot.

    Nothing is opened by it: what a caller may see is asked anew with each request, so that a
    forged one shows no more than a request without it.

    Parameters
    ----------
    snapshot_id : str
        The snapshot; it may have been removed since.
    start : int
        Of how many accounts the list was read already.
    mark : str
        Of the list and its reader, see `mark_list`.
    """

    snapshot_id: str
    start: int
    mark: str

    def encode(self) -> str:
        """The cursor as callers hand it back."""
        plain = f"{self.snapshot_id}.{self.start}.{self.mark}".encode("ascii")
        return base64.urlsafe_b64encode(plain).decode("ascii").rstrip("=")


def decode_cursor(text: str) -> Cursor | None:
    """The cursor that `Cursor.encode` wrote, or None when it wrote no such text."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        plain = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError):
        return None
    found = SHAPE.fullmatch(plain)
    cursor = Cursor(found[1], int(found[2]), found[3]) if found else None
    return cursor if cursor and cursor.encode() == text else None


def mark_list(*made_of: object) -> str:
    """16 hexadecimal digits that differ for every other key and list."""
    return hashlib.blake2b(repr(made_of).encode(), digest_size=8).hexdigest()
