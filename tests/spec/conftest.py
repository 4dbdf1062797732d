"""A look at a company that stands written in the test itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.spark.quick import configure_spark
from tests.spec.written import Seen, read_table, see
from tests.written_company import Row

Look = Callable[..., Seen]
# The same specs run on Spark with KEEPWELL_TEST_ENGINE=spark.
_ENGINE = os.environ.get("KEEPWELL_TEST_ENGINE", "duckdb")


@pytest.fixture(autouse=True, scope="session")
def _quick_spark() -> None:
    configure_spark()


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """See a written company on some dates: ``look("2025-06-01", contracts=..., usage=...)``.

    Tables are texts with one row per line; ``rows`` and ``measured`` are the sections of contracts
    and measures, everything else is the section of its name.
    """

    def look(
        *dates: str,
        data_end: str = "2026-01-01",
        rows: str = "term",
        measured: dict[str, Any] | None = None,  # Any: the section measures
        **given: Any,  # Any: texts and sections
    ) -> Seen:
        tables: dict[str, list[Row]] = {
            name: read_table(given.pop(name), account=name != "rates")
            for name in sorted(given)
            if isinstance(given[name], str)
        }
        ids = {str(row["account_id"]) for name in tables for row in tables[name] if name != "rates"}
        tables.setdefault("accounts", [{"account_id": name} for name in sorted(ids)])
        days = [date.fromisoformat(day) for day in dates]
        settings = {
            "engine": _ENGINE,
            **given,
            "contracts": {"rows": rows},
            "measures": measured or {},
        }
        return see(tables, days, tmp_path, date.fromisoformat(data_end), settings)

    return look
