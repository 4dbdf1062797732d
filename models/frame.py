"""Messages between the service and its compute workers: a length, a letter, and bytes.

Nothing but bytes goes through the pipes, so that neither side can be made to run what it reads.
"""

from __future__ import annotations

import struct
from typing import IO

HEAD = struct.Struct(">Ic")  # bytes of what follows, and what it is
LONGEST = 32_000_000  # bytes; what is longer was not written by us
MOST_ROWS = 100  # of one request

READY = b"R"  # the bundle is proved; what it is
REFUSED = b"X"  # the bundle is not served; why
ROWS = b"Q"  # rows to score, as a caller sent them
ROWS_GZIP = b"Z"  # the same, of a caller that reads an answer under gzip
ANSWER = b"A"  # what they came to, as JSON, ready to be sent
ANSWER_GZIP = b"G"  # the same under gzip
FAULTS = b"F"  # fields that are not as documented: [[location, message], ...]
FAILED = b"E"  # the model gave no finite answer


def pack_frame(kind: bytes, content: bytes) -> bytes:
    """One message as it goes through a pipe."""
    return b"".join((HEAD.pack(len(content), kind), content))


def read_frame(pipe: IO[bytes]) -> tuple[bytes, bytes] | None:
    """Kind and content of the next message of a blocking pipe; None at its end, or where it breaks.

    Neither of them is copied: a request may have megabytes.
    """
    head = pipe.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    length, kind = HEAD.unpack(head)
    if length > LONGEST:
        return None
    content = pipe.read(length)
    return (kind, content) if len(content) == length else None
