"""How long work tells what it is doing: a function that takes one line per step."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str], None]


def silent(step: str) -> None:
    """A progress that tells nobody."""
    del step
