"""What Keepwell says about a random company, as plain rows to compare."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from features.dataset import Dataset, ModelName, build_rows
from features.source import Source
from tests.property.company import Company, Row
from tests.written_company import datasets_of, open_company


def open_answer(
    company: Company, spill: Path, dates: Sequence[date] | None = None
) -> tuple[Source, dict[ModelName, Dataset]]:
    """The company, open, and its datasets on its as-of dates, or on those given."""
    return datasets_of(
        company.tables,
        dates or company.dates,
        spill=spill,
        data_end=company.data_end,
        **company.settings,
    )


def open_rows(company: Company, spill: Path) -> Source:
    """The company with its cohorts and labels built, without features."""
    source = open_company(
        company.tables, spill=spill, data_end=company.data_end, **company.settings
    )
    build_rows(source, list(company.dates))
    return source


def read_rows(source: Source, query: str) -> list[Row]:
    """The rows of a query as dicts of plain values."""
    result = source.connection.execute(query)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def plain(value: Any) -> Any:  # Any: a cell of pandas
    """A cell of pandas as a plain value: NaN and NaT are None, a timestamp is a date."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    return value.date() if isinstance(value, datetime) else value


def feature_rows(dataset: Dataset) -> dict[tuple[str, str | None, date], Row]:
    """By account, contract and as-of date what a model sees."""
    keys = dataset.rows[["account_id", "contract_id", "as_of"]].to_dict("records")
    values = dataset.features.to_dict("records")
    return {
        tuple(plain(key[name]) for name in ("account_id", "contract_id", "as_of")): {
            str(name): plain(value) for name, value in row.items()
        }
        for key, row in zip(keys, values, strict=True)
    }


def is_same(found: object, expected: object) -> bool:
    """Whether two cells are equal, numbers up to the last digits."""
    if isinstance(found, int | float) and isinstance(expected, int | float):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)
    return found == expected
