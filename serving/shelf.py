"""A snapshot held in memory: found by id, selected, counted and summed without the database."""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from importlib.metadata import version
from threading import Lock
from typing import Generic, TypeVar

from features.salesforce import other_form
from models.account_score import Basis, Tier
from models.row_filter import RowFilter
from models.snapshot import (
    STALE_AFTER_DAYS,
    Countable,
    SnapshotHeader,
    Totals,
    count_states,
    total_money,
)
from serving.entry import Entry, Outline
from serving.rendering import render_snapshot
from serving.selection import Selection

VERSION = version("keepwell")  # another one may render the same snapshot otherwise
DAY_S = 86_400
KEPT = 32  # selections and totals of a snapshot that are remembered, each
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Counts and money of the accounts that a caller may see."""

    accounts: int
    states: dict[str, int]
    risk_tiers: dict[Tier, int]
    totals: Totals


@dataclass(frozen=True, slots=True)
class Family:
    """Accounts under one parent.

    Parameters
    ----------
    parent_id : str
        The parent's id; of an account without one its own.
    account_id : str or None
        The same where it is an account's among the members; None where no member is the parent.
    members : int
    arr : float or None
        Sum of what is known; None when nothing is.
    arr_at_risk : dict of str to float
        By basis, for those that occur: they span different times.
    high_tier : int
        Members in the high tier.
    """

    parent_id: str
    account_id: str | None
    members: int
    arr: float | None
    arr_at_risk: dict[Basis, float]
    high_tier: int


class Shelf(ABC):
    """One snapshot, and what of it is rendered once.

    Parameters
    ----------
    header : SnapshotHeader
        Of the snapshot.

    Attributes
    ----------
    held : bool
        Whether the accounts are in memory; otherwise every question blocks on the store.
    fresh_json, stale_json : bytes
        The fields of `SnapshotAnswer`, as long as the snapshot is fresh and when it is stale.
    fresh_tail, stale_tail : bytes
        How an account's answer ends.
    as_of_s : float
        The as-of date, in seconds since 1970.
    fresh_s : float
        Seconds from then until the snapshot is stale, as the configuration of its run allows.
    """

    held: bool

    def __init__(self, header: SnapshotHeader) -> None:
        self.header = header
        self.snapshot_id = header.snapshot_id
        # Of a table without dates nobody knows the day: it ages from when it was published.
        moment = datetime.combine(header.as_of, time(), UTC) if header.as_of else header.created_at
        self.as_of_s = moment.timestamp()
        days = header.stale_after_days
        self.fresh_s = (STALE_AFTER_DAYS if days is None else days) * DAY_S
        self.fresh_json, self.stale_json = render_snapshot(header)
        self.fresh_tail = b"," + self.fresh_json + b"}"
        self.stale_tail = b"," + self.stale_json + b"}"
        self.etags: dict[tuple[str | None, bool, bool], bytes] = {}  # of lookups, see `tag`

    def tag(self, key_id: str | None, people: bool, stale: bool) -> str:
        """What changes whenever the answer about an account does, for one caller.

        Parameters
        ----------
        key_id : str or None
            Of the caller, which stands for its row filter: that is made with the key and never
            changes. The filter itself would let who holds the key try out what is in it.
        people : bool
            Whether the caller may read names of people.
        stale : bool
            Whether the snapshot is.
        """
        made_of = (VERSION, self.snapshot_id, key_id, people, stale)
        return hashlib.blake2b(repr(made_of).encode(), digest_size=12).hexdigest()

    @abstractmethod
    def find(self, account_id: str) -> Entry | None:
        """An account by its id."""

    @abstractmethod
    def find_external(self, external_id: str) -> Entry | None:
        """An account by its id in the CRM, Salesforce's in either form."""

    @abstractmethod
    def find_many(self, ids: Sequence[str], *, external: bool) -> list[Entry | None]:
        """Accounts by either id, in the order asked for."""

    @abstractmethod
    def page(
        self, selection: Selection, allowed: RowFilter, *, start: int, limit: int
    ) -> Sequence[Entry]:
        """A part of the accounts that a caller asks for and may see, from 0."""

    @abstractmethod
    def outlines(self, selection: Selection, allowed: RowFilter) -> Iterable[Outline]:
        """All of them, in the same order."""

    @abstractmethod
    def portfolio(self, allowed: RowFilter) -> Portfolio:
        """Counts and totals of the accounts that a caller may see."""

    @abstractmethod
    def families(self, selection: Selection, allowed: RowFilter) -> list[Family]:
        """The accounts that a caller asks for and may see, by parent: highest ARR at risk first."""


