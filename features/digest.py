"""What the tables say of one account: how many rows, from when to when, and the latest of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from features.schema import TABLES
from features.source import Source

Cell = str | float | bool | date | None
# Names of people and free text are nobody's to read here; a measure's name is no person's.
_HIDDEN = frozenset({"name", "owner", "outcome"})
_MILESTONE_DATES = ("reached_at", "planned_at")


@dataclass(frozen=True)
class Digest:
    """The rows of an account in one table, as known before the as-of date.

    Parameters
    ----------
    table : str
    unit : str
        What is counted: rows, or days with use, of which only the rollup is kept.
    rows : int
    first, last : date or None
        Dates of the first and the last of them; None where they bear none.
    columns : tuple of str
        Of the latest rows, those that hold anything; no names of people, no free text.
    latest : tuple of tuple
        The latest rows, the youngest first.
    """

    table: str
    unit: str
    rows: int
    first: date | None
    last: date | None
    columns: tuple[str, ...]
    latest: tuple[tuple[Cell, ...], ...]

    def to_json(self) -> dict[str, object]:
        """The digest as ``keepwell explain --json`` prints it."""
        return {
            self.unit.replace(" ", "_"): self.rows,
            "first": self.first,
            "last": self.last,
            "latest": [dict(zip(self.columns, row, strict=True)) for row in self.latest],
        }


def read_digests(source: Source, account_id: str, *, latest: int) -> list[Digest]:
    """A digest of every table that has rows for accounts, contracts first, then usage.

    Parameters
    ----------
    source : Source
        Opened as of the date: its tables hold what was known before it.
    account_id : str
    latest : int
        How many of the latest rows to give; of contracts all.
    """
    order = {"accounts": 0, "contracts": 1}
    names = sorted(
        (name for name in source.tables if name != "rates"),
        key=lambda name: (order.get(name, 2), name),
    )
    found = [_read_table(source, name, account_id, latest) for name in names]
    if source.has("usage"):
        found.insert(2 if source.has("contracts") else 1, _read_usage(source, account_id, latest))
    return found


def _read_table(source: Source, name: str, account_id: str, latest: int) -> Digest:
    described = source.connection.sql(f"DESCRIBE {name}").fetchall()
    present = [str(row[0]) for row in described]
    hidden = _HIDDEN - {"name"} if name == "measures" else _HIDDEN
    columns = [c for c in present if c not in {"account_id", "known_day"} | hidden]
    day = _date_of(name, present)
    if day == "day":
        columns = ["day", *(c for c in columns if c != "day")]
    shown = "".join(f', "{column}"' for column in columns)
    query = f"SELECT {day} AS bears{shown} FROM {name} WHERE account_id = $1"
    rows = _Rows(name, query, tuple(columns), None if name == "contracts" else latest)
    return _digest(source, rows, account_id)


def _date_of(name: str, present: Sequence[str]) -> str:
    """The SQL of the date that a row bears."""
    if "day" in present:
        return "day"
    if name == "milestones":
        dates = [column for column in _MILESTONE_DATES if column in present]
        return f"coalesce({', '.join([*dates, 'NULL::DATE'])})"
    own = [column for column in reversed(TABLES[name].own_dates) if column in present]
    return own[0] if own else "known_day"


def _read_usage(source: Source, account_id: str, latest: int) -> Digest:
    columns = ("day", "users", "events", "minutes", "value_actions", "views")
    query = """SELECT day AS bears, day, count(DISTINCT user_id) AS users, sum(events) AS events,
            round(sum(seconds) / 60, 1) AS minutes, sum(value_actions) AS value_actions,
            sum(views) AS views
        FROM usage_day WHERE account_id = $1 GROUP BY day"""
    return _digest(source, _Rows("usage", query, columns, latest, "days with use"), account_id)


class _Rows(NamedTuple):
    """Rows of an account: ``bears``, their date, and then the columns."""

    table: str
    query: str
    columns: tuple[str, ...]
    latest: int | None
    unit: str = "rows"


def _digest(source: Source, rows: _Rows, account_id: str) -> Digest:
    connection, columns = source.connection, rows.columns
    total = connection.execute(
        f"SELECT count(*), min(bears), max(bears) FROM ({rows.query})", [account_id]
    ).fetchone()
    count, first, last = total or (0, None, None)
    ties = "".join(f', "{name}"' for name in columns)
    limit = f" LIMIT {rows.latest}" if rows.latest is not None else ""
    found = connection.execute(
        f"SELECT * FROM ({rows.query}) ORDER BY bears DESC NULLS LAST{ties}{limit}", [account_id]
    ).fetchall()
    cells = [tuple(_plain(cell) for cell in row[1:]) for row in found]
    kept = [place for place in range(len(columns)) if any(row[place] is not None for row in cells)]
    return Digest(
        table=rows.table,
        unit=rows.unit,
        rows=int(count),
        first=_plain_day(first),
        last=_plain_day(last),
        columns=tuple(columns[place] for place in kept),
        latest=tuple(tuple(row[place] for place in kept) for row in cells),
    )


def _plain(cell: object) -> Cell:
    if cell is None or isinstance(cell, (str, float, bool)):
        return cell
    if isinstance(cell, int):
        return float(cell)
    return _plain_day(cell)


def _plain_day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None
