"""The portable usage SQL gives the same on Spark as on DuckDB."""

from __future__ import annotations

import duckdb

from features.spark import Spark
from features.usage_sql import build_usage, build_usage_day
from tests.spark.plain_usage import is_same, random_looks, random_uses
from tests.spark.rollup import WANTED, write_rollup

_TABLES = ("usage_event_day", "usage_session_day", "event_kind", "row_account")


def _take_rollup(spark: Spark, seed: int) -> duckdb.DuckDBPyConnection:
    connection = write_rollup(random_uses(seed), random_looks(seed))
    for table in _TABLES:
        spark.take(connection, table)
    return connection


def test_every_usage_primitive_is_the_same_on_both_engines(spark: Spark) -> None:
    connection = _take_rollup(spark, seed=1)
    names = [primitive.column for primitive in WANTED]
    query = f"SELECT {', '.join(names)} FROM usage_primitive ORDER BY account_id, as_of"
    build_usage(connection, WANTED)
    build_usage(spark, WANTED)
    expected, found = connection.execute(query).fetchall(), spark.execute(query).fetchall()
    assert len(found) == len(expected) > 0
    for found_row, expected_row in zip(found, expected, strict=True):
        for name, value, other in zip(names, found_row, expected_row, strict=True):
            assert is_same(value, other), (name, value, other)


def test_usage_by_user_and_day_is_the_same_on_both_engines(spark: Spark) -> None:
    connection = _take_rollup(spark, seed=2)
    query = "SELECT * FROM usage_day ORDER BY account_id, user_id NULLS FIRST, day, known_day"
    build_usage_day(connection)
    build_usage_day(spark)
    assert spark.execute(query).fetchall() == connection.execute(query).fetchall()
