"""Reading a company's tables: one DuckDB query per contract table, typed and checked.

The tables are checked each by itself, then together, and all problems are reported at once and
before any work. Usage is rolled up on disk, or on Spark; all other tables lie in the connection.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from features.catalogue import build_catalogue
from features.check import check_table, check_together, query_problem
from features.declaration import check_declarations
from features.errors import InputError, Problem
from features.extract import materialise, period_end
from features.intake import Order, take_in
from features.mapping import bind_tables, columns_of, create_typed_view, typed_columns, typed_day
from features.outcome import check_outcomes
from features.postgres import attach_databases
from features.progress import Progress, silent
from features.query import read_query
from features.rollup_reader import Rollup, create_views
from features.rule import last_day_so_far
from features.schema import TABLES
from features.settings import CompanySettings
from features.spark import Spark, open_spark
from features.spark_usage import bind_usage, build_rollup, last_usage_day
from features.statement import wanted_primitives
from features.usage import facts_of
from features.volume import check_usage_dates

# Tables whose rows are dated by when they happened: they tell where the data ends.
_DATED = ("usage", "measures", "tickets", "surveys", "touchpoints", "invoices")


@dataclass(frozen=True)
class Source:
    """The contract tables of a company, typed, in a DuckDB connection.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds one table per contract table that the company has, each with ``known_day``.
    settings : CompanySettings
    data_end : date
        Exclusive: what is dated on or after it is not in the tables.
    columns : dict of str to frozenset of str
        The columns that each table really has.
    usage : Rollup or None
        Usage, which lies rolled up on disk; in the connection it is the view ``usage_day``.
    notices : tuple of Problem
        What was quarantined or allowed.
    spark : Spark or None
        With ``engine: spark`` usage lies there, not in ``usage``, and features are computed there.
    """

    connection: duckdb.DuckDBPyConnection
    settings: CompanySettings
    data_end: date
    columns: dict[str, frozenset[str]]
    usage: Rollup | None = None
    notices: tuple[Problem, ...] = ()
    spark: Spark | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables in the connection that hold the company's data."""
        return tuple(sorted(set(self.columns) - {"usage"}))

    def has(self, table: str, *columns: str) -> bool:
        """Whether the company has this table with all these columns."""
        return table in self.columns and set(columns) <= self.columns[table]


def open_source(
    settings: CompanySettings,
    *,
    spill: Path,
    rollup: Path | None = None,
    rebuild: bool = False,
    data_end: date | None = None,
    slices: tuple[str, ...] = (),
    progress: Progress = silent,
) -> Source:
    """The company's tables as of ``data_end``, read, typed and checked.

    Parameters
    ----------
    settings : CompanySettings
        Queries with their placeholders already filled in.
    spill : Path
        Folder where DuckDB may write what does not fit into memory.
    rollup : Path, optional
        Folder of the company's rollup; by default one under ``spill``.
    rebuild : bool
        Read all usage anew, also files that changed since they were taken in.
    data_end : date, optional
        Exclusive; before the end that the configuration gives or the rows show.
    slices : tuple of str
        Columns of accounts or contracts to report by; they must be there.
    progress : callable
        Called with one line per table.

    Raises
    ------
    InputError
        With every problem of every table.
    """
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET memory_limit = '{settings.memory_limit}'")
    connection.execute("SET preserve_insertion_order = false")
    spill.mkdir(parents=True, exist_ok=True)
    connection.execute("SET temp_directory = $1", [str(spill)])
    attach_databases(connection, settings.attach, settings.tables, progress=progress)
    raw, problems = bind_tables(connection, settings)
    columns = {name: frozenset(types) for name, types in raw.items()}
    broken = {problem.table for problem in problems}
    for name in sorted(raw.keys() - broken - {"usage"}):
        progress(f"checking {name}")
        try:
            read_query(connection, name, settings.tables[name].strip().rstrip(";"))
            problems += _check(connection, settings, name, raw[name])
        except InputError as error:
            problems += error.problems
    usage, spark = None, None
    if settings.engine == "spark" and "usage" in raw:
        progress("checking usage on Spark")
        spark, found = _bind_spark(connection, settings, raw["usage"], spill)
    else:
        usage, found = _read_usage(
            connection, settings, raw, columns, folder=rollup or spill / "rollup",
            rebuild=rebuild, only_check=_stops(problems), progress=progress,
        )  # fmt: skip
    problems += found
    # What stops the run is said together with what is wrong between the tables that are sound.
    sound = _sound(raw, problems)
    last_use = last_usage_day(spark, settings) if spark else _last_use(connection, settings, usage)
    end = _end_of_data(connection, settings, sound, last_use, data_end)
    for name in sorted(sound.keys() - {"usage"}):
        progress(f"reading {name}")
        table = TABLES[name]
        try:
            materialise(connection, settings, table, columns_of(table, raw[name], settings), end)
        except duckdb.Error as error:  # a column that no check reads is computed here first
            problems.append(query_problem(name, error))
    sound = _sound(sound, problems)
    if "accounts" not in sound or (usage is None and spark is None):
        sound.pop("usage", None)
    elif usage is not None:
        churn = settings.labels.churn
        watched = churn.inactivity.events if churn and churn.inactivity else None
        create_views(connection, usage, end, watched=watched)
        if usage.late or (usage.last_day or 0) >= (end - date(1970, 1, 1)).days:
            problems += check_usage_dates(connection, settings, usage.rows)
    if spark is not None and not _stops(problems):
        progress("rolling up usage on Spark")
        names = columns_of(TABLES["usage"], raw["usage"], settings)
        build_rollup(spark, connection, settings, names, end)
    problems += check_together(connection, settings, sound, end)
    _raise_if_stopped(problems)
    problems += check_declarations(connection, settings, columns, slices)
    problems += check_outcomes(connection, settings, columns, end)
    _raise_if_stopped(problems)
    return Source(connection, settings, end, columns, usage, tuple(problems), spark)


