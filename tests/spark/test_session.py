"""Opening Spark: what is missing is said with its remedy."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pytest

from features.errors import InputError
from features.spark import Spark, open_spark


def test_a_missing_pyspark_is_said_with_the_way_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    with pytest.raises(InputError, match="PySpark is not installed") as caught:
        open_spark(tmp_path)
    assert "keepwell[spark]" in str(caught.value)


def test_a_missing_java_is_said_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    def fail(_: object) -> object:
        raise PySparkRuntimeError(errorClass="JAVA_GATEWAY_EXITED", messageParameters={})

    monkeypatch.setattr(SparkSession.Builder, "getOrCreate", fail)
    with pytest.raises(InputError, match="Spark does not start") as caught:
        open_spark(tmp_path)
    assert "Java 17" in str(caught.value)


def test_sessions_see_nothing_of_each_other(spark: Spark, tmp_path: Path) -> None:
    other = open_spark(tmp_path / "other")
    spark.execute("CREATE OR REPLACE VIEW mine AS SELECT 1 AS n")
    assert not other.session.catalog.tableExists("mine")
    other.close()


def test_a_table_that_spark_lacks_is_borrowed_as_it_is_now(spark: Spark) -> None:
    connection = duckdb.connect(":memory:")
    for value in (1, 2):
        connection.execute(f"CREATE OR REPLACE TABLE lent AS SELECT {value} AS n")
        spark.borrow_from(connection)
        assert spark.execute("SELECT n FROM lent").fetchall() == [(value,)]


def test_what_spark_wrote_where_nobody_sees_it_is_said(
    spark: Spark, monkeypatch: pytest.MonkeyPatch
) -> None:
    spark.execute("CREATE OR REPLACE VIEW lost AS SELECT 1 AS n")
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    with pytest.raises(InputError, match="all machines of the cluster see"):
        spark.give(duckdb.connect(":memory:"), "lost")
