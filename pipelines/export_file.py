"""A table written to a CSV or Parquet file, or as CSV to stdout: whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

from features.errors import InputError, Problem
from pipelines.export import Export, Value

STDOUT = "-"
BATCH = 5000  # rows of a Parquet row group


def check_target(target: str, *, overwrite: bool) -> None:
    """Refuse, before any work, a file that cannot or must not be written.

    Raises
    ------
    InputError
        It ends otherwise than ``.csv`` or ``.parquet``, exists, or lies in no folder; or Parquet
        cannot be written by this installation.
    """
    if target == STDOUT:
        return
    path = Path(target)
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise _refusal(path, "must end in .csv or .parquet", "or write - for CSV on stdout")
    if path.is_dir():
        raise _refusal(path, "is a folder", "name a file in it")
    if not path.parent.is_dir():
        raise _refusal(path, "lies in a folder that does not exist", "make the folder first")
    if path.exists() and not overwrite:
        raise _refusal(path, "exists", "name another file, or give --overwrite")
    if path.suffix.lower() == ".parquet":
        _load_parquet(path)


def write_export(export: Export, target: str) -> None:
    """Write the table; a file appears under its name only when it is whole.

    CSV is UTF-8: with a byte order mark for people, whose spreadsheets need it, without for a CRM.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    encoding = "utf-8-sig" if export.audience == "people" else "utf-8"
    if target == STDOUT:
        with tempfile.TemporaryFile() as whole:
            stream = io.TextIOWrapper(whole, encoding=encoding, newline="")
            _write_csv(export, stream)
            stream.detach()  # writes what it holds back
            whole.seek(0)
            shutil.copyfileobj(whole, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        return
    path = Path(target)
    try:
        with _whole_file(path) as part:
            if path.suffix.lower() == ".parquet":
                _write_parquet(export, part)
            else:
                with part.open("w", encoding=encoding, newline="") as file:
                    _write_csv(export, file)
    except OSError as error:
        raise _refusal(path, f"cannot be written: {error.strerror}", "name another file") from None


@contextmanager
def _whole_file(path: Path) -> Iterator[Path]:
    """A file beside it that takes its name at the end, when what it holds is on disk."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_csv(export: Export, stream: IO[str]) -> None:
    """Texts in quotes for people, so that a number is what has none; plain for a CRM."""
    people = export.audience == "people"
    writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC if people else csv.QUOTE_MINIMAL)
    writer.writerow([name for name, _ in export.columns])
    writer.writerows(export.rows)


def _write_parquet(export: Export, path: Path) -> None:
    pa, pq = _load_parquet(path)
    types = {"text": pa.string(), "number": pa.float64(), "whole": pa.int64(), "date": pa.date32()}
    kinds = [(name, types[kind]) for name, kind in export.columns]
    said = {"keepwell.snapshot_id": export.header.snapshot_id, "keepwell.for": export.audience}
    schema = pa.schema(kinds, metadata=said)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := list(islice(export.rows, BATCH)):
            writer.write_batch(_record_batch(pa, schema, batch))


def _record_batch(pa: Any, schema: Any, rows: Sequence[Sequence[Value]]) -> Any:  # Any: no types
    arrays = [
        pa.array(column, type=item.type)
        for column, item in zip(zip(*rows, strict=True), schema, strict=True)
    ]
    return pa.record_batch(arrays, schema=schema)


def _load_parquet(path: Path) -> tuple[Any, Any]:  # Any: pyarrow has no types
    """pyarrow, which only training needs otherwise."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        remedy = "install keepwell[train], or write a .csv"
        raise _refusal(path, "Parquet needs pyarrow, which is not installed", remedy) from None
    return pa, pq


def _refusal(path: Path, rule: str, remedy: str) -> InputError:
    return InputError([Problem("export", str(path), rule, remedy=remedy)])
