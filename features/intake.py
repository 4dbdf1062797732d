"""Taking usage in: new files are added to the rollup, and nothing is taken in twice.

A rollup is built whole the first time, and whenever anything but new files has come: another query,
another catalogue of events, a fact that no feature read before. Both ways give the same features.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from features.check import query_problem
from features.delivery import (
    as_before,
    refuse_other_columns,
    sort_files,
    still_there,
    unreadable_files,
)
from features.dialect import quoted
from features.errors import InputError, KeepwellError, Problem
from features.ledger import (
    InputFile,
    Ledger,
    Part,
    building,
    digest_of,
    hash_file,
    read_ledger,
    remove_leftovers,
    write_ledger,
)
from features.part import AS_PARQUET, is_kept, read_part, summarise_part, write_part
from features.progress import Progress, silent
from features.query import Query
from features.rollup import Facts, Pass, happened, read_events
from features.settings import CompanySettings

# Raised with every change of what a part holds.
_VERSION = 2
_MOST_PARTS = 32


@dataclass(frozen=True)
class Order:
    """What is to be rolled up, and how.

    Parameters
    ----------
    query : Query
    types : dict of str to str
        The query's columns and their types.
    ts : str
        SQL of the day that a row bears, over ``query``.
    day, known : str
        As for ``features.rollup.Pass``.
    facts : Facts
    settings : CompanySettings
    inspect : callable
        Given a query, says what is wrong with its rows; raises when that stops the run.
    """

    query: Query
    types: dict[str, str]
    ts: str
    day: str
    known: str
    facts: Facts
    settings: CompanySettings
    inspect: Callable[[str], list[Problem]]

    @property
    def fingerprint(self) -> str:
        """sha256 of all that decides what is in a part, but for the rows."""
        kinds = {name: kind.model_dump() for name, kind in self.settings.catalogue.items()}
        names = sorted(self.types)
        said = [_VERSION, self.query.text, names, self.day, self.known, repr(self.facts), kinds]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def distinct(self, query: str) -> str:
        """The rows of a query, events with an ``event_id`` once, as they were first known."""
        if "event_id" not in self.types:
            return query
        said = {"ts", "event", "account_id", "event_id", "known_at"}
        others = "".join(f', query."{name}"' for name in sorted(self.types.keys() - said))
        account, event = (f'TRIM(CAST(query."{n}" AS VARCHAR))' for n in ("account_id", "event_id"))
        kept = f"""PARTITION BY {account}, {event}
            ORDER BY greatest({self.known}, {self.ts}), {self.ts}, query."event"{others}"""
        empty = f"NULLIF({event}, '') IS NULL"
        some = happened(self.types)
        return (
            f"SELECT * FROM ({query}) AS query WHERE {some} AND {empty} "
            f"UNION ALL SELECT * FROM ({query}) AS query WHERE {some} AND NOT ({empty}) "
            f"QUALIFY row_number() OVER ({kept}) = 1"
        )


def take_in(
    connection: duckdb.DuckDBPyConnection,
    order: Order,
    folder: Path,
    *,
    rebuild: bool = False,
    progress: Progress = silent,
) -> Ledger:
    """The ledger of the rollup with everything in it that the query reads.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Gets the view ``usage_user``.
    order : Order
    folder : Path
        The company's rollup; made when absent.
    rebuild : bool
        Read everything anew, also files that changed since they were read.
    progress : callable

    Raises
    ------
    InputError
        When a file changed since it was taken in, cannot be read, or holds rows that stop the run.
    KeepwellError
        When the folder cannot be written to.
    """
    try:
        with building(folder):
            ledger = read_ledger(folder)
            if ledger is not None and rebuild:
                ledger = replace(ledger, fingerprint="", files=())
            if ledger is not None and ledger.fingerprint != order.fingerprint:
                ledger = replace(ledger, fingerprint="", parts=(), events=(), types={})
            built = _bring_up_to_date(connection, order, folder, ledger, progress)
            if built != ledger:
                write_ledger(folder, built)
            remove_leftovers(folder, built)
            return built
    except duckdb.Error as error:
        raise _fault(connection, order, folder, error) from None
    except OSError as error:
        raise _no_room(folder, error) from None


def _bring_up_to_date(
    connection: duckdb.DuckDBPyConnection,
    order: Order,
    folder: Path,
    ledger: Ledger | None,
    progress: Progress,
) -> Ledger:
    """The ledger with what is new; one without a fingerprint knows the files, but has no parts."""
    files, new = sort_files(order.query, ledger)
    if ledger is not None and ledger.fingerprint and order.query.files is not None:
        if not new:
            _number_users(connection, folder, ledger.parts)
            return replace(ledger, files=files)
        if order.query.row_by_row:
            extended = _extend(connection, order, folder, ledger, files, new, progress)
            if extended is not None:
                return extended
    erased = ledger.erased if ledger else frozenset()
    return _build(connection, order, folder, files, erased, progress)


def _extend(
    connection: duckdb.DuckDBPyConnection,
    order: Order,
    folder: Path,
    ledger: Ledger,
    files: tuple[InputFile, ...],
    new: tuple[InputFile, ...],
    progress: Progress,
) -> Ledger | None:
    """The ledger with a part for the new files; None when their rows depend on earlier ones."""
    progress(f"rolling up usage: {len(new)} new {'file' if len(new) == 1 else 'files'}")
    paths = tuple(Path(file.path) for file in new)
    refuse_other_columns(connection, order.query, paths, ledger.types)
    query = as_before(connection, order.query.only(paths), ledger.types)
    if query is None:
        return None
    order = replace(order, types=ledger.types)
    _number_users(connection, folder, ledger.parts)
    part, events, problems = _roll_up(
        connection, order, folder, query, ledger.events, ledger.erased
    )
    if _depends(connection, order, folder, ledger, part):
        shutil.rmtree(folder / part.name)
        return None
    parts = (*ledger.parts, part)
    if len(parts) > _MOST_PARTS:
        parts = _merge(connection, folder, parts)
    return _completed(connection, order, folder, files, parts, events, ledger.erased, (
        *ledger.problems, *problems))  # fmt: skip


def _build(
    connection: duckdb.DuckDBPyConnection,
    order: Order,
    folder: Path,
    files: tuple[InputFile, ...],
    erased: frozenset[str],
    progress: Progress,
) -> Ledger:
    """The ledger of a rollup that is built anew from everything."""
    files = still_there(order.query, files)
    query = order.query.text
    if order.query.row_by_row and len(files) < len(order.query.files or ()):
        query = order.query.only(tuple(Path(file.path) for file in files))  # a copy is read once
    progress("rolling up usage")
    parquet = [Path(file.path) for file in files if Path(file.path).suffix == ".parquet"]
    refuse_other_columns(connection, order.query, parquet)
    _number_users(connection, folder, ())
    part, events, problems = _roll_up(connection, order, folder, query, (), erased)
    return _completed(connection, order, folder, files, (part,), events, erased, tuple(problems))


def _completed(
    connection: duckdb.DuckDBPyConnection,
    order: Order,
    folder: Path,
    files: tuple[InputFile, ...],
    parts: tuple[Part, ...],
    events: tuple[str, ...],
    erased: frozenset[str],
    problems: tuple[Problem, ...],
) -> Ledger:
    _number_users(connection, folder, parts)
    digest = digest_of(files, erased)
    if order.query.files is None:
        digest = hash_file(folder / parts[-1].name / "day.parquet")
    return Ledger(order.fingerprint, files, parts, events, order.types, erased, digest, problems)


def _depends(
    connection: duckdb.DuckDBPyConnection, order: Order, folder: Path, ledger: Ledger, part: Part
) -> bool:
    """Whether a part holds an event or a session that an earlier part may hold too."""
    if "session_id" in order.types and any(p.last_day >= part.first_day for p in ledger.parts):
        return True
    if "event_id" not in order.types:
        return False
    earlier = ", ".join(f"{quoted(str(folder / p.name / 'id.parquet'))}" for p in ledger.parts)
    row = connection.execute(
        f"SELECT count(*) FROM {quoted(str(folder / part.name / 'id.parquet'))} "
        f"SEMI JOIN read_parquet([{earlier}]) USING (account_id, event_id)"
    ).fetchone()
    return bool(row and row[0])


def _roll_up(
    connection: duckdb.DuckDBPyConnection,
    order: Order,
    folder: Path,
    query: str,
    events: tuple[str, ...],
    erased: frozenset[str],
) -> tuple[Part, tuple[str, ...], list[Problem]]:
    """One part with the events known after it; nothing of it stays when that fails."""
    names = read_events(connection, query)
    events = (*events, *sorted(set(names.typed.values()) - set(events)))
    rows = Pass(
        order.types, order.day, order.known, order.facts, events,
        order.settings.catalogue,
    )  # fmt: skip
    whole = rows.run(connection, order.distinct(query), names)
    problems = [] if whole and events else order.inspect(_without(query, order, erased))
    columns, name = order.facts.columns(events), uuid.uuid4().hex
    try:
        write_part(connection, folder / name, columns, erased=erased)
        if "event_id" in order.types:
            connection.execute(
                "COPY (SELECT DISTINCT TRIM(CAST(account_id AS VARCHAR)) AS account_id, "
                "TRIM(CAST(event_id AS VARCHAR)) AS event_id "
                f"FROM ({query}) WHERE NULLIF(TRIM(CAST(event_id AS VARCHAR)), '') IS NOT NULL) "
                f"TO {quoted(str(folder / name / 'id.parquet'))} (FORMAT parquet)"
            )
        part = read_part(connection, folder / name, columns)
    except BaseException:
        shutil.rmtree(folder / name, ignore_errors=True)
        raise
    return part, events, problems


def _without(query: str, order: Order, erased: frozenset[str]) -> str:
    """The rows of a query but for those of erased users: the inspection may keep some of them."""
    if not erased or "user_id" not in order.types:
        return query
    account, user = (f"TRIM(CAST({name} AS VARCHAR))" for name in ("account_id", "user_id"))
    return f"SELECT * FROM ({query}) WHERE {is_kept(erased, account, user)}"


def _merge(
    connection: duckdb.DuckDBPyConnection, folder: Path, parts: tuple[Part, ...]
) -> tuple[Part, ...]:
    """All parts but the first as one, so that a reader need not open hundreds of files."""
    first, *others = parts
    name = uuid.uuid4().hex
    (folder / name).mkdir()
    columns = others[-1].columns
    for file in ("day.parquet", "user.parquet", "id.parquet"):
        if not (folder / others[0].name / file).exists():
            continue
        listed = ", ".join(f"{quoted(str(folder / part.name / file))}" for part in others)
        connection.execute(
            f"COPY (SELECT * FROM read_parquet([{listed}], union_by_name = true)) "
            f"TO {quoted(str(folder / name / file))} {AS_PARQUET}"
        )
    summarise_part(connection, folder / name)
    merged = Part(
        name,
        min(part.first_day for part in others),
        max(part.last_day for part in others),
        sum(part.rows for part in others),
        columns,
        any(part.late for part in others),
    )
    return first, merged


def _number_users(
    connection: duckdb.DuckDBPyConnection, folder: Path, parts: Sequence[Part]
) -> None:
    """Create ``usage_user``: every user of these parts with its number."""
    listed = ", ".join(f"{quoted(str(folder / part.name / 'user.parquet'))}" for part in parts)
    rows = f"SELECT * FROM read_parquet([{listed}])" if parts else (
        "SELECT NULL::VARCHAR AS account_id, NULL::VARCHAR AS user_id, 0 AS user_no WHERE FALSE"
    )  # fmt: skip
    connection.execute(f"CREATE OR REPLACE VIEW usage_user AS {rows}")


def _fault(
    connection: duckdb.DuckDBPyConnection, order: Order, folder: Path, error: duckdb.Error
) -> KeepwellError:
    """What a fault of DuckDB means for people."""
    if isinstance(error, duckdb.OutOfMemoryException):
        rule = "is too small to roll up usage"
        remedy = "raise memory_limit, or make room where KEEPWELL_HOME lies"
        return InputError([Problem("config", "memory_limit", rule, remedy=remedy)])
    if "No space left" in str(error):
        return _no_room(folder, OSError(errno.ENOSPC, "No space left on device"))
    broken = unreadable_files(connection, order.query)
    return InputError(broken or [query_problem("usage", error)])


def _no_room(folder: Path, error: OSError) -> KeepwellError:
    return KeepwellError(
        f"{folder} cannot be written to: {error.strerror or type(error).__name__}; "
        "make room or name another folder in KEEPWELL_HOME; the last rollup is as it was"
    )