class HeldShelf(Shelf):
    """A snapshot with all its accounts in memory.

    Parameters
    ----------
    header : SnapshotHeader
        Of the snapshot.
    entries : sequence of Entry
        In ranking order.
    """

    held = True

    def __init__(self, header: SnapshotHeader, entries: Sequence[Entry]) -> None:
        super().__init__(header)
        self.entries = tuple(entries)
        self.by_account = {entry.account_id: entry for entry in self.entries}
        self.by_external = _by_external(self.entries)
        self._selected: Memory[tuple[Entry, ...]] = Memory()
        self._portfolios: Memory[Portfolio] = Memory()

    def find(self, account_id: str) -> Entry | None:
        """See `Shelf`."""
        return self.by_account.get(account_id)

    def find_external(self, external_id: str) -> Entry | None:
        """See `Shelf`."""
        found = self.by_external.get(external_id)
        if found is None and (other := other_form(external_id)):
            found = self.by_external.get(other)
        return found

    def find_many(self, ids: Sequence[str], *, external: bool) -> list[Entry | None]:
        """See `Shelf`."""
        find = self.find_external if external else self.find
        return [find(one) for one in ids]

    def page(
        self, selection: Selection, allowed: RowFilter, *, start: int, limit: int
    ) -> Sequence[Entry]:
        """See `Shelf`."""
        return self.outlines(selection, allowed)[start : start + limit]

    def outlines(self, selection: Selection, allowed: RowFilter) -> tuple[Entry, ...]:
        """See `Shelf`; found once for the same question."""

        def find() -> tuple[Entry, ...]:
            chosen = [one for one in self.entries if allowed.admits(one) and selection.admits(one)]
            return tuple(selection.order(chosen))

        return self._selected.get((selection.fingerprint, allowed.fingerprint), find)

    def portfolio(self, allowed: RowFilter) -> Portfolio:
        """See `Shelf`."""
        return self._portfolios.get(
            allowed.fingerprint,
            lambda: sum_up([one for one in self.entries if allowed.admits(one)]),
        )

    def families(self, selection: Selection, allowed: RowFilter) -> list[Family]:
        """See `Shelf`."""
        return group_families(self.outlines(selection, allowed))


class Memory(Generic[Found]):
    """What was found lately, by what was asked; for several threads."""

    def __init__(self) -> None:
        self._found: OrderedDict[Hashable, Found] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """What is remembered, or is found now; two who ask at once may both find it."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        found = find()
        self.put(key, found)
        return found

    def peek(self, key: Hashable) -> Found | None:
        """What is remembered, or None."""
        with self._lock:
            return self._found.get(key)

    def put(self, key: Hashable, found: Found) -> None:
        """Remember it, and forget what was not asked for longest."""
        with self._lock:
            self._found[key] = found
            self._found.move_to_end(key)
            if len(self._found) > KEPT:
                self._found.popitem(last=False)


def sum_up(accounts: Sequence[Countable]) -> Portfolio:
    """Counts and totals of some accounts."""
    tiers: dict[Tier, int] = {"high": 0, "medium": 0, "low": 0}
    for account in accounts:
        if account.risk_tier is not None:
            tiers[account.risk_tier] += 1
    return Portfolio(len(accounts), count_states(accounts), tiers, total_money(accounts))


def group_families(accounts: Iterable[Outline]) -> list[Family]:
    """Accounts by parent, ranked by their summed ARR at risk, null last, then by parent id.

    An account without a parent is the head of a family: those that name it as theirs join it.
    """
    members: dict[str, list[Outline]] = {}
    for account in accounts:
        members.setdefault(account.parent_id or account.account_id, []).append(account)
    families = [_family(parent, found) for parent, found in members.items()]
    return sorted(families, key=_family_key)


def _family(parent_id: str, members: list[Outline]) -> Family:
    amounts = [one.arr for one in members if one.arr is not None]
    by_basis: dict[Basis, list[float]] = {}
    for one in members:
        if one.basis is not None and one.arr_at_risk is not None:
            by_basis.setdefault(one.basis, []).append(one.arr_at_risk)
    return Family(
        parent_id,
        parent_id if any(one.account_id == parent_id for one in members) else None,
        len(members),
        math.fsum(amounts) if amounts else None,
        {basis: math.fsum(by_basis[basis]) for basis in sorted(by_basis)},
        sum(one.risk_tier == "high" for one in members),
    )


def _family_key(family: Family) -> tuple[bool, float, str]:
    return (
        not family.arr_at_risk,
        -math.fsum(family.arr_at_risk.values()),
        family.parent_id,
    )


def _by_external(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Accounts by external id; one that two accounts share finds neither of them."""
    found: dict[str, Entry] = {}
    shared = set()
    for entry in entries:
        external_id = entry.external_id
        if external_id is None:
            continue
        if external_id in found or external_id in shared:
            shared.add(external_id)
            found.pop(external_id, None)
        else:
            found[external_id] = entry
    return found
