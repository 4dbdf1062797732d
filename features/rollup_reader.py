"""A company's rollup on disk, to be read: by NumPy in ranges of days, by SQL as ``usage_day``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from features.dialect import quoted
from features.ledger import Part
from features.rollup import EVENTS_PER_WORD, Facts, words
from features.settings import EventSettings

EPOCH = "DATE '1970-01-01'"


@dataclass(frozen=True)
class Rollup:
    """A company's usage on disk.

    Parameters
    ----------
    folder : Path
    parts : tuple of Part
    facts : Facts
    events : tuple of str
        In the order of their bits.
    kinds : dict of str to EventSettings
    digest : str
        Of all that was read.
    """

    folder: Path
    parts: tuple[Part, ...]
    facts: Facts
    events: tuple[str, ...]
    kinds: dict[str, EventSettings]
    digest: str

    @property
    def columns(self) -> list[str]:
        """The columns beside ``user_no``, ``day`` and ``lag``."""
        return self.facts.columns(self.events)

    @property
    def late(self) -> bool:
        """Whether any row was known later than its own day."""
        return any(part.late for part in self.parts)

    @property
    def first_day(self) -> int | None:
        """The first day with any usage, since 1970-01-01; None without any."""
        return min((part.first_day for part in self.parts if part.rows), default=None)

    @property
    def last_day(self) -> int | None:
        """The last day with any usage, since 1970-01-01; None without any."""
        return max((part.last_day for part in self.parts if part.rows), default=None)

    @property
    def dated(self) -> str:
        """Query of all rows with their account, user and dates, also those after the data's end."""
        return f"""SELECT account_id, user_id, {EPOCH} + day AS day,
               {EPOCH} + (day + lag) AS known_day, rolled.* EXCLUDE (user_no, day, lag)
        FROM {self.relation()} AS rolled JOIN usage_user USING (user_no)"""

    @property
    def rows(self) -> str:
        """Query of all usage by account, user and day, also what is dated after the data's end."""
        columns = "account_id, user_id, day, known_day, CAST(events AS DOUBLE) AS events"
        return f"SELECT {columns} FROM ({self.dated})"

    def last_day_until(self, connection: duckdb.DuckDBPyConnection, day: date) -> date | None:
        """The last day with usage that is not after this one; None without any."""
        row = connection.execute(
            f"SELECT max({EPOCH} + day) FROM {self.totals} WHERE {EPOCH} + day <= $1", [day]
        ).fetchone()
        return row[0] if row else None

    def rows_a_user(self, connection: duckdb.DuckDBPyConnection) -> float:
        """How many rows a user has on average."""
        row = connection.execute("SELECT count(*) FROM usage_user").fetchone()
        return sum(part.rows for part in self.parts) / max(row[0] if row else 0, 1)

    def relation(self, first_day: int | None = None) -> str:
        """The SQL of all parts, or of those that reach a day or a later one."""
        reached = [p for p in self.parts if first_day is None or p.last_day >= first_day]
        reached = reached or list(self.parts[:1])
        files = [self.folder / part.name / "day.parquet" for part in reached]
        listed = ", ".join(f"{quoted(str(file))}" for file in files)
        rows = f"read_parquet([{listed}], union_by_name = true)"
        there = {name for part in reached for name in part.columns}
        absent = [name for name in self.columns if name not in there]
        if not absent:
            return rows
        nothing = "".join(f", NULL::BIGINT AS {name}" for name in absent)
        return f"(SELECT *{nothing} FROM {rows})"

    @property
    def spans(self) -> str:
        """The SQL of the first and last day of each user, once per part."""
        return self._summary("span.parquet")

    @property
    def totals(self) -> str:
        """The SQL of the events by day and lag, once per part."""
        return self._summary("total.parquet")

    def _summary(self, name: str) -> str:
        files = [quoted(str(self.folder / part.name / name)) for part in self.parts]
        return f"read_parquet([{', '.join(files)}])"

    def column_of(self, name: str) -> str:
        """The column of a sum by the name that primitives know it by."""
        return self.facts.columns_of_sums.get(name, name)

    def numbers(self, chosen: Callable[[str, EventSettings], bool]) -> list[int]:
        """The numbers of some events, chosen by name and kind."""
        kinds = ((event, self.kinds.get(event, EventSettings())) for event in self.events)
        return [number for number, (event, kind) in enumerate(kinds) if chosen(event, kind)]

    def did(self, numbers: Iterable[int]) -> str:
        """The SQL condition that a row has any of these events."""
        masks = masks_of(numbers)
        tests = [f"coalesce({name}, 0) & {mask} <> 0" for name, mask in masks.items()]
        return f"({' OR '.join(tests)})" if tests else "FALSE"


def masks_of(numbers: Iterable[int]) -> dict[str, int]:
    """The bits of some events, by the column that holds them."""
    masks: dict[str, int] = {}
    for number in numbers:
        word, bit = divmod(number, EVENTS_PER_WORD)
        masks[f"events_{word}"] = masks.get(f"events_{word}", 0) | 1 << bit
    return masks


def create_views(
    connection: duckdb.DuckDBPyConnection,
    rollup: Rollup,
    end: date,
    *,
    watched: tuple[str, ...] | None,
) -> None:
    """Create ``usage_day``, ``usage_total``, ``active_day`` and ``event_kind``.

    ``usage_day``: usage by account, user and day with ``known_day``; keys may repeat. What the
    rollup does not hold is null. ``usage_total``: events by day, of whomever.
    ``active_day``: the days on which a known account did anything,
    or one of the watched events.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds ``usage_user`` and ``accounts``.
    rollup : Rollup
    end : date
        Exclusive: what was known on or after it is in neither.
    watched : tuple of str or None
        Events; None for all.
    """
    sums = {name: rollup.column_of(name) for name in rollup.facts.sums}
    reports = rollup.did(rollup.numbers(lambda _, kind: kind.report))
    seconds = "milliseconds / 1000" if rollup.facts.seconds else "NULL::DOUBLE"
    connection.execute(
        f"""CREATE OR REPLACE VIEW usage_day AS
        SELECT account_id, user_id, day, known_day, CAST(events AS DOUBLE) AS events,
               {seconds} AS seconds,
               CAST({sums.get("value_actions", "NULL")} AS DOUBLE) AS value_actions,
               CAST({sums.get("views", "NULL")} AS DOUBLE) AS views,
               {reports if words(rollup.columns) else "FALSE"} AS reports
        FROM ({rollup.dated}) WHERE known_day < DATE '{end}'"""
    )
    connection.execute(
        f"""CREATE OR REPLACE VIEW usage_total AS
        SELECT {EPOCH} + day AS day, events FROM {rollup.totals}
        WHERE {EPOCH} + (day + lag) < DATE '{end}'"""
    )
    chosen = "TRUE"
    if watched is not None:
        chosen = rollup.did(rollup.numbers(lambda event, _: event in watched))
    connection.execute(
        f"""CREATE OR REPLACE VIEW active_day AS
        SELECT account_id, day, min(known_day) AS known_day FROM ({rollup.dated})
        WHERE known_day < DATE '{end}' AND {chosen}
          AND account_id IN (SELECT account_id FROM accounts)
        GROUP BY account_id, day"""
    )
    connection.execute("CREATE OR REPLACE TABLE event_kind (event VARCHAR)")
    if rollup.events:
        connection.executemany("INSERT INTO event_kind VALUES (?)", [(e,) for e in rollup.events])
