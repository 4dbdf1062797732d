"""The rules that a single row of a contract table must keep, each as the SQL of its breach."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from features.schema import TABLES, Column
from features.settings import TimeSettings

FUTURE_REMEDY = "mend the clock or the date; until that day the row is not used"
RuleKey = Literal["invalid_value", "duplicate_key", "future_date"]
_PARSED = {"date": "a date", "number": "a number", "share": "a number", "flag": "true or false"}
# What these dates tell has happened: none of them can lie ahead. Others may be planned. Of usage it
# is asked once it is rolled up, see ``features.volume``.
_PAST = {
    "measures": ("ts",),
    "surveys": ("ts",),
    "tickets": ("opened_at", "resolved_at"),
    "invoices": ("paid_at",),
    "milestones": ("reached_at",),
    "contracts": ("signed_at", "notice_given_at"),
}


class Rule(NamedTuple):
    """A breach to count: its key under ``checks``, the column, the SQL, the words, the remedy."""

    key: RuleKey
    column: str
    breach: str
    expected: str
    remedy: str


def rules_of_row(columns: Sequence[Column], table: str, *, last_day: date) -> list[Rule]:
    """All rules for the rows of a table's typed view.

    Parameters
    ----------
    columns : sequence of Column
        The columns that the company's query returns.
    table : str
        The contract table.
    last_day : date
        Inclusive: what is dated after it lies in the future.
    """
    rules = [rule for column in columns for rule in _column_rules(column)]
    present = {column.name for column in columns}
    rules += [rule for rule in _between_columns(table) if _columns_of(rule) <= present]
    return rules + _future_rules(present, table, last_day)


def key_of(present: Collection[str], table: str) -> tuple[str, ...]:
    """The columns that identify a row; with versions also the day from which it was known."""
    key = TABLES[table].key
    return (*key, "known_at") if TABLES[table].versioned and "known_at" in present else key


def key_rule(present: Collection[str], table: str) -> Rule:
    """That no two rows share their key; its breach reads ``key_rows``, how many have the same."""
    remedy = "keep one row each"
    if TABLES[table].versioned:
        remedy += ", or give each version the known_at from which it holds"
    return Rule(
        "duplicate_key",
        "+".join(key_of(present, table)),
        "key_rows > 1",
        "must identify a row, but several rows share it",
        remedy,
    )


def last_day_so_far(time: TimeSettings) -> date:
    """The last day that is not in the future, inclusive; with a grain, that period's last day."""
    now = datetime.now(UTC)
    today = max(now.date(), now.astimezone(ZoneInfo(time.zone)).date())
    if time.grain == "week":
        return today + timedelta(days=7 - today.isoweekday())
    if time.grain == "month":
        return (today.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return today


def _column_rules(column: Column) -> list[Rule]:
    typed, raw = column.name, f"raw_{column.name}"
    given = f"{raw} IS NOT NULL AND CAST({raw} AS VARCHAR) <> ''"
    found = []
    if column.kind in _PARSED:
        expected = f"must be {_PARSED[column.kind]}"
        remedy = "mend these values, or cast them in the query"
        found.append((f"{typed} IS NULL AND {given}", expected, remedy))
    if column.required:
        empty = f"NOT ({given})" if column.kind in _PARSED else f"{typed} IS NULL"
        found.append((empty, "must not be empty", "fill it, or filter these rows in the query"))
    if column.lowest is not None:
        expected = "must not be negative" if column.lowest == 0 else f"must be {column.lowest:g} up"
        found.append((f"{typed} < {column.lowest}", expected, "mend these values"))
    if column.kind == "share":
        found.append((f"{typed} > 1", "must be a share from 0 to 1", "divide by 100"))
    return [Rule("invalid_value", typed, *parts) for parts in found]


def _between_columns(table: str) -> list[Rule]:
    """Rules that hold within a row; the SQL of each names its columns first and last."""
    pairs = {
        "contracts": [("end_date", "start_date"), ("terminated_at", "start_date")],
        "tickets": [("resolved_at", "opened_at")],
    }
    rules = [
        Rule(
            "invalid_value",
            later,
            f"{later} < {earlier}",
            f"must not be before {earlier}",
            "mend the dates",
        )
        for later, earlier in pairs.get(table, [])
    ]
    alone = {
        "contracts": [("term_months", "term_months < 1", "must be 1 or more")],
        "rates": [("rate", "rate = 0", "must be above 0")],
        "usage": [
            ("count", "count <> floor(count)", "must be a whole number"),
            ("ts", f"ts < {FIRST_DAY}", "must not lie before 1970"),
        ],
    }
    return rules + [
        Rule("invalid_value", *rule, "mend these values") for rule in alone.get(table, [])
    ]


def _columns_of(rule: Rule) -> set[str]:
    left, _, right = rule.breach.split()
    return {left} | ({right} if right.isidentifier() else set())


def _future_rules(present: set[str], table: str, last_day: date) -> list[Rule]:
    if table == "usage":
        return []
    return [
        Rule(
            "future_date",
            column,
            f"{column} > DATE '{last_day}'",
            in_future(last_day),
            FUTURE_REMEDY,
        )
        for column in (*_PAST.get(table, ()), "known_at")
        if column in present
    ]


# No product was used before; such a date stands for a missing one.
FIRST_DAY = "DATE'1970-01-01'"


def in_future(last_day: date) -> str:
    """The words of the rule that a date has to have come."""
    return f"must not lie in the future, after {last_day}"
