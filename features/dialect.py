"""SQL for two engines: written in DuckDB's dialect, turned into Spark's by sqlglot.

What sqlglot leaves as it is and Spark does not know, or reads otherwise, has its spelling here and
nowhere else; ``tests/spark`` holds both engines equal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from features.errors import InvariantError

# sqlglot's "spark" rewrites QUALIFY into a subquery that gives one column more; Spark 4.3 knows it.
_SPARK = "databricks"
_LARGEST = "1.7976931348623157E308"


class SqlEngine(Protocol):
    """What runs a statement in DuckDB's dialect: a DuckDB connection, or ``features.spark.Spark``.

    ``CREATE OR REPLACE TABLE`` keeps what it computed, ``CREATE OR REPLACE VIEW`` does not.
    """

    def execute(self, query: str, /) -> Any:  # Any: each engine has a result of its own
        """Run one statement; what a SELECT returns has ``fetchone`` and ``fetchall``."""


def quoted(text: str) -> str:
    """The text as a string of SQL."""
    return "'" + text.replace("'", "''") + "'"


def parse_duckdb(query: str) -> exp.Expr:
    """A statement in DuckDB's dialect, parsed.

    Raises
    ------
    InvariantError
        When it does not parse: DuckDB has read it before.
    """
    try:
        return sqlglot.parse_one(query, dialect="duckdb")
    except SqlglotError as error:
        said = str(error).splitlines()[0]
        raise InvariantError(f"a statement for Spark must parse: {said}") from None


def to_spark(query: str | exp.Expr) -> str:
    """The statement in Spark's dialect, with the same result."""
    tree = parse_duckdb(query) if isinstance(query, str) else query.copy()
    for kind, respell in _SPELLINGS:
        for node in reversed(list(tree.find_all(kind))):  # the inner ones first
            spelled = respell(node)
            if spelled is not node:
                node.replace(spelled)
    return str(tree.sql(dialect=_SPARK))


def _respell_function(node: exp.Expr) -> exp.Expr:
    """Functions that only DuckDB has."""
    name = node.name.lower()
    if name == "isfinite":  # NaN is above every number, on both engines
        return exp.Between(this=node.expressions[0], low=_double(f"-{_LARGEST}"),
                           high=_double(_LARGEST))  # fmt: skip
    if name == "timezone":  # the session's zone is UTC: to UTC is nothing, from UTC is a shift
        zone, moment = node.expressions
        return exp.Anonymous(this="from_utc_timestamp", expressions=[moment, zone])
    return node


def _respell_full_match(node: exp.Expr) -> exp.Expr:
    pattern = node.expression
    if isinstance(pattern, exp.Literal):
        pattern = exp.Literal.string(f"^(?:{pattern.this})$")
    return exp.Paren(this=exp.RegexpLike(this=node.this, expression=pattern))


def _respell_quantile(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="percentile", expressions=[node.this, node.expression])


def _respell_choice(node: exp.Expr) -> exp.Expr:
    """DuckDB passes over rows whose value is null, Spark only over those whose order is."""
    known = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.Null()))
    order = exp.Case(ifs=[exp.If(this=known, true=node.expression)])
    return type(node)(this=node.this, expression=order)


def _respell_division(node: exp.Expr) -> exp.Expr:
    """Division by zero is infinite, or no number where nothing is divided; Spark would stop."""
    divisor = node.expression.unnest()
    if isinstance(divisor, exp.Nullif) or (
        isinstance(divisor, exp.Literal) and divisor.name != "0"
    ):
        return node
    infinite = exp.Mul(this=exp.cast(exp.Paren(this=node.this.copy()), "DOUBLE"),
                       expression=_double("Infinity"))  # fmt: skip
    is_zero = exp.EQ(this=exp.Paren(this=divisor.copy()), expression=exp.Literal.number(0))
    return exp.Case(ifs=[exp.If(this=is_zero, true=infinite)], default=node.copy())


def _respell_condition(node: exp.Expr) -> exp.Expr:
    """A condition that is null is false to CASE; Spark wants a type."""
    if isinstance(node.this.unnest(), exp.Null):
        node.set("this", exp.false())
    return node


def _respell_number(node: exp.Expr) -> exp.Expr:
    """A fraction is a double: Spark rounds decimals that it divides."""
    if node.is_string or "." not in node.name:
        return node
    return _double(node.name)


def _double(text: str) -> exp.Expr:
    return exp.cast(exp.Literal.string(text), "DOUBLE")


_SPELLINGS: tuple[tuple[type[exp.Expr], Callable[[exp.Expr], exp.Expr]], ...] = (
    (exp.Anonymous, _respell_function),
    (exp.RegexpFullMatch, _respell_full_match),
    (exp.PercentileCont, _respell_quantile),
    (exp.ArgMax, _respell_choice),
    (exp.ArgMin, _respell_choice),
    (exp.If, _respell_condition),
    (exp.Div, _respell_division),
    (exp.Literal, _respell_number),
)
