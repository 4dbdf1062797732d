"""The served snapshot as a table: for people who open it, or for a CRM that takes it over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from features.errors import InputError, Problem
from models.account_score import AccountScore, Driver
from models.alert import open_rules
from models.cell import harmless_text
from models.snapshot import SnapshotHeader
from models.snapshot_diff import POINT, Trace, compare_snapshots, lost_external_ids, top_driver
from models.store import SnapshotStore

Kind = Literal["text", "number", "whole", "date"]
Audience = Literal["people", "crm"]
Value = str | float | int | date | None
DRIVERS = 5  # columns; a score run keeps no more
PAGE = 1000  # accounts read at once

_PEOPLE: tuple[tuple[Kind, str], ...] = (
    ("whole", "rank"),
    ("text", "account_id external_id name parent_id segment account_tier region owner"),
    ("text", "state risk_tier"),
    ("number", "loss_probability loss_probability_low loss_probability_high"),
    ("text", "basis abstained"),
    ("number", "health_score"),
    ("text", "currency"),
    ("number", "arr arr_to_decide arr_at_risk arr_under_notice"),
    ("text", "contract_id"),
    ("date", "decision_date renewal_date"),
)
_CRM: tuple[tuple[Kind, str], ...] = (
    ("text", "state risk_tier"),
    ("number", "loss_probability loss_probability_low loss_probability_high"),
    ("number", "churn_probability renewal_likelihood"),
    ("text", "basis abstained"),
    ("number", "health_score"),
    ("text", "currency"),
    ("number", "arr arr_to_decide arr_at_risk arr_under_notice"),
    ("text", "contract_id"),
    ("date", "decision_date renewal_date"),
)


@dataclass(frozen=True)
class Column:
    """One column of an export, and how an account fills it."""

    name: str
    kind: Kind
    read: Callable[[AccountScore], Value]


@dataclass
class Export:
    """A table that is read while it is written; its counts are known once it was.

    Parameters
    ----------
    header : SnapshotHeader
        The snapshot that it shows.
    audience : str
        ``people`` or ``crm``.
    columns : tuple of (str, str)
        Name and kind of each column.
    rows : iterator of list
        One per account, a value for each column.
    accounts, gone, without_external_id : int
        Accounts written; external ids emptied since `changed_since`; accounts left out for a CRM,
        since they have no id there.
    """

    header: SnapshotHeader
    audience: Audience
    changed_since: str | None = None
    columns: tuple[tuple[str, Kind], ...] = ()
    rows: Iterator[list[Value]] = field(default_factory=lambda: iter(()))
    accounts: int = 0
    gone: int = 0
    without_external_id: int = 0

    def to_json(self) -> dict[str, object]:
        """What ``keepwell export --json`` prints beside the file."""
        return {
            "company": self.header.company,
            "snapshot_id": self.header.snapshot_id,
            "as_of": self.header.as_of and self.header.as_of.isoformat(),
            "for": self.audience,
            "changed_since": self.changed_since,
            "accounts": self.accounts,
            "gone": self.gone,
            "without_external_id": self.without_external_id,
        }


def export_people(store: SnapshotStore, header: SnapshotHeader) -> Export:
    """All accounts in ranking order, drivers in words; no text in it can run in a spreadsheet."""
    columns = (*_fields(_PEOPLE), WARNINGS, *_driver_columns(describe_driver))
    export = Export(header, "people", columns=tuple((one.name, one.kind) for one in columns))

    def rows() -> Iterator[list[Value]]:
        for score in _read_scores(store, header):
            export.accounts += 1
            yield [_harmless(column.read(score)) for column in columns]

    export.rows = rows()
    return export


def export_crm(
    store: SnapshotStore,
    header: SnapshotHeader,
    *,
    changed_since: str | None = None,
    points: float = POINT,
) -> Export:
    """A row per external id, values untouched.

    Parameters
    ----------
    store : SnapshotStore
    header : SnapshotHeader
        The snapshot to export.
    changed_since : str or None
        An earlier snapshot: only accounts that changed since, see `has_changed`, and those that are
        gone, with nothing but their ids. None: all accounts.
    points : float
        Share 0-1 from which a probability has changed.

    Raises
    ------
    InputError
        The earlier snapshot is not there (any more), or of another company.
    """
    columns = (*_fields(_CRM), WARNINGS, Column("top_driver", "text", top_driver))
    columns = (*columns, *_driver_columns(lambda driver: driver.text))
    ids: tuple[tuple[str, Kind], ...] = (
        ("external_id", "text"), ("account_id", "text"), ("snapshot_id", "text"), ("as_of", "date")
    )  # fmt: skip
    shown = tuple((one.name, one.kind) for one in columns)
    export = Export(header, "crm", changed_since=changed_since, columns=(*ids, *shown))
    wanted: frozenset[str] | None = None
    gone: tuple[Trace, ...] = ()
    if changed_since is not None:
        wanted, gone = _changed(store, header, changed_since, points)
    published: list[Value] = [header.snapshot_id, header.as_of]

    def rows() -> Iterator[list[Value]]:
        for score in _read_scores(store, header):
            if wanted is not None and score.account_id not in wanted:
                continue
            if score.external_id is None:
                export.without_external_id += 1
                continue
            export.accounts += 1
            values = [column.read(score) for column in columns]
            yield [score.external_id, score.account_id, *published, *values]
        for trace in gone:
            export.gone += 1
            empty: list[Value] = [None] * len(columns)
            yield [trace.external_id, trace.account_id, *published, *empty]

    export.rows = rows()
    return export


def list_warnings(score: AccountScore) -> str | None:
    """The rules of the warnings that stand, as CRMs write several values; None without one."""
    return ";".join(open_rules(score.alerts)) or None


WARNINGS = Column("warnings", "text", list_warnings)


def describe_driver(driver: Driver) -> str:
    """A driver as people read it: what it is, and what it does to the risk."""
    by = "" if driver.points is None else f" by {abs(driver.points) * 100:.1f} points"
    return f"{driver.text} ({driver.direction} the risk{by})"


def served_snapshot(store: SnapshotStore, company: str | None) -> SnapshotHeader:
    """The snapshot that is served, which must be of the company where one is given.

    Raises
    ------
    InputError
        There is none, or it is another company's.
    """
    header = store.current()
    if header is None:
        rule, remedy = "no snapshot has been published", "run keepwell score first"
        raise InputError([Problem("export", "", rule, remedy=remedy)])
    if company is not None and header.company != company:
        rule = f"the snapshot that is served is of {header.company}, not of {company}"
        remedy = "score that company, or name its KEEPWELL_HOME or KEEPWELL_STORE"
        raise InputError([Problem("export", "", rule, remedy=remedy)])
    return header


def _changed(
    store: SnapshotStore, header: SnapshotHeader, since: str, points: float
) -> tuple[frozenset[str], tuple[Trace, ...]]:
    """Ids of the accounts to tell again, and the accounts whose external id is no more."""
    earlier = store.header(since)
    before, after = store.traces(since), store.traces(header.snapshot_id)
    if earlier is None or before is None:
        rule = f"there is no snapshot {since} (any more)"
    elif earlier.company != header.company:
        rule = f"snapshot {since} is of {earlier.company}, not of {header.company}"
    elif after is None:
        raise _removed(header)
    else:
        found = compare_snapshots(before, after, points=points)
        return frozenset((*found.changed, *found.new)), lost_external_ids(before, after)
    remedy = "leave it out and take over all accounts once"
    raise InputError([Problem("export", "changed_since", rule, remedy=remedy)])


def _read_scores(store: SnapshotStore, header: SnapshotHeader) -> Iterator[AccountScore]:
    """All accounts in ranking order; never a part of them."""
    read = 0
    while page := store.ranking(header.snapshot_id, limit=PAGE, after=read):
        yield from page
        read += len(page)
    if read < header.accounts:
        raise _removed(header)


def _removed(header: SnapshotHeader) -> InputError:
    rule = f"snapshot {header.snapshot_id} was removed while it was read"
    return InputError([Problem("export", "", rule, remedy="export again")])


def _fields(groups: tuple[tuple[Kind, str], ...]) -> tuple[Column, ...]:
    return tuple(
        Column(name, kind, _attribute(name)) for kind, names in groups for name in names.split()
    )


def _attribute(name: str) -> Callable[[AccountScore], Value]:
    def read(score: AccountScore) -> Value:
        value: Value = getattr(score, name)
        return value

    return read


def _driver_columns(words: Callable[[Driver], str]) -> tuple[Column, ...]:
    def place(index: int) -> Callable[[AccountScore], Value]:
        return lambda score: words(score.drivers[index]) if index < len(score.drivers) else None

    return tuple(Column(f"driver_{n + 1}", "text", place(n)) for n in range(DRIVERS))


def _harmless(value: Value) -> Value:
    return harmless_text(value) if isinstance(value, str) else value
