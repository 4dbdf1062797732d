"""The engine: as-of rows of a company, with their features, computed in DuckDB.

Any set of (account, contract, as-of date) rows goes in; the catalogue's expressions come out, each
computed from primitives that are built once for all rows.
"""

from __future__ import annotations

import duckdb
import pandas as pd

from features import measure, usage
from features.attribute import build_attributes, usable_attributes
from features.catalogue import Catalogue, constant_roles
from features.contract import build_contract
from features.people import build_people
from features.source import Source


def build_features(source: Source, catalogue: Catalogue, *, row_tables: list[str]) -> None:
    """Create ``feature_row``: every catalogue feature for every row of ``row_tables``.

    Parameters
    ----------
    source : Source
        Its connection holds ``known_term`` when there are contracts.
    catalogue : Catalogue
    row_tables : list of str
        Tables with ``account_id``, ``contract_id`` (may be null), ``as_of``.
    """
    connection = source.connection
    rows = " UNION ".join(f"SELECT account_id, contract_id, as_of FROM {t}" for t in row_tables)
    connection.execute(f"CREATE OR REPLACE TABLE row_key AS {rows}")
    connection.execute(
        "CREATE OR REPLACE TABLE row_account AS "
        "SELECT CAST(row_number() OVER () AS INTEGER) AS row_no, account_id, as_of "
        "FROM (SELECT DISTINCT account_id, as_of FROM row_key)"
    )
    by_account, by_row = _build_primitives(source, catalogue)
    joins = "".join(f" LEFT JOIN {name} USING (account_id, as_of)" for name in by_account)
    joins += "".join(
        f" LEFT JOIN {name} ON {name}.account_id = row_key.account_id "
        f"AND {name}.as_of = row_key.as_of "
        f"AND {name}.contract_id IS NOT DISTINCT FROM row_key.contract_id"
        for name in by_row
    )
    columns = "".join(
        f', {_typed(feature.expression.sql, feature.kind)} AS "{feature.name}"'
        for feature in catalogue.features
    )
    connection.execute(
        f"CREATE OR REPLACE TABLE feature_row AS SELECT row_key.account_id, row_key.contract_id, "
        f"row_key.as_of{columns} FROM row_key{joins}"
    )


def _typed(sql: str, kind: str) -> str:
    if kind == "category":
        return f"CAST({sql} AS VARCHAR)"
    return f"CAST({sql} AS DOUBLE)"


def _build_primitives(source: Source, catalogue: Catalogue) -> tuple[list[str], list[str]]:
    """Build what the features need; the tables per (account, as-of date), and those per row."""
    connection, settings = source.connection, source.settings
    wanted = {p for feature in catalogue.features for p in feature.expression.primitives}
    of_usage = {p for p in wanted if p.name in usage.FUNCTIONS}
    of_measure = {p for p in wanted if p.name in measure.FUNCTIONS}
    by_account, by_row = [], []
    if of_usage:
        by_account.append(usage.build_usage(connection, of_usage))
    if of_measure:
        by_account.append(measure.build_measure(connection, of_measure))
    if any(p.name.startswith("people.") for p in wanted):
        by_account.append(
            build_people(
                connection, source.columns["users"], constant_roles=constant_roles(settings)
            )
        )
    if "contracts" in source.columns:
        by_row.append(build_contract(connection, settings))
    attributes = usable_attributes(settings, source.columns)
    if attributes:
        by_row.append(build_attributes(connection, settings, attributes))
    return by_account, by_row


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
