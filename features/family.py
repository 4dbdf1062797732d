"""Families of primitives: what one table says of an account or a contract, built in one pass.

A family names its figures, the columns that each needs and how it is built. The catalogue asks a
family why a figure cannot be had here, the engine builds each family that a feature reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from features.dialect import SqlEngine
from features.expression import Primitive
from features.schema import SQL_TYPES, TABLES
from features.settings import CompanySettings

Columns = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Given:
    """What a family is built from.

    Parameters
    ----------
    connection : SqlEngine
        Holds the company's tables, ``row_account``, ``row_key``, ``as_of_date`` and, with
        contracts, ``known_term``.
    settings : CompanySettings
    columns : mapping of str to frozenset of str
        The columns that each table really has; what needs another is null.
    """

    connection: SqlEngine
    settings: CompanySettings
    columns: Columns


Builder = Callable[[Given], str]


@dataclass(frozen=True)
class Figure:
    """One primitive of a family.

    Parameters
    ----------
    sql : str
        Its value, an expression over what the family's builder joins.
    needs : tuple of str
        Columns as ``table.column``, with ``|`` between those of which one will do;
        ``event.report`` asks for an event that the configuration calls so.
    span : int
        The shortest time in days that it tells apart, where its rows may stand for whole periods
        (``time.grain``); 0: none.
    """

    sql: str
    needs: tuple[str, ...] = ()
    span: int = 0


@dataclass(frozen=True)
class Family:
    """Primitives that are built together.

    Parameters
    ----------
    tables : tuple of str
        The tables that all of them need; the first is their home.
    figures : mapping of str to Figure
        By the primitive's name, such as ``ticket.open``.
    builder : callable
        From what is given to the name of the table that it made: one row per (account_id, as_of),
        or per ``row_key`` where ``per_row``.
    """

    tables: tuple[str, ...]
    figures: Mapping[str, Figure]
    builder: Builder
    per_row: bool = False

    def build(self, connection: SqlEngine, settings: CompanySettings, columns: Columns) -> str:
        """Make the table of all figures, and return its name."""
        return self.builder(Given(connection, settings, columns))

    def reason_missing(self, name: str, settings: CompanySettings, columns: Columns) -> str:
        """Why a figure cannot be computed here; empty when it can."""
        figure = self.figures.get(name)
        if figure is None:
            return f"there is no {name}"
        reasons = (why_unmet(need, settings, columns) for need in (*self.tables, *figure.needs))
        return next((reason for reason in reasons if reason), "")


def why_unmet(need: str, settings: CompanySettings, columns: Columns) -> str:
    """Why a table, or ``table.column``, cannot be read for a past date; empty when it can."""
    table, _, wanted = need.partition(".")
    if table == "event":
        declared = any(getattr(event, wanted) for event in settings.catalogue.values())
        return "" if declared else f"no event of the configuration's catalogue is a {wanted}"
    if table not in columns:
        return f"no table {table}"
    if wanted and not set(wanted.split("|")) & columns[table]:
        return f"{table} has no {wanted.replace('|', ' or ')}"
    undated = need == "users.role" or (table == "accounts" and wanted)
    if undated and not is_dated(table, wanted, settings, columns):
        return f"{need} is as of the extract: give {table}.known_at, or declare {need} constant"
    return ""


def is_dated(table: str, name: str, settings: CompanySettings, columns: Columns) -> bool:
    """Whether a past date's value of a column of accounts or users can be told."""
    return "known_at" in columns[table] or is_constant(table, name, settings)


def is_constant(table: str, name: str, settings: CompanySettings) -> bool:
    """Whether the configuration declares that the column never changes."""
    bare = settings.attributes.get(name) if table == "accounts" else None
    declared = settings.attributes.get(f"{table}.{name}") or bare
    return declared is not None and declared.constant


def figure_columns(figures: Mapping[str, Figure]) -> str:
    """The select list of all figures, each named as the features' expressions read it."""
    return ", ".join(f"{figure.sql} AS {Primitive(n).column}" for n, figure in figures.items())


def whole_columns(table: str, columns: Columns) -> str:
    """The SQL of a contract table with all its columns; those that it lacks are null."""
    present = columns[table]
    selected = []
    for column in TABLES[table].columns:
        if column.name == "ts":
            selected.append("day")
        elif column.name in present and column.name != "known_at":
            selected.append(column.name)
        elif column.name != "known_at":
            selected.append(f"CAST(NULL AS {SQL_TYPES[column.kind]}) AS {column.name}")
    return f"(SELECT {', '.join(selected)}, known_day FROM {table})"


def build_by_account(
    given: Given,
    figures: Mapping[str, Figure],
    *,
    table: str,
    known: str = "row.known_day",
) -> str:
    """Create ``<table>_primitive``: aggregates over what was known of a table, and return its name.

    The figures see the table's columns, ``as_of`` and ``started`` (the account's first start).
    An account of which no row was known is there too, with all columns of the table null.

    Parameters
    ----------
    given : Given
    figures : mapping of str to Figure
    table : str
    known : str
        The SQL of the day from which a row, called ``row``, counts.
    """
    name = f"{table}_primitive"
    given.connection.execute(
        f"""CREATE OR REPLACE TABLE {name} AS
        SELECT row_account.account_id, row_account.as_of, {figure_columns(figures)}
        FROM row_account LEFT JOIN {whole_columns(table, given.columns)} AS row
          ON row.account_id = row_account.account_id AND {known} < row_account.as_of
        GROUP BY row_account.account_id, row_account.as_of, row_account.started"""
    )
    return name


def within(day: str, length: int, back: int = 0) -> str:
    """The SQL condition that a day lies in the ``length`` days that end ``back`` days ago."""
    end = f"as_of - {back}" if back else "as_of"
    return f"{day} >= as_of - {back + length} AND {day} < {end}"


def count_where(condition: str) -> str:
    """The SQL of the number of rows for which a condition holds."""
    return f"count(*) FILTER (WHERE {condition})"
