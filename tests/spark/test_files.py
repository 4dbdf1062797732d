"""The files of a usage query are read by Spark as DuckDB reads them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import InputError
from features.spark import Spark
from features.spark_file import bind_files


def _compare(spark: Spark, query: str) -> list[tuple[object, ...]]:
    """The rows of the query, the same on both engines."""
    connection = duckdb.connect(":memory:")
    expected = connection.execute(f"SELECT * FROM ({query}) ORDER BY ALL").fetchall()
    found = spark.execute(f"{bind_files(spark, connection, query)}").fetchall()
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    return expected


def test_a_comma_separated_file_keeps_its_types(spark: Spark, tmp_path: Path) -> None:
    file = tmp_path / "usage of 2024.csv"
    file.write_text(
        'id;day;n;share;note;flag\n007;2024-01-31;1;0.5;"a;b";true\n008;2024-02-29;;1;"x\ny";false\n',
        encoding="utf-8",
    )
    rows = _compare(spark, f"SELECT * FROM read_csv('{file}', delim = ';')")
    assert rows[0] == ("007", date(2024, 1, 31), 1, 0.5, "a;b", True)


def test_a_date_as_written_elsewhere_is_read_as_the_sniffer_says(
    spark: Spark, tmp_path: Path
) -> None:
    file = tmp_path / "usage.csv"
    file.write_text("id,day\na,31/01/2024\nb,05/02/2024\n", encoding="utf-8")
    assert _compare(spark, f"SELECT * FROM '{file}'")[1] == ("b", date(2024, 2, 5))


def test_options_and_patterns_mean_the_same(spark: Spark, tmp_path: Path) -> None:
    for month in ("2024-01", "2024-02"):
        folder = tmp_path / f"month={month}"
        folder.mkdir()
        moment = pa.array([1_706_695_200_000_000, None], pa.timestamp("us"))
        table = pa.table({"id": ["a", month], "came": moment, "n": [1, 2]})
        pq.write_table(table, folder / "part.parquet")
    pattern = f"{tmp_path}/**/*.parquet"
    rows = _compare(
        spark, f"SELECT id, month, came, u.n * 2 AS n FROM read_parquet('{pattern}') AS u"
    )
    assert len(rows) == 4
    first = f"{tmp_path}/month=2024-01/part.parquet"
    assert len(_compare(spark, f"SELECT id FROM read_parquet(['{first}'])")) == 2


def test_text_is_text_when_the_query_says_so(spark: Spark, tmp_path: Path) -> None:
    file = tmp_path / "usage.csv"
    file.write_text("id,n\n1,-\n2,5\n", encoding="utf-8")
    query = f"SELECT * FROM read_csv('{file}', types = {{'id': 'VARCHAR'}}, nullstr = '-')"
    assert _compare(spark, query)[0] == ("1", None)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT * FROM warehouse.public.usage", "reads warehouse.public.usage"),
        ("SELECT * FROM read_json('x.json')", "calls read_json"),
        ("SELECT * FROM read_csv('x.csv', ignore_errors = true)", "with ignore_errors"),
        ("SELECT * FROM read_parquet('a' || 'b')", "names its files by more than"),
    ],
)
def test_what_spark_cannot_read_is_refused(spark: Spark, query: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        bind_files(spark, duckdb.connect(":memory:"), query)
    assert "engine: duckdb" in str(caught.value)
