"""Apache Spark as an engine: runs the statements that DuckDB runs, on as many machines as it has.

Only this module and ``features.spark_file`` import PySpark, and only when they are called.
"""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from features.dialect import parse_duckdb, quoted, to_spark
from features.errors import InputError, Problem

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_INSTALL = "pip install 'keepwell[spark]', or set engine: duckdb"
_JAVA = "install Java 17 or newer and set JAVA_HOME, or set engine: duckdb"
# Of a session of our own. The master and all else come from spark-defaults.conf and SPARK_*.
_SETTINGS = {
    "spark.app.name": "keepwell",
    "spark.log.level": "OFF",  # what fails is raised, and then said
    "spark.sql.catalogImplementation": "in-memory",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
_SQL_SETTINGS = {
    "spark.sql.ansi.enabled": "true",  # what cannot be cast is an error, as in DuckDB
    "spark.sql.session.timeZone": "UTC",
}
_SHUFFLE = "spark.sql.shuffle.partitions"


class Rows:
    """What a SELECT returned, read as a DuckDB result is read."""

    def __init__(self, frame: DataFrame | None = None) -> None:
        self._frame = frame

    def fetchall(self) -> list[tuple[Any, ...]]:  # Any: a cell is whatever the query returns
        """All rows."""
        return [] if self._frame is None else [tuple(row) for row in self._frame.collect()]

    def fetchone(self) -> tuple[Any, ...] | None:  # Any: as above
        """The first row, None without one."""
        rows = [] if self._frame is None else self._frame.take(1)
        return tuple(rows[0]) if rows else None


class Spark:
    """A Spark session that takes statements in DuckDB's dialect.

    Parameters
    ----------
    session : SparkSession
    folder : Path
        Where tables are handed over as Parquet; on a cluster all its machines must see it.
    """

    def __init__(self, session: SparkSession, folder: Path) -> None:
        self.session = session
        self._folder = folder
        self._kept: dict[str, DataFrame] = {}
        self._known: set[str] = set()
        self._lent: set[str] = set()
        self._lender: duckdb.DuckDBPyConnection | None = None

    def execute(self, query: str, /) -> Rows:
        """Run one statement.

        ``CREATE OR REPLACE TABLE`` makes a view whose rows Spark keeps once they are computed,
        ``CREATE OR REPLACE VIEW`` one that is computed again wherever it is read.
        """
        tree = parse_duckdb(query)
        self._borrow(tree)
        if not isinstance(tree, exp.Create):
            return Rows(self.session.sql(to_spark(tree)))
        frame = self.session.sql(to_spark(tree.expression))
        self.keep(tree.this.name, frame, kept=str(tree.args["kind"]).upper() == "TABLE")
        return Rows()

    def keep(self, name: str, frame: DataFrame, *, kept: bool) -> None:
        """Make a frame known under a name; ``kept``: its rows stay where they were computed."""
        self.forget(name)
        if kept:
            self._kept[name] = frame.persist()
        frame.createOrReplaceTempView(name)
        self._known.add(name)

    def spread(self, name: str, query: str, *, by: str) -> None:
        """Make a kept table whose rows lie together by a column, so that groupings find them so."""
        self.keep(name, self.session.sql(to_spark(query)).repartition(by), kept=True)

    def forget(self, *names: str) -> None:
        """Free the rows that are kept under these names."""
        for name in names:
            frame = self._kept.pop(name, None)
            if frame is not None:
                frame.unpersist()

    def borrow_from(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take tables that statements read and Spark does not have from there, as they are now."""
        self._lender = connection
        self._known -= self._lent
        self._lent.clear()

    def _borrow(self, tree: exp.Expr) -> None:
        own = {cte.alias for cte in tree.find_all(exp.CTE)}
        created = {tree.this.name} if isinstance(tree, exp.Create) else set()
        read = {table.name for table in tree.find_all(exp.Table)} - own - created - self._known
        if self._lender is None:
            return
        for name in sorted(read):
            self.take(self._lender, name)
            self._lent.add(name)

    def take(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        """Copy a DuckDB table to Spark, under the same name."""
        path = self._path(name)
        path.mkdir(parents=True)
        file = quoted(str(path / "part.parquet"))
        connection.execute(f"COPY (SELECT * FROM {name}) TO {file} (FORMAT parquet)")
        self.keep(name, self.session.read.parquet(path.absolute().as_uri()), kept=False)

    def give(
        self, connection: duckdb.DuckDBPyConnection, name: str, *, under: str | None = None
    ) -> None:
        """Copy a table of Spark's to DuckDB, under the same name or another one.

        Raises
        ------
        InputError
            When what Spark wrote is not there: its machines do not see the folder.
        """
        path = self._path(name)
        frame = self.session.table(name)
        frame.write.parquet(path.absolute().as_uri())
        if not list(path.glob("*.parquet")):
            rule = f"Spark wrote {name}, but it is not in {path}"
            remedy = "put KEEPWELL_HOME on a disk that all machines of the cluster see"
            raise InputError([Problem("config", "engine", rule, remedy=remedy)])
        files = quoted(str(path / "*.parquet"))
        connection.execute(
            f"CREATE OR REPLACE TABLE {under or name} AS SELECT * FROM read_parquet({files})"
        )

    def close(self) -> None:
        """Free everything that is kept, and remove what was handed over."""
        self.forget(*list(self._kept))
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, name: str) -> Path:
        path = self._folder / name
        shutil.rmtree(path, ignore_errors=True)
        return path


def open_spark(folder: Path) -> Spark:
    """Spark as the environment configures it; without any configuration all cores of this machine.

    Parameters
    ----------
    folder : Path
        Where tables are handed over, and what a Spark of our own writes.

    Raises
    ------
    InputError
        When PySpark is not installed or Java is not found.
    """
    try:
        with warnings.catch_warnings():
            # pandas is never used here; PySpark warns of every pandas from 3 on.
            warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
            from pyspark.errors import PySparkRuntimeError
            from pyspark.sql import SparkSession

            builder = SparkSession.builder.config("spark.sql.warehouse.dir", str(folder / "hive"))
            for key, value in _SETTINGS.items():
                builder = builder.config(key, value)
            try:
                session = builder.getOrCreate().newSession()
            except PySparkRuntimeError as error:
                raise _no_spark(f"Spark does not start: {_first_line(error)}", _JAVA) from None
    except ImportError:
        raise _no_spark("is spark, but PySpark is not installed", _INSTALL) from None
    for key, value in {**_SQL_SETTINGS, **_partitions(session)}.items():
        session.conf.set(key, value)
    folder.mkdir(parents=True, exist_ok=True)
    return Spark(session, folder)


def _no_spark(rule: str, remedy: str) -> InputError:
    return InputError([Problem("config", "engine", rule, remedy=remedy)])


def _partitions(session: SparkSession) -> dict[str, str]:
    """On one machine a shuffle in 200 parts costs more than it saves; a cluster has its own."""
    context = session.sparkContext
    if not str(context.master).startswith("local") or context.getConf().contains(_SHUFFLE):
        return {}
    return {_SHUFFLE: str(2 * context.defaultParallelism)}


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")


def spark_said(error: BaseException) -> str:
    """The first line of what Spark raised, without its code for the state."""
    return _first_line(error).partition(" SQLSTATE:")[0]