def _sound(raw: dict[str, dict[str, str]], problems: list[Problem]) -> dict[str, dict[str, str]]:
    """The tables in which nothing stops the run."""
    stopped = {problem.table for problem in problems if problem.action == "stop"}
    return {name: types for name, types in raw.items() if name not in stopped}


def _bind_spark(
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    types: dict[str, str],
    spill: Path,
) -> tuple[Spark, list[Problem]]:
    """Spark with the usage in it, and what is wrong with that."""
    spark = open_spark(spill / "spark")
    table = TABLES["usage"]
    typed = typed_columns(table, types, settings)
    return spark, bind_usage(spark, connection, settings, columns_of(table, types, settings), typed)


def _stops(problems: Iterable[Problem]) -> bool:
    return any(problem.action == "stop" for problem in problems)


def _raise_if_stopped(problems: list[Problem]) -> None:
    if _stops(problems):
        raise InputError(problems)


def _check(
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    name: str,
    types: dict[str, str],
) -> list[Problem]:
    return check_table(connection, columns_of(TABLES[name], types, settings), name, settings)


def _read_usage(
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    raw: dict[str, dict[str, str]],
    columns: dict[str, frozenset[str]],
    *,
    folder: Path,
    rebuild: bool,
    only_check: bool,
    progress: Progress,
) -> tuple[Rollup | None, list[Problem]]:
    """Usage, rolled up on disk, and what is wrong with it; only the latter when all is in vain."""
    if "usage" not in raw:
        return None, []
    types, table = raw["usage"], TABLES["usage"]
    text = settings.tables["usage"].strip().rstrip(";")

    def inspect(query: str) -> list[Problem]:
        create_typed_view(connection, table, query, types, settings)
        problems = _check(connection, settings, "usage", types)
        _raise_if_stopped(problems)
        return problems

    try:
        if only_check:
            return None, inspect(text)
        primitives = wanted_primitives(build_catalogue(settings, columns))
        zone = settings.time.zone
        ts = typed_day('query."ts"', types["ts"].upper(), zone)
        day = known = period_end(settings, ts)
        if "known_at" in types:
            given = typed_day('query."known_at"', types["known_at"].upper(), zone)
            known = f"coalesce({given}, {ts})"
        order = Order(
            query=read_query(connection, "usage", text),
            types=types, ts=ts, day=day, known=known, facts=facts_of(primitives, settings),
            settings=settings, inspect=inspect,
        )  # fmt: skip
        ledger = take_in(connection, order, folder, rebuild=rebuild, progress=progress)
    except InputError as error:
        return None, list(error.problems)
    rollup = Rollup(
        folder, ledger.parts, order.facts, ledger.events, settings.catalogue, ledger.digest
    )
    return rollup, list(ledger.problems)


def _end_of_data(
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    raw: dict[str, dict[str, str]],
    last_use: date | None,
    wanted: date | None,
) -> date:
    last = settings.time.data_end or _last_day(connection, raw, last_use, settings)
    if wanted is not None and wanted > last:
        rule = f"{wanted} is after the data's end, {last}: who is silent since would look lost"
        raise InputError([Problem("--as-of", "", rule, remedy=f"give at most {last}")])
    return wanted or last


def _last_use(
    connection: duckdb.DuckDBPyConnection, settings: CompanySettings, usage: Rollup | None
) -> date | None:
    return usage.last_day_until(connection, last_day_so_far(settings.time)) if usage else None


def _last_day(
    connection: duckdb.DuckDBPyConnection,
    raw: dict[str, dict[str, str]],
    last_use: date | None,
    settings: CompanySettings,
) -> date:
    """The day after the last known row, never after today.

    Contracts count only when nothing else is dated: terms may be written long before they start.
    """
    names = [name for name in _DATED if name in raw]
    names = names or [name for name in ("contracts",) if name in raw]
    today = datetime.now(UTC).date()
    days = []
    for name in names:
        if name == "usage":
            days += [last_use] if last_use is not None else []
            continue
        own = next(day for day in reversed(TABLES[name].own_dates) if day in raw[name])
        own = period_end(settings, own) if own == "ts" else own
        found = connection.execute(f"SELECT max({own}) FROM typed_{name}").fetchone()
        days += [found[0]] if found and found[0] is not None else []
    return min(max(days, default=today) + timedelta(days=1), today)
