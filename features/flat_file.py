"""Reading one file as a flat table: numbers, texts and days."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import duckdb
import numpy as np
import pandas as pd

from features.engine import read_frame
from features.errors import InputError, Problem

Kind = Literal["number", "flag", "category", "date", "other"]
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_NUMBERS = {*_INTEGERS, *(f"U{name}" for name in _INTEGERS), "FLOAT", "DOUBLE", "DECIMAL"}
_WORDS = {"1": 1.0, "yes": 1.0, "true": 1.0, "0": 0.0, "no": 0.0, "false": 0.0}
_READERS = {".csv": "read_csv({}, sample_size = -1)", ".parquet": "read_parquet({})"}


def read_file(path: Path) -> tuple[pd.DataFrame, dict[str, Kind]]:
    """The table with numbers as float, text as object, dates as midnights; and each kind."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None or not path.is_file():
        rule = "does not exist" if reader else "is neither .csv nor .parquet"
        raise InputError([Problem(str(path), "", rule, remedy="give such a file with --table")])
    source = reader.format("'{}'".format(str(path).replace("'", "''")))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        try:
            # Read first: DuckDB hands a cast down to the reader, to which True is no number.
            connection.execute(f"CREATE TEMP TABLE file AS SELECT * FROM {source}")
            described = connection.execute("DESCRIBE file").fetchall()
            kinds = {str(name): _kind(str(kind)) for name, kind, *_ in described}
            select = ", ".join(_typed(name, kind) for name, kind in kinds.items())
            return read_frame(connection, f"SELECT {select} FROM file"), kinds
        except duckdb.Error as error:
            rule = f"cannot be read: {str(error).splitlines()[0]}"
            remedy = "give a CSV file with a header, in UTF-8, or a Parquet file"
            raise InputError([Problem(str(path), "", rule, remedy=remedy)]) from None


def _kind(sql_type: str) -> Kind:
    if sql_type.endswith("]"):
        return "other"
    name = sql_type.split("(")[0]
    if name in _NUMBERS:
        return "number"
    if name == "BOOLEAN":
        return "flag"
    if name == "DATE" or name.startswith("TIMESTAMP"):
        return "date"
    return "category" if name in ("VARCHAR", "ENUM", "UUID") else "other"


def _typed(name: str, kind: Kind) -> str:
    """The column as SQL; a time within a day counts for the next midnight, when it was known."""
    quoted = '"{}"'.format(name.replace('"', '""'))
    if kind in ("number", "flag"):
        return f"CAST({quoted} AS DOUBLE) AS {quoted}"
    if kind == "date":
        day = f"CAST({quoted} AS DATE)"
        return f"CASE WHEN {quoted} > {day} THEN {day} + 1 ELSE {day} END AS {quoted}"
    return f"CAST({quoted} AS VARCHAR) AS {quoted}"


def read_label(label: pd.Series) -> pd.Series:
    """Words for yes and no as 1 and 0; any other value as it is."""
    if label.dtype != object:
        return label
    words = label.map(lambda value: None if value is None else str(value).strip().lower())
    if words.dropna().isin(list(_WORDS)).all():
        return words.map(_WORDS).astype(np.float64)
    return label


def counts_rows(column: pd.Series) -> bool:
    """Whether the column is but the number of the row, which may tell how the file was sorted."""
    if column.dtype != np.float64 or len(column) < 2 or column.isna().any():
        return False
    return bool((column.to_numpy() == column.iloc[0] + np.arange(len(column))).all())


def spell_text(column: pd.Series) -> pd.Series:
    """The column as text; a whole number without its decimal point, None where it is missing."""

    def spell(value: object) -> str | None:
        if value is None or value != value:
            return None
        whole = isinstance(value, float) and value.is_integer()
        return str(int(value)) if whole and isinstance(value, float) else str(value)

    return pd.Series([spell(value) for value in column], index=column.index, dtype=object)
