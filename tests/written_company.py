"""Companies written as plain rows: lists of dicts in, an open source or datasets out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from features.dataset import Dataset, ModelName, build_datasets
from features.schema import SQL_TYPES, TABLES
from features.settings import CompanySettings
from features.source import Source, open_source

Row = Mapping[str, Any]  # Any: a cell is a date, a number, a text, a flag or missing
Tables = Mapping[str, Sequence[Row]]
_EXTRA_TYPES = {str: "VARCHAR", float: "DOUBLE", int: "DOUBLE", bool: "BOOLEAN", date: "DATE"}


def open_company(
    tables: Tables, *, spill: Path, data_end: date, **settings: Any
) -> Source:  # Any: the sections of CompanySettings, as models or as dicts
    """The written company as Keepwell reads it.

    Parameters
    ----------
    tables : mapping of str to rows
        Contract table to its rows; a cell that a row lacks is missing, an empty table is left out.
    spill : Path
        Folder for DuckDB.
    data_end : date
        Exclusive.
    **settings
        Further sections of the configuration.
    """
    queries = {name: write_query(name, rows) for name, rows in tables.items() if rows}
    company = CompanySettings.model_validate({"tables": queries, **settings})
    time = company.time.model_copy(update={"data_end": data_end})
    return open_source(company.model_copy(update={"time": time}), spill=spill)


def datasets_of(
    tables: Tables, dates: Sequence[date], *, spill: Path, data_end: date, **settings: Any
) -> tuple[Source, dict[ModelName, Dataset]]:
    """The written company, open, and its datasets on these as-of dates."""
    source = open_company(tables, spill=spill, data_end=data_end, **settings)
    return source, build_datasets(source, dates=list(dates))


def write_query(table: str, rows: Sequence[Row]) -> str:
    """The query of a contract table that returns these rows, each column of the contract's type."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    types = {name: _type(table, name, rows) for name in names}
    lines = (", ".join(_literal(row.get(name), types[name]) for name in names) for row in rows)
    values = ", ".join(f"({line})" for line in lines)
    return f"SELECT * FROM (VALUES {values}) AS written({', '.join(names)})"


def _type(table: str, name: str, rows: Sequence[Row]) -> str:
    column = TABLES[table].column(name)
    if column is not None:
        return SQL_TYPES[column.kind]
    seen = next((row[name] for row in rows if row.get(name) is not None), "")
    return _EXTRA_TYPES[type(seen)]


def _literal(cell: object, sql_type: str) -> str:
    if cell is None:
        return f"CAST(NULL AS {sql_type})"
    text = str(cell).replace("'", "''")
    return f"CAST('{text}' AS {sql_type})"
