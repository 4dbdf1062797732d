"""The files of a usage query, read by Spark as DuckDB reads them.

DuckDB looks at the files and says what they hold: the names and types of the columns, and of a CSV
file its delimiter, quotes and date format. Spark reads just that, so nothing is guessed twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from sqlglot import exp

from features.dialect import parse_duckdb, quoted
from features.errors import InputError, Problem

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from features.spark import Spark

_PARQUET = frozenset({"read_parquet", "parquet_scan"})
_CSV = frozenset({"read_csv", "read_csv_auto"})
# Options that change nothing for Spark, or that the sniffer or the types tell of.
_OPTIONS = frozenset(
    {"all_varchar", "auto_detect", "columns", "dateformat", "delim", "dtypes", "escape", "header"}
    | {"hive_partitioning", "nullstr", "quote", "sample_size", "sep", "timestampformat", "types"}
    | {"union_by_name"}
)
_SUFFIXES = {".parquet": "read_parquet", ".csv": "read_csv", ".csv.gz": "read_csv"}
_REMEDY = "read Parquet or CSV files with read_parquet and read_csv, or set engine: duckdb"


def bind_files(spark: Spark, connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """The query with a view of Spark's in place of each reader of files, in DuckDB's dialect.

    Parameters
    ----------
    spark : Spark
        Gets the views ``usage_file_<n>``.
    connection : duckdb.DuckDBPyConnection
        Looks at the files.
    query : str
        One SELECT that DuckDB accepts.

    Raises
    ------
    InputError
        When it reads what Spark cannot reach.
    """
    tree = parse_duckdb(query)
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    for number, table in enumerate(list(tree.find_all(exp.Table))):
        reader = _reader(table)
        if reader is not None:
            view = f"usage_file_{number}"
            _bind_reader(spark, connection, reader, view)
            table.set("this", exp.to_identifier(view))
        elif table.name not in own or table.db:
            raise _unreadable(f"reads {table.sql('duckdb')}, which Spark cannot see")
    return str(tree.sql(dialect="duckdb"))


def _reader(table: exp.Table) -> exp.Func | None:
    """The reader of files that stands in place of a table."""
    if isinstance(table.this, exp.Func):
        return table.this
    for suffix, name in _SUFFIXES.items():
        if not table.db and table.name.lower().endswith(suffix):
            return exp.Anonymous(this=name, expressions=[exp.Literal.string(table.name)])
    return None


def _bind_reader(
    spark: Spark, connection: duckdb.DuckDBPyConnection, reader: exp.Func, view: str
) -> None:
    name = reader.name if isinstance(reader, exp.Anonymous) else reader.sql_name()
    parts = [part for part in (reader.args.get("this"), *reader.expressions) if _is_node(part)]
    options = {
        part.this.name.lower(): part.expression for part in parts if isinstance(part, exp.EQ)
    }
    unknown = sorted(options.keys() - _OPTIONS)
    if name.lower() not in _PARQUET | _CSV:
        raise _unreadable(f"calls {name.lower()}, which Spark has not")
    if unknown:
        raise _unreadable(f"calls {name.lower()} with {', '.join(unknown)}, which Spark has not")
    patterns = _patterns(parts[0])
    types = {
        str(row[0]): str(row[1])
        for row in connection.execute(
            f"DESCRIBE SELECT * FROM {reader.sql(dialect='duckdb')}"
        ).fetchall()
    }
    files = [file for pattern in patterns for file in _files(connection, pattern)]
    if name.lower() in _PARQUET:
        merged = "union_by_name" in options
        frame, columns = _read_parquet(spark, files, merged=merged), _as_typed(types)
    else:
        frame, columns = _read_csv(spark, connection, files, types, options)
    frame.createOrReplaceTempView(f"{view}_raw")
    spark.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT {', '.join(columns)} FROM {view}_raw")


def _is_node(part: object) -> bool:
    return isinstance(part, exp.Expr)


def _patterns(source: exp.Expr) -> list[str]:
    listed = source.expressions if isinstance(source, exp.Array) else [source]
    if not all(isinstance(part, exp.Literal) for part in listed):
        raise _unreadable("names its files by more than a text or a list of texts")
    return [part.name for part in listed]


def _files(connection: duckdb.DuckDBPyConnection, pattern: str) -> list[str]:
    """The files that a pattern matches in DuckDB; one elsewhere is Spark's to read."""
    if "://" in pattern:
        return [pattern]
    rows = connection.execute("SELECT file FROM glob($1) ORDER BY 1", [pattern]).fetchall()
    # Spark takes each path for a pattern again.
    return [_escaped(f"file://{Path(str(row[0])).absolute()}") for row in rows]


