"""Expressions that Spark reads otherwise, or not at all, give the same on both engines."""

from __future__ import annotations

import math
from typing import Any

import duckdb
import pytest

from features.dialect import to_spark
from features.errors import InvariantError
from features.spark import Spark
from features.total import exact_mean, exact_sum

_ROWS = """(VALUES
    (1, 2.0, 'a', DATE '2024-02-29', TIMESTAMP '2024-07-01 22:30:00'),
    (2, 0.0, 'b', DATE '2024-12-30', TIMESTAMP '2024-01-01 00:00:00'),
    (3, -4.5, NULL, NULL, NULL),
    (NULL, NULL, 'c', DATE '2025-01-01', TIMESTAMP '2024-07-01 10:00:00'))
    AS written(n, x, t, d, ts)"""

_EXPRESSIONS = (
    "x / n",
    "n / x",
    "(n - 2) / (x - x)",
    "n / NULLIF(x, 0)",
    "n // 2",
    "n % 2",
    "10 / 1.5",
    "n * 0.1 + 0.2",
    "isfinite(CAST(x AS DOUBLE) / 0)",
    "isfinite(CAST(x AS DOUBLE))",
    "TRY_CAST(t AS DOUBLE)",
    "TRY_CAST('2024-02-30' AS DATE)",
    "regexp_full_match('2024-01-01 00:00', '\\d{4}-\\d{2}-\\d{2}[T ]00:00(:00([.]0+)?)?')",
    "regexp_full_match('x2024-01-01 00:00', '\\d{4}-\\d{2}-\\d{2}[T ]00:00')",
    "CAST(timezone('Europe/Berlin', timezone('UTC', ts)) AS DATE)",
    "CAST(timezone('Asia/Tokyo', TRY_CAST('2024-03-10T20:00:00-05:00' AS TIMESTAMPTZ)) AS DATE)",
    "d - 28",
    "d + n",
    "date_diff('day', d, DATE '2025-03-01')",
    "CAST(date_trunc('week', d) AS DATE) + 6",
    "last_day(d)",
    "date_part('year', d)",
    "left(t, 10)",
    "coalesce(t, 'O''Brien') || '!'",
    "greatest(n, x)",
    "least(d, DATE '2024-06-01')",
    "n IS NOT DISTINCT FROM NULL",
    "round(x)",
    "round(2.5 * n)",
    "floor(x)",
    "power(n, 2)",
    "CASE WHEN NULL THEN 'a' WHEN n = 1 THEN 'b' END",
    "CASE WHEN n BETWEEN 1 AND 2 THEN 'low' END",
)
_AGGREGATES = (
    "max_by(t, n)",
    "min_by(d, x) FILTER (WHERE n > 1)",
    "count(*) FILTER (WHERE x > 0)",
    "sum(x) FILTER (WHERE x > 100)",
    "count(DISTINCT t)",
    "quantile_cont(CAST(x AS DOUBLE), 0.25)",
    "median(x)",
    "avg(n)",
    exact_sum("x"),
    exact_sum("x", "FILTER (WHERE n > 1)"),
    exact_sum("x", "FILTER (WHERE n > 9)"),
    exact_mean("x", "FILTER (WHERE n < 9)"),
    "stddev_samp(x)",
    "bool_or(n > 2)",
    "any_value(n IS NULL OR n IS NOT NULL)",
)


def _same(found: Any, expected: Any) -> bool:  # Any: a cell of either engine
    if isinstance(expected, float) and math.isnan(expected):
        return isinstance(found, float) and math.isnan(found)
    if isinstance(expected, bool | str) or expected is None or not hasattr(expected, "__float__"):
        return bool(found == expected)
    return math.isclose(float(found), float(expected), rel_tol=1e-12)


def _compare(spark: Spark, query: str) -> None:
    expected = duckdb.connect(":memory:").execute(query).fetchall()
    found = spark.execute(query).fetchall()
    assert len(found) == len(expected)
    for row, other in zip(found, expected, strict=True):
        assert _same(row[-1], other[-1]), (query, row, other)


@pytest.mark.parametrize("expression", _EXPRESSIONS)
def test_an_expression_has_the_same_value_on_both_engines(spark: Spark, expression: str) -> None:
    _compare(spark, f"SELECT n, {expression} AS value FROM {_ROWS} ORDER BY n NULLS LAST")


@pytest.mark.parametrize("aggregate", _AGGREGATES)
def test_an_aggregate_has_the_same_value_on_both_engines(spark: Spark, aggregate: str) -> None:
    _compare(spark, f"SELECT {aggregate} AS value FROM {_ROWS}")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT n, t FROM {rows} QUALIFY row_number() OVER (ORDER BY x DESC NULLS LAST) = 1",
        "SELECT * EXCLUDE (ts, d, x) FROM {rows} ORDER BY n NULLS FIRST",
        "SELECT n, lead(n, 1, 0) OVER (ORDER BY n NULLS FIRST) AS value FROM {rows} ORDER BY n",
    ],
)
def test_a_query_has_the_same_rows_on_both_engines(spark: Spark, query: str) -> None:
    _compare(spark, query.format(rows=_ROWS))


def test_what_does_not_parse_is_our_own_fault() -> None:
    with pytest.raises(InvariantError, match="must parse"):
        to_spark("SELECT FROM FROM")
