"""A folder for all examples: they are many, and write nothing into it."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def spill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where DuckDB may write what does not fit into memory."""
    return tmp_path_factory.mktemp("spill")
