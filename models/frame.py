"""Messages between the service and its compute workers: a length, a letter, and JSON as bytes.

Nothing but bytes goes through the pipes, so that neither side can be made to run what it reads.
"""

from __future__ import annotations

import struct
from typing import IO

LENGTH = struct.Struct(">I")
LONGEST = 32_000_000  # bytes; what is longer was not written by us
KIND = 1  # bytes
MOST_ROWS = 100  # of one request

READY = b"R"  # the bundle is proved; what it is
REFUSED = b"X"  # the bundle is not served; why
ROWS = b"Q"  # rows to score, as a caller sent them
ANSWER = b"A"  # what they came to, ready to be sent
FAULTS = b"F"  # fields that are not as documented: [[location, message], ...]
FAILED = b"E"  # the model gave no finite answer


def pack_frame(kind: bytes, content: bytes) -> bytes:
    """One message as it goes through a pipe."""
    return b"".join((LENGTH.pack(KIND + len(content)), kind, content))


def split_frame(body: bytes) -> tuple[bytes, bytes]:
    """Kind and content of a message without its length."""
    return body[:KIND], body[KIND:]


def read_frame(pipe: IO[bytes]) -> tuple[bytes, bytes] | None:
    """The next message of a blocking pipe; None at its end, or where it breaks off."""
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    if not KIND <= length <= LONGEST:
        return None
    body = pipe.read(length)
    return split_frame(body) if len(body) == length else None
