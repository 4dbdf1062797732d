"""How the C library keeps memory that was given back."""

from __future__ import annotations

import ctypes
from contextlib import suppress

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # as glibc's malloc.h numbers them
KEPT = 16_000_000  # bytes
MAPPED_FROM = 4_000_000  # bytes; more than a body may have


def keep_freed_memory() -> None:
    """Keep what a request's body took for the next one, up to `KEPT`; nothing without glibc.

    A body of half a megabyte would else be unmapped and mapped again several times on its way, and
    each page of it faulted in: half of what such a request takes in the service.
    """
    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(MMAP_THRESHOLD, MAPPED_FROM)
        libc.mallopt(TRIM_THRESHOLD, KEPT)