def _escaped(path: str) -> str:
    return "".join(f"\\{c}" if c in "*?[]{}\\" else c for c in path)


def _read_parquet(spark: Spark, files: Sequence[str], *, merged: bool) -> DataFrame:
    reader = spark.session.read
    if merged:
        reader = reader.option("mergeSchema", "true")
    parted = [part for part in files[0].split("/") if "=" in part]
    if parted:  # folders such as month=2025-01 are columns, on both engines
        reader = reader.option("basePath", files[0].partition(f"/{parted[0]}/")[0])
    return reader.parquet(*files)


def _as_typed(types: dict[str, str]) -> list[str]:
    """The columns as DuckDB types them; a moment is left as it is."""
    return [
        f'"{name}"' if kind.startswith("TIMESTAMP") else f'CAST("{name}" AS {kind}) AS "{name}"'
        for name, kind in types.items()
    ]


def _read_csv(
    spark: Spark,
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[str],
    types: dict[str, str],
    options: dict[str, exp.Expr],
) -> tuple[DataFrame, list[str]]:
    """All columns as text, and the SQL that reads them as DuckDB does."""
    said = _sniff(connection, files[0], options)
    if said["SkipRows"]:
        raise _unreadable(f"{said['SkipRows']} lines stand before the table in {files[0]}")
    null = options.get("nullstr")
    settings = {
        "header": str(said["HasHeader"]).lower(),
        "sep": str(said["Delimiter"]),
        "quote": _mark(said["Quote"]),
        "escape": _mark(said["Escape"]),
        "multiLine": "true",  # a quoted value may hold a line's end
        "mode": "FAILFAST",
        **({"nullValue": null.name} if isinstance(null, exp.Literal) else {}),
    }
    schema = ", ".join(f"`{name}` STRING" for name in types)
    frame = spark.session.read.options(**settings).schema(schema).csv(list(files))
    formats = {"DATE": said["DateFormat"], "TIMESTAMP": said["TimestampFormat"]}
    return frame, [_from_text(name, kind, formats.get(kind)) for name, kind in types.items()]


def _sniff(
    connection: duckdb.DuckDBPyConnection, file: str, options: dict[str, exp.Expr]
) -> dict[str, object]:
    plain = file.removeprefix("file://").replace("\\", "")
    given = "".join(
        f", {name} = {value.sql(dialect='duckdb')}"
        for name, value in options.items()
        if name not in ("hive_partitioning", "union_by_name")
    )
    result = connection.execute(f"SELECT * FROM sniff_csv({quoted(plain)}{given})")
    names = [column[0] for column in result.description or ()]
    row = result.fetchone()
    return dict(zip(names, row or (), strict=True))


def _mark(found: object) -> str:
    """A mark of the sniffer; without any in its sample it is the usual one."""
    return '"' if found in ("(empty)", "", None) else str(found)


def _from_text(name: str, kind: str, pattern: object) -> str:
    column = f'"{name}"'
    if kind == "VARCHAR":
        return column
    if pattern:
        return f"CAST(strptime({column}, {quoted(str(pattern))}) AS {kind}) AS {column}"
    return f"CAST({column} AS {kind}) AS {column}"


def _unreadable(rule: str) -> InputError:
    return InputError([Problem("usage", "", f"its query {rule}", remedy=_REMEDY)])
