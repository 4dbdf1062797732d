"""The engine: as-of rows of a company, with their features, computed in DuckDB.

Any set of (account, contract, as-of date) rows goes in; the catalogue's expressions come out, each
computed from primitives that are built once for all rows.
"""

from __future__ import annotations

import duckdb
import pandas as pd

from features import usage, usage_sql
from features.catalogue import Catalogue
from features.dialect import SqlEngine
from features.errors import InputError, Problem
from features.source import Source
from features.statement import (
    build_primitives,
    select_features,
    select_primitives,
    wanted_primitives,
)

# Of memory_limit, what the windows over usage may take beside DuckDB.
_MEMORY_SHARE = 3


def build_features(source: Source, catalogue: Catalogue, *, row_tables: list[str]) -> None:
    """Create ``feature_row``: every catalogue feature for every row of ``row_tables``.

    The view ``primitive_row`` gives what they were made of, computed when it is read; on Spark
    there is none.

    Parameters
    ----------
    source : Source
        Its connection holds ``known_term`` when there are contracts.
    catalogue : Catalogue
    row_tables : list of str
        Tables with ``account_id``, ``contract_id`` (may be null), ``as_of``.

    Raises
    ------
    InputError
        When ``memory_limit`` is too small.
    """
    try:
        _build_features(source, catalogue, row_tables)
    except duckdb.OutOfMemoryException:
        rule = "is too small to compute the features"
        remedy = "raise memory_limit, or make room where KEEPWELL_HOME lies"
        raise InputError([Problem("config", "memory_limit", rule, remedy=remedy)]) from None


def _build_features(source: Source, catalogue: Catalogue, row_tables: list[str]) -> None:
    connection = source.connection
    rows = " UNION ".join(f"SELECT account_id, contract_id, as_of FROM {t}" for t in row_tables)
    connection.execute(f"CREATE OR REPLACE TABLE row_key AS {rows}")
    started = (
        "(SELECT account_id, as_of, min(start_date) FILTER (WHERE start_date <= as_of) AS started "
        "FROM known_term GROUP BY account_id, as_of)"
        if source.has("contracts")
        else "(SELECT NULL::VARCHAR AS account_id, NULL::DATE AS as_of, NULL::DATE AS started)"
    )
    connection.execute(
        "CREATE OR REPLACE TABLE row_account AS "
        "SELECT CAST(row_number() OVER () AS INTEGER) AS row_no, account_id, as_of, started "
        "FROM (SELECT DISTINCT account_id, as_of FROM row_key) "
        f"LEFT JOIN {started} USING (account_id, as_of)"
    )
    engine: SqlEngine = connection
    if source.spark is not None:
        source.spark.borrow_from(connection)
        engine = source.spark
    of_usage = {p for p in wanted_primitives(catalogue) if p.name in usage.FUNCTIONS}
    used = []
    if of_usage and source.spark is not None:
        used.append(usage_sql.build_usage(engine, of_usage))
    elif of_usage and source.usage is not None:
        memory = source.settings.memory_bytes // _MEMORY_SHARE
        used.append(usage.build_usage(connection, source.usage, of_usage, memory=memory))
    by_account, by_row = build_primitives(engine, catalogue, source.settings, source.columns)
    used += by_account
    query = select_features(catalogue, by_account=used, by_row=by_row)
    engine.execute(f"CREATE OR REPLACE TABLE feature_row AS {query}")
    if source.spark is None:
        query = select_primitives(catalogue, by_account=used, by_row=by_row)
        connection.execute(f"CREATE OR REPLACE VIEW primitive_row AS {query}")
    else:
        source.spark.give(connection, "feature_row")
        if source.has("contracts"):
            source.spark.give(connection, "rate_on")  # states read it too


def read_frame(connection: duckdb.DuckDBPyConnection, query: str) -> pd.DataFrame:
    """The rows of a query: dates as datetime64[s], text as object with None for missing."""
    frame: pd.DataFrame = connection.sql(query).to_arrow_table().to_pandas(date_as_object=False)
    for name in frame.columns:
        if pd.api.types.is_datetime64_any_dtype(frame[name]):
            frame[name] = frame[name].astype("datetime64[s]")
        elif pd.api.types.is_string_dtype(frame[name]):
            text = frame[name].astype(object)
            frame[name] = text.where(text.notna(), None)
    return frame
