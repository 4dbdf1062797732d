"""Usage that lies with Spark: read, checked and rolled up there, so that no row leaves it.

DuckDB has bound the query before and knows its columns; it gets back only what is small: what each
event is, and the days on which accounts were active.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from features.dialect import quoted
from features.errors import Problem
from features.extract import period_end
from features.rule import Rule, last_day_so_far, rules_of_row
from features.schema import Column
from features.settings import CompanySettings
from features.spark import spark_said
from features.spark_file import bind_files
from features.usage_sql import build_usage_day

if TYPE_CHECKING:
    from features.spark import Spark

_EXAMPLES = 3
_KINDS = ("core", "value_action", "view", "report", "hard_to_leave")


def bind_usage(
    spark: Spark,
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    columns: Sequence[Column],
    typed: str,
) -> list[Problem]:
    """Create the view ``typed_usage`` on Spark and say what is wrong with its rows.

    Rows that the configuration sends away are not in the view; they stay where they lie.

    Parameters
    ----------
    spark : Spark
    connection : duckdb.DuckDBPyConnection
        Has bound the same query.
    settings : CompanySettings
    columns : sequence of Column
        Those that the query returns.
    typed : str
        The select list of the typed view over ``query``, as for every other table.
    """
    from pyspark.errors import PySparkException

    query = bind_files(spark, connection, settings.tables["usage"])
    try:
        spark.execute(f"CREATE OR REPLACE VIEW query_usage AS {query}")
        spark.execute(
            f"CREATE OR REPLACE VIEW all_usage AS SELECT {typed} FROM query_usage AS query"
        )
        return _check(spark, settings, columns)
    except PySparkException as error:
        rule = f"its query must run on Spark too, but Spark says: {spark_said(error)}"
        remedy = "write it in plain SQL, see docs/spark.md, or set engine: duckdb"
        return [Problem("usage", "", rule, remedy=remedy)]


def _check(spark: Spark, settings: CompanySettings, columns: Sequence[Column]) -> list[Problem]:
    rules = rules_of_row(columns, "usage", last_day=last_day_so_far(settings.time))
    counts = "".join(f", count(*) FILTER (WHERE {rule.breach}) AS n" for rule in rules)
    row = spark.execute(f"SELECT count(*) AS n{counts} FROM all_usage").fetchone()
    if row is None or row[0] == 0:
        remedy = "leave it out of the configuration if you have no such rows"
        return [Problem("usage", "", "is empty: its query returned no row", remedy=remedy)]
    problems, away = [], ["FALSE"]
    for rule, rows in zip(rules, row[1:], strict=True):
        if not rows:
            continue
        action: str = getattr(settings.checks, rule.key)
        if action == "quarantine" and 2 * rows > row[0]:
            action = "stop"  # most of the table: not a few bad rows but another format
        if action == "quarantine":
            away.append(f"coalesce({rule.breach}, FALSE)")
        examples = _examples(spark, rule)
        found = Problem("usage", rule.column, rule.expected, rows, examples, rule.remedy, action)
        problems.append(found)
    spark.execute(
        "CREATE OR REPLACE VIEW typed_usage AS "
        f"SELECT * FROM all_usage WHERE NOT ({' OR '.join(away)})"
    )
    return problems


def _examples(spark: Spark, rule: Rule) -> tuple[str, ...]:
    """The first few accounts of rows in breach."""
    rows = spark.execute(
        f"SELECT DISTINCT coalesce(account_id, '(empty)') AS id FROM all_usage "
        f"WHERE {rule.breach} ORDER BY id LIMIT {_EXAMPLES}"
    ).fetchall()
    return tuple(str(row[0]) for row in rows)


def last_usage_day(spark: Spark, settings: CompanySettings) -> date | None:
    """The last day of usage, that of the period which its row covers."""
    row = spark.execute(
        f"SELECT max({period_end(settings, 'ts')}) AS day FROM typed_usage"
    ).fetchone()
    last: date | None = row[0] if row else None
    return last


def build_rollup(
    spark: Spark,
    connection: duckdb.DuckDBPyConnection,
    settings: CompanySettings,
    columns: Sequence[Column],
    end: date,
) -> None:
    """Create the rollup on Spark, and in DuckDB what is read of it there.

    On Spark there are then ``usage_event_day``, ``usage_session_day`` and ``usage_day`` as
    ``usage_sql`` says; in DuckDB ``event_kind``, ``usage_total``, ``active_day`` and a
    ``usage_day`` of the whole account, with ``user_id`` null.

    Parameters
    ----------
    spark : Spark
        Holds ``typed_usage``.
    connection : duckdb.DuckDBPyConnection
        Holds ``accounts``.
    settings : CompanySettings
    columns : sequence of Column
        Those that the usage query returns.
    end : date
        Exclusive: what was known on it or later is left out.
    """
    names = frozenset(column.name for column in columns)
    spark.execute(f"CREATE OR REPLACE VIEW usage_row AS {_rows(settings, names, end)}")
    count = "sum(coalesce(count, 1))" if "count" in names else "count(*)"
    seconds = (
        "sum(round(1000 * duration_s)) / 1000" if "duration_s" in names else "CAST(NULL AS DOUBLE)"
    )
    # Everything later groups by account first: spread by account, no row moves a second time.
    spark.spread(
        "usage_event_day",
        f"""SELECT account_id, user_id, event, day, known_day, CAST({count} AS DOUBLE) AS events,
                   CAST({seconds} AS DOUBLE) AS seconds
            FROM usage_row GROUP BY account_id, user_id, event, day, known_day""",
        by="account_id",
    )
    if "session_id" in names:
        spark.spread(
            "usage_session_day",
            """SELECT DISTINCT account_id, user_id, session_id, day, known_day FROM usage_row
                WHERE session_id IS NOT NULL""",
            by="account_id",
        )
    _hand_over(spark, connection, settings)
    build_usage_day(spark)


def _rows(settings: CompanySettings, names: frozenset[str], end: date) -> str:
    """The events known before ``end``, each with its day and the day from which it was known.

    An event that comes twice with one ``event_id`` counts once, as it was first known; a row whose
    count is 0 says that nothing happened.
    """
    known = "coalesce(known_at, ts)" if "known_at" in names else "ts"
    happened = "coalesce(count, 1) > 0" if "count" in names else "TRUE"
    rows = f"SELECT * FROM typed_usage WHERE {happened}"
    if "event_id" in names:
        told = [
            "ts",
            "event",
            *sorted(names - {"ts", "event", "account_id", "event_id", "known_at"}),
        ]
        rows = (
            f"{rows} AND event_id IS NULL UNION ALL {rows} AND event_id IS NOT NULL "
            "QUALIFY row_number() OVER (PARTITION BY account_id, event_id "
            f"ORDER BY greatest(ts, {known}), {', '.join(told)}) = 1"
        )
    kept = sorted((names | {"user_id"}) - {"ts", "known_at", "event_id"})
    if "user_id" not in names:
        kept[kept.index("user_id")] = "CAST(NULL AS VARCHAR) AS user_id"
    return (
        f"SELECT * FROM (SELECT {', '.join(kept)}, {period_end(settings, 'ts')} AS day, "
        f"greatest({period_end(settings, 'ts')}, {known}) AS known_day FROM ({rows}) AS happened) "
        f"AS dated WHERE known_day < DATE '{end}'"
    )


def _hand_over(
    spark: Spark, connection: duckdb.DuckDBPyConnection, settings: CompanySettings
) -> None:
    """Give DuckDB what it needs of usage, and Spark what the configuration says of each event."""
    found = spark.execute("SELECT DISTINCT event FROM usage_event_day ORDER BY event").fetchall()
    flags = ", ".join(f"{kind} BOOLEAN" for kind in _KINDS)
    connection.execute(
        "CREATE OR REPLACE TABLE event_kind "
        f"(event VARCHAR, declared BOOLEAN, module VARCHAR, {flags})"
    )
    for (event,) in found:
        kind = settings.catalogue.get(event)
        values = [event, kind is not None, kind.module if kind else None]
        values += [bool(kind and getattr(kind, name)) for name in _KINDS]
        marks = ", ".join("?" for _ in values)
        connection.execute(f"INSERT INTO event_kind VALUES ({marks})", values)
    spark.take(connection, "event_kind")
    churn = settings.labels.churn
    watched = churn.inactivity.events if churn and churn.inactivity else None
    chosen = ""
    if watched is not None:
        chosen = f"WHERE event IN ({', '.join(map(quoted, watched))})"
    spark.execute(
        """CREATE OR REPLACE VIEW account_usage AS
        SELECT account_id, CAST(NULL AS VARCHAR) AS user_id, day, known_day, sum(events) AS events
        FROM usage_event_day GROUP BY account_id, day, known_day"""
    )
    spark.execute(
        f"""CREATE OR REPLACE VIEW watched_day AS
        SELECT account_id, day, min(known_day) AS known_day FROM usage_event_day {chosen}
        GROUP BY account_id, day"""
    )
    spark.give(connection, "account_usage", under="usage_day")
    spark.give(connection, "watched_day")
    connection.execute("CREATE OR REPLACE VIEW usage_total AS SELECT day, events FROM usage_day")
    connection.execute(
        """CREATE OR REPLACE VIEW active_day AS SELECT * FROM watched_day
        WHERE account_id IN (SELECT account_id FROM accounts)"""
    )
