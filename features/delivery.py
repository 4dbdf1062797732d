"""The files that a build takes in: which are new, and whether they fit those before them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from features.check import query_problem
from features.errors import InputError, Problem
from features.ledger import InputFile, Ledger, hash_file, stamp_of
from features.query import Query

_MOST_NAMED = 5
_AGAIN = "write that file again like the others"
_WHOLE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?")
_FRACTION = re.compile(r"FLOAT|DOUBLE|DECIMAL")


def sort_files(
    query: Query, ledger: Ledger | None
) -> tuple[tuple[InputFile, ...], tuple[InputFile, ...]]:
    """All files that are in the rollup once it is built, and those among them that are new.

    Files that are gone stay in it; the same content under another name is the same file, and that
    is its name now where the other one is gone. Where rows depend on the file's path it is another.

    Raises
    ------
    InputError
        When a file changed since it was taken in, or a query over all files at once reads the same
        content twice.
    """
    known = {file.path: file for file in ledger.files} if ledger else {}
    here = {str(path) for path in query.files or ()}
    names = {(file.sha256, query.place_of(file.path)): file.path for file in known.values()}
    new: list[InputFile] = []
    changed: list[str] = []
    again: list[str] = []
    for path in query.files or ():
        before = known.get(str(path))
        file = _look_at(path, before)
        same = file.sha256, query.place_of(file.path)
        if before is not None:
            known[file.path] = file
            changed += [file.path] if before.sha256 != file.sha256 else []
        elif same not in names:
            names[same] = file.path
            new.append(file)
        elif not query.row_by_row and names[same] in here:
            again.append(file.path)
        elif names[same] not in here:
            del known[names[same]]
            known[file.path] = file
            names[same] = file.path
    if changed:
        rule = "changed since it was taken in; what was built from it stays as it is"
        remedy = (
            "put the old file back, or read everything anew: keepwell check --config FILE --rebuild"
        )
        found = [Problem(path, "", rule, remedy=remedy) for path in changed]
        raise InputError(found)
    if again:
        rule = "holds what another file holds, and the query would count it twice"
        remedy = "remove one of the two"
        raise InputError([Problem(path, "", rule, remedy=remedy) for path in again[:_MOST_NAMED]])
    return (*known.values(), *new), tuple(new)


def _look_at(path: Path, before: InputFile | None) -> InputFile:
    """A file as it is now; not read again while its stamp is the same."""
    try:
        stamp = stamp_of(path)
        if before is not None and before.stamp == stamp:
            return before
        return InputFile(str(path), hash_file(path), stamp)
    except OSError as error:
        rule = f"cannot be read: {error.strerror}"
        raise InputError([Problem(str(path), "", rule, remedy="let Keepwell read it")]) from None


def refuse_other_columns(
    connection: duckdb.DuckDBPyConnection,
    query: Query,
    files: Sequence[Path],
    before: dict[str, str] | None = None,
) -> None:
    """Refuse files that lack a column of the others, have one more, or one of another sort.

    DuckDB would cast a column of Parquet to the first file's type, and pass over one that the first
    file lacks, without a word.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    query : Query
    files : sequence of Path
    before : dict of str to str, optional
        The columns and types of the files taken in earlier; without them most files are right.
    """
    if not query.row_by_row or query.by_name or not files:
        return
    found = {file: _types_of(connection, query.only((file,))) for file in files}
    usual = before or _usual_types(list(found.values()))
    problems = []
    for file, types in found.items():
        for name, now in types.items():
            if name not in usual:
                rule = "is in this file, but not in others"
                problems.append(Problem(str(file), name, rule, remedy=_AGAIN))
            elif file.suffix == ".parquet" and _differ(now, usual[name]):
                rule = f"is {now} in this file, but {usual[name]} in others"
                problems.append(Problem(str(file), name, rule, remedy=_AGAIN))
            elif _loses(connection, query, file, name, (now, usual[name])):
                rule = f"has fractions in this file, but is {usual[name]} in others"
                problems.append(Problem(str(file), name, rule, remedy=_AGAIN))
        for name in usual.keys() - types.keys():
            rule = "is not in this file, but in others"
            problems.append(Problem(str(file), name, rule, remedy=_AGAIN))
    if problems:
        raise InputError(problems[:_MOST_NAMED])


def _usual_types(found: Sequence[dict[str, str]]) -> dict[str, str]:
    """The columns that most files have, each with its most common type."""
    names = Counter(name for types in found for name in types)
    return {
        name: Counter(types[name] for types in found if name in types).most_common(1)[0][0]
        for name, number in names.items()
        if 2 * number > len(found)
    }


def _loses(
    connection: duckdb.DuckDBPyConnection,
    query: Query,
    file: Path,
    name: str,
    types: tuple[str, str],
) -> bool:
    """Whether numbers of a file lose their fractions in the type of the others."""
    now, usual = types
    if not (_FRACTION.match(now) and _WHOLE.fullmatch(usual)):
        return False
    column = f'"{name}"'
    row = connection.execute(
        f"SELECT 1 FROM ({query.only((file,))}) WHERE {column} <> floor({column}) LIMIT 1"
    ).fetchone()
    return row is not None


def _differ(now: str, was: str) -> bool:
    sorts = {_sort_of(now), _sort_of(was)}
    return len(sorts - {"NULL"}) > 1


def _types_of(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in connection.execute(f"DESCRIBE {query}").fetchall()}


def _sort_of(kind: str) -> str:
    """``number`` for a type of numbers, however large; a timestamp's precision does not matter."""
    kind = kind.strip('"')
    if kind.startswith("TIMESTAMP") and "WITH TIME ZONE" not in kind:
        return "TIMESTAMP"
    return "number" if _WHOLE.fullmatch(kind) or _FRACTION.match(kind) else kind


def as_before(
    connection: duckdb.DuckDBPyConnection, query: str, types: dict[str, str]
) -> str | None:
    """The query with its columns cast to the types of the files before, as DuckDB itself would.

    None when it lacks a column, which only a look at all files together can fill.
    """
    try:
        found = _types_of(connection, query)
    except duckdb.BinderException:  # the query names the column
        return None
    if types.keys() - found.keys():
        return None
    if found == types:
        return query
    listed = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in types.items())
    return f"SELECT {listed} FROM ({query})"


def still_there(query: Query, files: tuple[InputFile, ...]) -> tuple[InputFile, ...]:
    """The files that a new build reads; what the query names no longer is left out on purpose.

    Raises
    ------
    InputError
        When files that were taken in are gone: their rows would be lost.
    """
    named = {str(path) for path in query.files or ()}
    others = [file.path for file in files if file.path not in named]
    gone = [path for path in others if not Path(path).exists()]
    if gone:
        rule = "is in the rollup but no longer there, and the rollup has to be built anew"
        remedy = "put it back, or leave it out for good: keepwell check --config FILE --rebuild"
        raise InputError([Problem(path, "", rule, remedy=remedy) for path in gone[:_MOST_NAMED]])
    return tuple(file for file in files if file.path in named)


def unreadable_files(connection: duckdb.DuckDBPyConnection, query: Query) -> list[Problem]:
    """Which of several files DuckDB cannot read, each with its reason."""
    if not query.row_by_row or len(query.files or ()) < 2:
        return []
    problems = []
    for file in query.files or ():
        try:
            connection.execute(f"SELECT bit_xor(hash(t)) FROM ({query.only((file,))}) AS t")
        except duckdb.Error as error:
            problem = query_problem("usage", error)
            problems.append(replace(problem, examples=(str(file),)))
    return problems
