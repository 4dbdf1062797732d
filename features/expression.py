"""Feature expressions: SQL over primitives, read with sqlglot.

A catalogue entry states its value as one SQL expression. In it, functions such as ``events(28)`` or
``active_users(28, 28)`` (the 28 days before the last 28) and columns such as ``contract.discount``
stand for primitives that the engine computes; everything else is plain SQL.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from features.errors import InputError, Problem


@dataclass(frozen=True, order=True)
class Primitive:
    """One thing that the engine computes per row.

    Parameters
    ----------
    name : str
        Function or ``table.column``.
    arguments : tuple of (int or str)
        For windows: length in days, then how many days before the as-of date the window ends.
    """

    name: str
    arguments: tuple[int | str, ...] = ()

    @property
    def column(self) -> str:
        """The column that carries it between the engine's steps."""
        parts = [self.name.replace(".", "__"), *(str(argument) for argument in self.arguments)]
        name = "_".join("".join(c if c.isalnum() else "_" for c in part) for part in parts)
        if all(part.replace("_", "").isalnum() and part == part.lower() for part in parts):
            return name
        # DuckDB's names do not tell case, nor this one what stood for an underscore.
        return f"{name}_{hashlib.sha256(repr(parts).encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Expression:
    """A parsed feature expression.

    ``sql`` (DuckDB dialect) reads the primitives from columns named by ``Primitive.column``.
    """

    sql: str
    primitives: frozenset[Primitive]


@cache
def parse_expression(text: str, *, feature: str, functions: frozenset[str]) -> Expression:
    """The expression with its primitives found and named.

    Parameters
    ----------
    text : str
        SQL in DuckDB's dialect.
    feature : str
        The feature's name, for the error.
    functions : frozenset of str
        The primitives that exist as functions.

    Raises
    ------
    InputError
        When it does not parse, or calls an unknown function.
    """
    try:
        tree = sqlglot.parse_one(text, dialect="duckdb")
    except SqlglotError as error:
        said = str(error).splitlines()[0]
        raise InputError([Problem("features", feature, f"sql must parse: {said}")]) from None
    primitives: set[Primitive] = set()

    def name_primitive(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Anonymous):
            name = str(node.this).lower()
            if name not in functions:
                known = ", ".join(sorted(functions))
                rule = f"calls {name}(), which is no primitive"
                raise InputError([Problem("features", feature, rule, remedy=f"use {known}")])
            primitive = Primitive(name, tuple(_literal(part, feature) for part in node.expressions))
        elif isinstance(node, exp.Column) and node.table:
            primitive = Primitive(f"{node.table}.{node.name}".lower())
        else:
            return node
        primitives.add(primitive)
        return exp.column(primitive.column)

    sql = tree.transform(name_primitive).sql(dialect="duckdb")
    return Expression(sql, frozenset(primitives))


def drop_primitives(expression: Expression, absent: frozenset[Primitive]) -> Expression:
    """The expression with primitives that cannot be had taken as null."""
    if not absent:
        return expression
    columns = {primitive.column for primitive in absent}
    tree = sqlglot.parse_one(expression.sql, dialect="duckdb").transform(
        lambda node: exp.null() if isinstance(node, exp.Column) and node.name in columns else node
    )
    return Expression(tree.sql(dialect="duckdb"), expression.primitives - absent)


def _literal(node: exp.Expr, feature: str) -> int | str:
    if isinstance(node, exp.Literal):
        return str(node.this) if node.is_string else int(node.this)
    rule = f"calls a primitive with {node.sql()}, expected a number of days or a quoted name"
    raise InputError([Problem("features", feature, rule)])
