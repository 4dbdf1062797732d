"""Holding off other processes for a while."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from features.errors import TransientError


@contextmanager
def hold(path: Path, *, what: str, wait_s: float = 120) -> Iterator[None]:
    """Hold a lock; it ends with the block, or with the process that holds it.

    The lock is SQLite's own, since that works wherever the stores of Keepwell do.

    Parameters
    ----------
    path : Path
        File of the lock; it and its folder are made.
    what : str
        What is going on while it is held, for the message of the one who waits in vain.
    wait_s : float
        Seconds to wait for another holder.

    Raises
    ------
    TransientError
        When another process holds it for longer.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=wait_s)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise TransientError(f"{what}: {error}") from error
        yield
