"""What the queries read from attached databases: tables as ``name.SCHEMA.TABLE``, and columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from features.errors import Problem

# What depends on all columns of a table without naming them.
_WHOLE_TABLE = (exp.Columns, exp.Pivot, exp.PositionalColumn, exp.Star)


@dataclass(frozen=True, order=True)
class AttachedTable:
    """A table of an attached database, by the names that it has there."""

    attachment: str
    schema: str
    table: str

    def __str__(self) -> str:
        return f"{self.attachment}.{self.schema}.{self.table}"


Wanted = dict[AttachedTable, frozenset[str] | None]


def wanted_tables(
    attachments: frozenset[str], queries: Mapping[str, str]
) -> tuple[Wanted, list[Problem]]:
    """The attached tables that the queries name, and which of their columns may be read.

    Parameters
    ----------
    attachments : frozenset of str
        Names under which databases are attached.
    queries : mapping of str to str
        Contract table to its query.

    Returns
    -------
    wanted : dict of AttachedTable to (frozenset of str or None)
        Every name that stands in the queries, in lower case: the columns to read are among them.
        None where a query takes all columns, as by ``*``.
    problems : list of Problem
    """
    wanted: Wanted = {}
    problems: list[Problem] = []
    known = {name.lower(): name for name in attachments}
    for name, query in queries.items():
        try:
            tree = sqlglot.parse_one(query, dialect="duckdb")
        except SqlglotError as error:
            # Without an attached table in it the query is DuckDB's business alone.
            if any(f"{key}." in query.lower() for key in known):
                said = str(error).splitlines()[0]
                rule = f"cannot be searched for the tables of attach: {said}"
                problems.append(Problem("config", f"tables.{name}", rule))
            continue
        problems += _short_names(name, tree, known)
        columns = _named_columns(tree)
        for table in tree.find_all(exp.Table):
            if table.catalog.lower() not in known or not table.name:
                continue
            found = AttachedTable(known[table.catalog.lower()], _folded(table, "db"),
                                  _folded(table, "this"))  # fmt: skip
            before = wanted.get(found, frozenset())
            wanted[found] = None if before is None or columns is None else before | columns
    return wanted, problems + list(_clashes(wanted))


def _folded(table: exp.Table, part: str) -> str:
    """A name as PostgreSQL knows it: in lower case unless it stands in quotes."""
    name = table.args[part]
    return str(name.name if name.args.get("quoted") else name.name.lower())


def _named_columns(tree: exp.Expr) -> frozenset[str] | None:
    """Every name in the query, in lower case; None where it may mean all columns of a table."""
    tables = list(tree.find_all(exp.Table))
    rows = {table.alias_or_name.lower() for table in tables}
    for node in tree.walk():
        if isinstance(node, exp.Star) and isinstance(node.parent, exp.Count):
            continue
        if isinstance(node, _WHOLE_TABLE):
            return None
        if isinstance(node, exp.Join) and node.method:  # NATURAL
            return None
        if isinstance(node, exp.Column) and node.name.lower() in rows:  # a row as one value
            return None
    if any(alias.columns for table in tables if (alias := table.args.get("alias"))):
        return None
    return frozenset(node.name.lower() for node in tree.find_all(exp.Identifier))


def _short_names(query: str, tree: exp.Expr, known: Mapping[str, str]) -> Iterator[Problem]:
    for table in tree.find_all(exp.Table):
        if not table.catalog and table.db.lower() in known:
            rule = f"names {table.db}.{table.name} without the schema"
            remedy = f"write {table.db}.public.{table.name}, or the schema that it lies in"
            yield Problem("config", f"tables.{query}", rule, remedy=remedy)


def _clashes(wanted: Wanted) -> Iterator[Problem]:
    """Tables that differ by upper and lower case only, which DuckDB does not tell apart."""
    seen: dict[str, AttachedTable] = {}
    for table in sorted(wanted):
        other = seen.setdefault(str(table).lower(), table)
        if other != table:
            rule = f"the queries name {other} and {table}, which differ by case only"
            remedy = "make a view of another name for one of them"
            yield Problem("config", f"attach.{table.attachment}", rule, remedy=remedy)
