"""What is found wrong with a company that stands written in the test itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from features.errors import InputError, Problem
from features.settings import CompanySettings
from features.source import Source, open_source
from tests.spec.written import read_table
from tests.written_company import write_query

ACCOUNTS = "name\nAlpha"


class Found:
    """The problems of a written company, and its tables when they can be used."""

    def __init__(self, problems: tuple[Problem, ...], source: Source | None) -> None:
        self.problems = problems
        self.source = source

    def only(self, place: str) -> Problem:
        """The one problem of a table's column, by ``table.column``."""
        (problem,) = [p for p in self.problems if f"{p.table}.{p.column}" == place]
        return problem

    def none(self, place: str) -> bool:
        """Whether nothing is said of a table's column."""
        return all(f"{p.table}.{p.column}" != place for p in self.problems)

    def ids(self, table: str, column: str) -> list[str]:
        """The values of a column that is left in a table."""
        assert self.source is not None, self.problems
        rows = self.source.connection.execute(f"SELECT {column} FROM {table} ORDER BY 1")
        return [str(row[0]) for row in rows.fetchall()]


def find_problems(
    spill: Path,
    *,
    end: str | None = "2026-01-01",
    grain: str = "day",
    sections: dict[str, Any] | None = None,  # Any: sections of the settings
    checks: dict[str, Any] | None = None,
    **tables: str,
) -> Found:
    """Check a written company; a table that is a SELECT stands as it is given."""
    tables.setdefault("accounts", ACCOUNTS)
    queries = {
        name: text
        if text.startswith("SELECT")
        else write_query(name, read_table(text, account=name != "rates"))
        for name, text in tables.items()
    }
    given = {"time": {"data_end": end, "grain": grain}, "checks": checks or {}}
    settings = CompanySettings.model_validate({"tables": queries, **given, **(sections or {})})
    try:
        source = open_source(settings, spill=spill)
    except InputError as error:
        return Found(error.problems, None)
    return Found(source.notices, source)
