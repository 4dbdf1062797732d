"""What a query of the configuration reads: its files, and whether it treats each row by itself.

A query that reads one set of files row by row gives the same rows for all files together as for
each file alone; only then can new files be added to what is already built.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import sqlglot
from sqlglot import exp

from features.errors import InputError, Problem

READERS = frozenset({"read_parquet", "parquet_scan", "read_csv", "read_csv_auto", "read_json"})
_SUFFIXES = (".parquet", ".csv", ".csv.gz", ".tsv", ".json", ".jsonl")
# What looks at several rows at once: with any of these a file cannot be read by itself.
_MANY_ROWS = (
    exp.AggFunc,
    exp.Distinct,
    exp.Except,
    exp.Group,
    exp.Intersect,
    exp.Join,
    exp.Limit,
    exp.Offset,
    exp.Qualify,
    exp.TableSample,
    exp.Union,
    exp.Window,
)


@dataclass(frozen=True)
class Query:
    """A query of the configuration, read with sqlglot.

    Parameters
    ----------
    table : str
        The contract table that it fills.
    text : str
        DuckDB SQL.
    files : tuple of Path or None
        Every file that it reads, in the order of their names; None when it reads anything else too.
    row_by_row : bool
        Whether the rows of a file do not depend on other files.
    """

    table: str
    text: str
    files: tuple[Path, ...] | None
    row_by_row: bool

    @property
    def by_name(self) -> bool:
        """Whether files may lack columns that others have."""
        return "union_by_name" in self.text.lower()

    def place_of(self, path: str) -> tuple[str, ...]:
        """What of a file's path its rows may depend on, as on folders named ``day=...``."""
        parts = Path(path).parts
        if "filename" in self.text.lower():
            return parts
        return tuple(part for part in parts[:-1] if "=" in part)

    def only(self, files: tuple[Path, ...]) -> str:
        """The same query over these files alone; only for one that works row by row."""
        tree = sqlglot.parse_one(self.text, dialect="duckdb")
        reader = _readers(tree)[0]
        listed = exp.Array(expressions=[exp.Literal.string(str(file)) for file in files])
        if isinstance(reader, exp.Table):
            call = exp.Anonymous(this=_reader_of(reader), expressions=[listed])
            reader.set("this", call)
        else:
            source = _source(reader)
            if source is not None:
                source.replace(listed)
        return str(tree.sql(dialect="duckdb"))


def read_query(connection: duckdb.DuckDBPyConnection, table: str, text: str) -> Query:
    """What a query reads.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Expands patterns as DuckDB does.
    table : str
    text : str
        One SELECT that DuckDB accepts.

    Raises
    ------
    InputError
        When a file lies behind a symbolic link or a path that climbs with ``..``.
    """
    try:
        tree = sqlglot.parse_one(text, dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        return Query(table, text, None, row_by_row=False)  # DuckDB can read it; its files we cannot
    readers = _readers(tree)
    found = [pattern for reader in readers for pattern in _patterns(reader)]
    patterns = [pattern for pattern in found if pattern is not None]
    files = sorted({file for pattern in patterns for file in _glob(connection, pattern)})
    _refuse_detours(table, patterns, files)
    if not readers or None in found or _reads_more(tree):
        return Query(table, text, None, row_by_row=False)
    alone = len(readers) == 1 and not any(tree.find(kind) for kind in _MANY_ROWS)
    return Query(table, text, tuple(files), row_by_row=alone)


def _readers(tree: exp.Expr) -> list[exp.Expr]:
    """Every reader of files: a function such as ``read_parquet``, or a file named as a table."""
    found: list[exp.Expr] = []
    for node in tree.find_all(exp.Func):
        name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
        if name.lower() in READERS:
            found.append(node)
    found += [table for table in tree.find_all(exp.Table) if _is_file(table)]
    return found


def _is_file(table: exp.Table) -> bool:
    return isinstance(table.this, exp.Identifier) and table.name.lower().endswith(_SUFFIXES)


def _reader_of(table: exp.Table) -> str:
    return "read_parquet" if table.name.lower().endswith(".parquet") else "read_csv"


def _source(reader: exp.Expr) -> exp.Expr | None:
    if isinstance(reader, exp.Anonymous):
        return reader.expressions[0] if reader.expressions else None
    if isinstance(reader.this, exp.Expr):
        return reader.this
    return reader.expressions[0] if reader.expressions else None


def _patterns(reader: exp.Expr) -> list[str | None]:
    """The file patterns that a reader is given; None for one that is no literal."""
    if isinstance(reader, exp.Table):
        return [reader.name]
    source = _source(reader)
    parts = source.expressions if isinstance(source, exp.Array) else [source]
    return [part.name if isinstance(part, exp.Literal) else None for part in parts]


def _reads_more(tree: exp.Expr) -> bool:
    """Whether anything but files and the query's own subqueries is read."""
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Func):
            name = table.this.name if isinstance(table.this, exp.Anonymous) else (
                table.this.sql_name())  # fmt: skip
            if name.lower() not in READERS:
                return True
        elif not _is_file(table) and table.name not in own:
            return True
    return False


def _glob(connection: duckdb.DuckDBPyConnection, pattern: str) -> list[Path]:
    rows = connection.execute("SELECT file FROM glob($1)", [pattern]).fetchall()
    return [Path(str(row[0])) for row in rows]


def _refuse_detours(table: str, patterns: list[str], files: list[Path]) -> None:
    """Refuse what may point elsewhere tomorrow: a link in place of a file, or ``..`` in a path."""
    problems = []
    climbing = [pattern for pattern in patterns if ".." in Path(pattern).parts]
    links = [str(file) for file in files if file.is_symlink()]
    if climbing:
        rule = "must not climb with .. in a path"
        remedy = "write the path in full, or give another data folder"
        problems.append(Problem(table, "", rule, len(climbing), tuple(climbing[:3]), remedy))
    if links:
        rule = "must read files, but these are symbolic links"
        remedy = "name the files themselves: a link may point elsewhere tomorrow"
        problems.append(Problem(table, "", rule, len(links), tuple(links[:3]), remedy))
    if problems:
        raise InputError(problems)
