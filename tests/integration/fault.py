"""Faults on purpose: a DuckDB connection that fails at a statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import duckdb
import pytest


def raising(error: BaseException) -> Callable[..., NoReturn]:
    """A function that raises this."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


class _Connection:
    def __init__(self, real: duckdb.DuckDBPyConnection, at: str, error: BaseException) -> None:
        self._real, self._at, self._error = real, at, error

    def execute(self, query: str, *arguments: object) -> Any:  # Any: what DuckDB returns
        if self._at in query:
            raise self._error
        return self._real.execute(query, *arguments)

    def __getattr__(self, name: str) -> Any:  # Any: an attribute of DuckDB's connection
        return getattr(self._real, name)


def fail_at(patched: pytest.MonkeyPatch, at: str, error: BaseException) -> None:
    """Let the next company that is opened fail at a statement with these words in it."""
    real = duckdb.connect(":memory:")
    patched.setattr("features.source.duckdb.connect", lambda *_: _Connection(real, at, error))
