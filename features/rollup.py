"""Rollups: usage by user and day, the only form in which it is kept.

One pass over the rows groups them by what the query returned; ``part.py`` writes them. A rollup
holds the facts that the company's features and boards read and no more: sums (``events``,
``milliseconds``, ``sessions``, one ``sum_<n>`` for value actions, views, each module and the views
in it, one ``time_<n>`` for the whole seconds in each module) and in ``events_<n>`` one bit for each
event that the user did on that day. ``lag`` says how many days later the rows were known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from features.errors import InputError, Problem
from features.packing import Packing
from features.settings import EventSettings

_WHOLE_TYPES = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
)
EVENTS_PER_WORD = 63
_MOST_EVENTS = 504
# Three counts share a number as long as no user has 131,072 events in a day, and two times as long
# as none has 186 hours in a day, which are also those of all whom the rows do not name.
_COUNT_BITS, _TIME_BITS = 17, 26


@dataclass(frozen=True)
class Facts:
    """What a rollup holds besides the number of events.

    Parameters
    ----------
    seconds, sessions, kinds : bool
        Time online, sessions, and which events were done.
    sums : tuple of str
        Names of sums over kinds of events: ``value_actions``, ``views``, ``module:<name>``,
        ``views:<module>``.
    times : tuple of str
        Names of sums of seconds: ``time:<module>``.
    """

    seconds: bool = False
    sessions: bool = False
    kinds: bool = False
    sums: tuple[str, ...] = ()
    times: tuple[str, ...] = ()

    def columns(self, events: Sequence[str]) -> list[str]:
        """The rollup's columns for these events, beside ``user_no``, ``day`` and ``lag``."""
        words = -(-len(events) // EVENTS_PER_WORD) if self.kinds else 0
        return [
            "events",
            *(["milliseconds"] if self.seconds else []),
            *(["sessions"] if self.sessions else []),
            *self.columns_of_sums.values(),
            *(f"events_{number}" for number in range(words)),
        ]

    @property
    def columns_of_sums(self) -> dict[str, str]:
        """The columns of ``sums`` and ``times``, by name."""
        counts = {name: f"sum_{number}" for number, name in enumerate(self.sums)}
        return counts | {name: f"time_{number}" for number, name in enumerate(self.times)}


def words(columns: Sequence[str]) -> list[str]:
    """Those of a rollup's columns that hold bits of events, in the order of their numbers."""
    return [name for name in columns if name.startswith("events_")]


def counts_for(name: str, kind: EventSettings) -> bool:
    """Whether an event of this kind counts for the sum of this name."""
    if name == "value_actions":
        return kind.value_action
    if name == "views":
        return kind.view
    if name == f"views:{kind.module}":
        return kind.view
    return name in (f"module:{kind.module}", f"time:{kind.module}")


@dataclass(frozen=True)
class Names:
    """The events that a query returns.

    Parameters
    ----------
    typed : dict of str to str
        By how they came, as text, without the blanks about them.
    everywhere : bool
        Whether every row has one.
    """

    typed: dict[str, str]
    everywhere: bool


def read_events(connection: duckdb.DuckDBPyConnection, query: str) -> Names:
    """The events that a usage query returns.

    Raises
    ------
    InputError
        When there are more kinds of events than features can tell apart.
    """
    rows = connection.execute(
        "SELECT CAST(event AS VARCHAR) AS came, NULLIF(TRIM(came), '') AS typed "
        f"FROM (SELECT DISTINCT event FROM ({query})) ORDER BY ALL"
    ).fetchall()
    found = {str(came): str(typed) for came, typed in rows if typed is not None}
    names = sorted(set(found.values()))
    if len(names) > _MOST_EVENTS:
        rule = f"must be one of a few hundred kinds of events, but there are {len(names):,}"
        remedy = "name the action in the query, not the page or the object it was done to"
        raise InputError([Problem("usage", "event", rule, len(names), tuple(names[:3]), remedy)])
    return Names(found, len(found) == len(rows))


def _number(column: str, raw_type: str, *, empty: str, condition: str) -> str:
    """A number as it came; ``empty`` where nothing came, NaN where it is no such number."""
    raw = f'query."{column}"'
    typed, missing = f"CAST({raw} AS DOUBLE)", f"{raw} IS NULL"
    if raw_type.upper() not in _WHOLE_TYPES:
        typed, missing = f"TRY_CAST({raw} AS DOUBLE)", f"{missing} OR CAST({raw} AS VARCHAR) = ''"
        condition = f"isfinite({typed}) AND {condition}"
    return (
        f"CASE WHEN {condition.format(typed=typed)} THEN {typed} "
        f"WHEN {missing} THEN {empty} ELSE 'NaN'::DOUBLE END"
    )


def _weight(types: Mapping[str, str]) -> str:
    """How many events a row stands for; not a number where what came is no count."""
    whole = types["count"].upper() in _WHOLE_TYPES
    condition = "{typed} >= 0" if whole else "{typed} >= 0 AND {typed} = floor({typed})"
    return _number("count", types["count"], empty="1", condition=condition)


# Days count from 1970-01-01.
USABLE = "account_id IS NOT NULL AND day >= 0 AND NOT isnan(events + milliseconds)"


def happened(types: Mapping[str, str]) -> str:
    """The SQL condition that a row tells of an event: a count of 0 says that nothing happened."""
    return f"{_weight(types)} <> 0" if "count" in types else "TRUE"


@dataclass(frozen=True)
class Pass:
    """One pass over usage rows: they are grouped into the temporary table ``pass``.

    Parameters
    ----------
    types : mapping of str to str
        The columns that the query returns, with their types.
    day : str
        SQL of a row's day over ``query``, dated by the last day that it covers.
    known : str
        SQL of the day on which a row was known; the same as ``day`` when the company does not say.
    facts : Facts
    events : sequence of str
        All events of the rollup in the order of their numbers.
    kinds : mapping of str to EventSettings
    """

    types: Mapping[str, str]
    day: str
    known: str
    facts: Facts
    events: Sequence[str]
    kinds: Mapping[str, EventSettings] = field(default_factory=dict)

    def run(self, connection: duckdb.DuckDBPyConnection, query: str, names: Names) -> bool:
        """Group the rows of a query; whether every one of them can be used.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
        query : str
        names : Names
            The events of this query.
        """

        def ask(sql: str) -> int:
            row = connection.execute(sql).fetchone()
            return int(row[0] or 0) if row else 0

        self._number_events(connection, names.typed)
        # Where every row has an event and no fact depends on which, the column need not be read.
        told_apart = bool(self._words or self.facts.sums) or not names.everywhere
        rows = f"({query}) AS query"
        if told_apart:
            rows += ' JOIN pass_event ON came = CAST(query."event" AS VARCHAR)'
        all_rows = ask(f"SELECT count(*) FROM ({query}) AS query WHERE {happened(self.types)}")
        self._group(connection, rows, packed=True, sound=False)
        whole = ask(f"SELECT coalesce(sum(rows), 0) FROM pass WHERE {USABLE}") == all_rows
        if not whole:  # one number that is none has spoilt the sums of its user's day
            self._group(connection, rows, packed=True, sound=True)
        too_much = f"events > {self._counts.most}"
        if self.facts.times:  # each event's time may have been rounded up
            time = f"milliseconds * {self._parts} / 1000 + events"
            too_much += f" OR {time} > {self._times.most}"
        if self.facts.sums and ask(f"SELECT bool_or({too_much}) FROM pass WHERE {USABLE}"):
            self._group(connection, rows, packed=False, sound=not whole)
        return whole

    def _group(
        self, connection: duckdb.DuckDBPyConnection, rows: str, *, packed: bool, sound: bool
    ) -> None:
        connection.execute(self._grouping(rows, packed=packed, sound=sound))
        self._clean_ids(connection)

    @property
    def _words(self) -> list[str]:
        return words(self.facts.columns(self.events))

    @property
    def _counts(self) -> Packing:
        return Packing("pack", self._columns_of(self.facts.sums), _COUNT_BITS)

    @property
    def _times(self) -> Packing:
        return Packing("time_pack", self._columns_of(self.facts.times), _TIME_BITS)

    @property
    def _parts(self) -> int:
        """The parts of a second in which times are added up: hundredths unless all are whole."""
        return 1 if self.types["duration_s"].upper() in _WHOLE_TYPES else 100

    def _columns_of(self, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(self.facts.columns_of_sums[name] for name in names)

    def _clean_ids(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Create ``pass_id``: the ids as they came in ``pass``, and without blanks about them."""
        connection.execute(
            """CREATE OR REPLACE TEMP TABLE pass_id AS
            SELECT account_id AS came_account, user_id AS came_user,
                   NULLIF(TRIM(account_id), '') AS account_id, NULLIF(TRIM(user_id), '') AS user_id
            FROM (SELECT DISTINCT account_id, user_id FROM pass)"""
        )
        connection.execute(
            "UPDATE pass SET account_id = NULL WHERE account_id IN "
            "(SELECT came_account FROM pass_id WHERE account_id IS NULL)"
        )

    def _number_events(
        self, connection: duckdb.DuckDBPyConnection, came: Mapping[str, str]
    ) -> None:
        """Create ``pass_event``: for each event its bit, and what it adds to each sum."""
        columns = [*(f"{name} BIGINT" for name in self._words)]
        columns += [f"{name} DOUBLE" for name in [*self._counts.columns, *self._times.columns]]
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE pass_event (came VARCHAR, {', '.join(columns)})"
            if columns
            else "CREATE OR REPLACE TEMP TABLE pass_event (came VARCHAR)"
        )
        number = {event: position for position, event in enumerate(self.events)}
        rows = [
            (text, *self._bits(number[event]), *self._adds(event)) for text, event in came.items()
        ]
        if rows:
            marks = ", ".join("?" for _ in rows[0])
            connection.executemany(f"INSERT INTO pass_event VALUES ({marks})", rows)

    def _bits(self, number: int) -> list[int]:
        word, bit = divmod(number, EVENTS_PER_WORD)
        return [1 << bit if at == word else 0 for at in range(len(self._words))]

    def _adds(self, event: str) -> list[float]:
        kind = self.kinds.get(event, EventSettings())
        return [
            weight
            for packing, names in ((self._counts, self.facts.sums), (self._times, self.facts.times))
            for weight in packing.weights([counts_for(name, kind) for name in names])
        ]

    def _grouping(self, rows: str, *, packed: bool, sound: bool) -> str:
        """The statement that groups: by ids as they came, so that each is cleaned only once.

        ``sound`` leaves rows out whose numbers are none.
        """
        counts, times = (
            list(packing.packs if packed else packing.sums)
            for packing in (self._counts, self._times)
        )
        weighed = "count" in self.types
        adds = {name: f"sum({name}{' * n' if weighed else ''})" for name in counts}
        adds |= {name: f"sum({name} * {self._time})" for name in times}
        adds |= {name: f"bit_or({name})" for name in self._words}
        adds["events"] = "sum(n)" if weighed else "CAST(count(*) AS DOUBLE)"
        adds["milliseconds"] = "coalesce(sum(ms), 0)" if self.facts.seconds else "0::DOUBLE"
        adds["rows"] = "count(*)"
        user = 'query."user_id"' if "user_id" in self.types else "NULL::VARCHAR"
        keys = {
            "account_id": 'query."account_id"', "user_id": user, "day": self.day,
            **({"known": self.known} if self.known != self.day else {}),
        }  # fmt: skip
        session = {"session_id": 'query."session_id"'} if self.facts.sessions else {}
        number = {"n": _weight(self.types)} if weighed else {}
        number |= {"ms": self._milliseconds} if self.facts.seconds else {}
        only = f" WHERE NOT isnan({' + '.join(number)})" if sound and number else ""
        grouped = f"""SELECT {", ".join([*keys, *session])}, {_listed(adds)} FROM (
            SELECT {_listed(keys | session | number)}
                   {"".join(f", {name}" for name in [*counts, *times, *self._words])}
            FROM {rows} WHERE {happened(self.types)}){only} GROUP BY ALL"""
        if self.facts.sessions:
            again = {
                name: f"bit_or({name})" if name in self._words else f"sum({name})" for name in adds
            }
            # A session counts once a day, also when some of its rows became known later.
            first = "known" not in keys or (
                "row_number() OVER (PARTITION BY account_id, user_id, day, session_id "
                "ORDER BY known) = 1"
            )
            grouped = (
                f"SELECT {', '.join(keys)}, "
                f"count(session_id) FILTER (WHERE begun) AS sessions, {_listed(again)} "
                f"FROM (SELECT *, {first} AS begun FROM ({grouped})) GROUP BY ALL"
            )
        there = [*(["sessions"] if self.facts.sessions else []), *adds]
        lag = "greatest(date_diff('day', day, known), 0)" if "known" in keys else "0"
        columns = {
            "account_id": "CAST(account_id AS VARCHAR)",
            "user_id": "CAST(user_id AS VARCHAR)",
            "day": "date_diff('day', DATE '1970-01-01', day)",
            "lag": f"CAST(least({lag}, 32767) AS SMALLINT)",
            **self._unpacked(there, packed=packed),
        }
        return f"CREATE OR REPLACE TEMP TABLE pass AS SELECT {_listed(columns)} FROM ({grouped})"

    def _unpacked(self, there: Sequence[str], *, packed: bool) -> dict[str, str]:
        """The SQL of all that was added up: each sum by itself, and times in whole seconds."""
        found = {name: name for name in there}
        if packed:
            packs = self._counts.packs.keys() | self._times.packs.keys()
            found = {name: sql for name, sql in found.items() if name not in packs}
            found |= self._counts.unpacked | self._times.unpacked
        for name in self._times.sums:
            found[name] = self._whole_seconds(found[name])
        return found

    def _whole_seconds(self, time: str) -> str:
        parts = self._parts
        return time if parts == 1 else f"({time} + {parts // 2}) // {parts}"

    @property
    def _milliseconds(self) -> str:
        raw_type = self.types["duration_s"]
        number = _number("duration_s", raw_type, empty="0", condition="{typed} >= 0")
        return f"1000 * {number}" if raw_type.upper() in _WHOLE_TYPES else f"round(1000 * {number})"

    @property
    def _time(self) -> str:
        return "ms / 1000" if self._parts == 1 else f"round(ms * {self._parts} / 1000)"


def _listed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
