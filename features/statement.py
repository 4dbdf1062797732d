"""The SQL of the features: the query over primitives, and what makes these."""

from __future__ import annotations

from collections.abc import Sequence

from features import contract, measure, usage, usage_sql
from features.attribute import build_attributes, usable_attributes
from features.catalogue import Catalogue
from features.dialect import SqlEngine
from features.expression import Primitive
from features.family import Columns
from features.primitive import FAMILIES
from features.settings import CompanySettings

# DuckDB's type of a feature, by its kind.
SQL_TYPES = {"number": "DOUBLE", "category": "VARCHAR"}


def select_features(
    catalogue: Catalogue, *, by_account: Sequence[str], by_row: Sequence[str]
) -> str:
    """The query that gives every feature of every row of ``row_key``.

    Parameters
    ----------
    catalogue : Catalogue
    by_account : sequence of str
        Tables with the primitives of an account on an as-of date.
    by_row : sequence of str
        Tables with the primitives of a row: account, contract and as-of date.
    """
    columns = "".join(
        f', CAST({feature.expression.sql} AS {SQL_TYPES[feature.kind]}) AS "{feature.name}"'
        for feature in catalogue.computed
    )
    return _select(columns, by_account=by_account, by_row=by_row)


def select_primitives(
    catalogue: Catalogue, *, by_account: Sequence[str], by_row: Sequence[str]
) -> str:
    """The query that gives every primitive of every row, from the tables of `select_features`."""
    names = sorted(primitive.column for primitive in wanted_primitives(catalogue))
    columns = "".join(f', "{name}"' for name in names)
    return _select(columns, by_account=by_account, by_row=by_row)


def _select(columns: str, *, by_account: Sequence[str], by_row: Sequence[str]) -> str:
    joins = "".join(f" LEFT JOIN {name} USING (account_id, as_of)" for name in by_account)
    joins += "".join(
        f" LEFT JOIN {name} ON {name}.account_id = row_key.account_id "
        f"AND {name}.as_of = row_key.as_of "
        f"AND {name}.contract_id IS NOT DISTINCT FROM row_key.contract_id"
        for name in by_row
    )
    return (
        f"SELECT row_key.account_id, row_key.contract_id, row_key.as_of{columns} "
        f"FROM row_key{joins}"
    )


def build_primitives(
    engine: SqlEngine, catalogue: Catalogue, settings: CompanySettings, columns: Columns
) -> tuple[list[str], list[str]]:
    """Build what the features need of all tables but usage.

    Parameters
    ----------
    engine : SqlEngine
        Holds the contract tables, ``row_key``, ``row_account`` and ``known_term``.
    catalogue : Catalogue
    settings : CompanySettings
    columns : mapping of str to frozenset of str
        The columns that each table really has.

    Returns
    -------
    by_account, by_row : list of str
        The tables that were made, as `select_features` takes them.
    """
    wanted = wanted_primitives(catalogue)
    names = {primitive.name for primitive in wanted}
    by_account: list[str] = []
    by_row: list[str] = []
    of_measure = {primitive for primitive in wanted if primitive.name in measure.FUNCTIONS}
    if of_measure:
        by_account.append(measure.build_measure(engine, of_measure))
    for family in FAMILIES:
        # Rates of currencies, which states read too, are built with the contracts.
        needed = family is contract.FAMILY and "contracts" in columns
        if needed or not names.isdisjoint(family.figures):
            built = family.build(engine, settings, columns)
            (by_row if family.per_row else by_account).append(built)
    attributes = usable_attributes(settings, columns)
    if attributes:
        by_row.append(build_attributes(engine, settings, attributes))
    return by_account, by_row


def wanted_primitives(catalogue: Catalogue) -> frozenset[Primitive]:
    """Every primitive that a feature reads."""
    return frozenset(p for feature in catalogue.computed for p in feature.expression.primitives)


class Recorder:
    """Takes statements as an engine does, and keeps them instead of running them."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def execute(self, query: str, /) -> Recorder:
        """Keep the statement; its result is empty."""
        self.statements.append(query)
        return self

    def fetchone(self) -> None:
        """No row."""

    def fetchall(self) -> list[tuple[object, ...]]:
        """No rows."""
        return []


def feature_statements(
    catalogue: Catalogue, settings: CompanySettings, columns: Columns
) -> tuple[list[str], str]:
    """What the engine runs for a catalogue, without running it.

    Parameters
    ----------
    catalogue : Catalogue
    settings : CompanySettings
    columns : mapping of str to frozenset of str
        The columns that each table really has.

    Returns
    -------
    statements : list of str
        Each makes a table or view of primitives. Those of usage are as Spark runs them; on one
        machine NumPy computes the same.
    query : str
        The features over these tables.
    """
    recorder = Recorder()
    of_usage = {p for p in wanted_primitives(catalogue) if p.name in usage.FUNCTIONS}
    used = [usage_sql.build_usage(recorder, of_usage)] if of_usage else []
    by_account, by_row = build_primitives(recorder, catalogue, settings, columns)
    query = select_features(catalogue, by_account=[*used, *by_account], by_row=by_row)
    return recorder.statements, query
