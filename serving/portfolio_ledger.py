"""What the pages read of the store beside the served accounts, remembered while it is asked for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import select

from features.phrase import DOCUMENT as PHRASES
from models.account_score import AccountScore, Basis, Tier
from models.growth import GrowthReason
from models.page_reader import PageReader
from models.playbook_record import Warned
from models.row_filter import RowFilter
from models.score_change import Voice
from models.snapshot import SnapshotHeader
from models.snapshot_reader import SCORE, Past, SnapshotReader
from models.store_row import read_growth
from models.store_table import ACCOUNT_SCORE
from serving.page_language import Language
from serving.page_phrase import Phrasebook
from serving.portfolio_work import read_warned
from serving.rendering import find_before, share_text
from serving.selection import Selection
from serving.shelf import Memory, Shelf

MOST_GROWING = 10
BREATH = 100  # accounts
SEEN = 5  # snapshots whose warnings are looked at, a month of weekly ones
TREND = 5  # snapshots of a sparkline, the served one among them


class Figure(NamedTuple):
    """What an earlier snapshot said of an account; fields as in `AccountScore`."""

    basis: Basis | None
    loss_probability: float | None
    risk_tier: Tier | None
    north_star: float | None = None


@dataclass(frozen=True, slots=True)
class Previous:
    """The snapshot before the served one.

    Parameters
    ----------
    header : SnapshotHeader
    voices : mapping of str to str
        By model, how the one that speaks now compares with the one that spoke then.
    figures : dict of str to Figure
        By account id, all of its accounts.
    """

    header: SnapshotHeader
    voices: Mapping[Basis, Voice]
    figures: dict[str, Figure]


class GrowingAccount(NamedTuple):
    """An account that is ready to grow, and why; fields as in `AccountScore`."""

    account_id: str
    name: str | None
    arr: float | None
    growth: tuple[GrowthReason, ...]


class Growing(NamedTuple):
    """How many accounts are ready to grow, and the first of them."""

    total: int
    accounts: tuple[GrowingAccount, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """Probabilities of some accounts in the last snapshots.

    Parameters
    ----------
    as_of : tuple of date or None
        Of the snapshots, the oldest first; the served one last.
    values : dict of str to list of float or None
        By account id, one for each snapshot.
    """

    as_of: tuple[date | None, ...]
    values: dict[str, list[float | None]]


@dataclass(frozen=True, slots=True)
class Warnings:
    """Warnings that people could have seen since a day, and that ask for an action.

    Parameters
    ----------
    since : date or None
        As-of date of the oldest snapshot that was looked at; None where there is none.
    found : tuple of Warned
        Those that came up on it or later.
    """

    since: date | None
    found: tuple[Warned, ...]


class Ledger:
    """Reads that block on the store, for the threads of `serving.shelves.Shelves`.

    Parameters
    ----------
    reader : SnapshotReader
    """

    def __init__(self, reader: SnapshotReader) -> None:
        self._reader = reader
        self._pages = PageReader(reader)
        self._previous: Memory[Previous | None] = Memory()
        self._headers: Memory[list[SnapshotHeader]] = Memory()
        self._documents: Memory[Any] = Memory()
        self._growing: Memory[Growing] = Memory()
        self._warned: Memory[Warnings] = Memory()

    def previous(self, header: SnapshotHeader) -> Previous | None:
        """The snapshot before, with what it said of all accounts; None when there is none."""
        return self._previous.get(header.snapshot_id, lambda: self._read_previous(header))

    def trend(self, header: SnapshotHeader, ids: Sequence[str]) -> Trend:
        """The probabilities of some accounts in the last snapshots, up to one."""
        headers = self._headers.get(header.snapshot_id, lambda: self._read_headers(header))
        places = {one.snapshot_id: place for place, one in enumerate(headers)}
        query = select(SCORE.snapshot_id, SCORE.account_id, SCORE.loss_probability).where(
            SCORE.snapshot_id.in_(places), SCORE.account_id.in_(ids)
        )
        values: dict[str, list[float | None]] = {one: [None] * len(headers) for one in ids}
        for row in self._reader.stream(query):
            values[row["account_id"]][places[row["snapshot_id"]]] = row["loss_probability"]
        return Trend(tuple(one.as_of for one in headers), values)

    def scores(self, snapshot_id: str, ids: Sequence[str]) -> dict[str, AccountScore]:
        """Whole accounts of a snapshot by id."""
        query = select(ACCOUNT_SCORE).where(
            SCORE.snapshot_id == snapshot_id, SCORE.account_id.in_(ids)
        )
        return {score.account_id: score for score in self._reader.selected(query)}

    def past(self, snapshot_id: str, ids: Sequence[str]) -> dict[str, Past]:
        """What an earlier snapshot said of some accounts, with its contributions."""
        return self._reader.past(snapshot_id, SCORE.account_id.in_(ids))

    def growing(self, shelf: Shelf, selection: Selection, allowed: RowFilter) -> Growing:
        """The accounts of a list that are ready to grow, largest ARR first."""
        key = (shelf.snapshot_id, selection.fingerprint, allowed.fingerprint)
        return self._growing.get(key, lambda: self._read_growing(shelf, selection, allowed))

    def warned(self, header: SnapshotHeader) -> Warnings:
        """The warnings of the last snapshots that people saw, of all accounts.

        Those made later for past dates count for nothing: nobody could have acted on them.
        """
        return self._warned.get(header.snapshot_id, lambda: self._read_warned(header))

    def document(self, snapshot_id: str, name: str) -> Any:  # Any: JSON
        """A document about the whole company; None when it was not published."""
        key = (snapshot_id, name)
        return self._documents.get(key, lambda: self._pages.document(snapshot_id, name))

    def phrases(self, header: SnapshotHeader, language: Language) -> Phrasebook:
        """What a snapshot's features are called and how they are told in a language."""
        document = self.document(header.snapshot_id, PHRASES)
        return Phrasebook(document, language, header.currency)

    def _read_previous(self, header: SnapshotHeader) -> Previous | None:
        earlier = self._reader.before(header)
        before = find_before(header, earlier)
        if earlier is None or before is None:
            return None
        columns = (SCORE.account_id, *(SCORE[name] for name in Figure._fields))
        query = select(*columns).where(SCORE.snapshot_id == earlier.snapshot_id)
        figures = {
            str(row["account_id"]): Figure(*(share_text(row[name]) for name in Figure._fields))
            for row in self._reader.stream(query)
        }
        return Previous(earlier, before.voices, figures)

    def _read_growing(self, shelf: Shelf, selection: Selection, allowed: RowFilter) -> Growing:
        query = (
            select(SCORE.account_id, SCORE.name, SCORE.arr, SCORE.growth)
            .where(
                SCORE.snapshot_id == shelf.snapshot_id,
                SCORE.growth.is_not(None),
                allowed.clause(ACCOUNT_SCORE),
                selection.clause(ACCOUNT_SCORE),
            )
            .order_by(SCORE.arr.is_(None), SCORE.arr.desc(), SCORE.rank)
        )
        found = [
            GrowingAccount(row["account_id"], row["name"], row["arr"], read_growth(row["growth"]))
            for row in self._reader.stream(query)
        ]
        return Growing(len(found), tuple(found[:MOST_GROWING]))

    def _read_warned(self, header: SnapshotHeader) -> Warnings:
        newest = self._reader.headers(header.company, limit=SEEN * 4)
        shown = [
            one for one in newest if one.snapshot_id <= header.snapshot_id and not one.backfilled
        ][:SEEN]
        days = [one.as_of for one in shown if one.as_of is not None]
        if not days:
            return Warnings(None, ())
        query = select(SCORE.account_id, SCORE.alerts).where(
            SCORE.snapshot_id.in_([one.snapshot_id for one in shown]), SCORE.alerts.is_not(None)
        )
        since = min(days)
        found: set[Warned] = set()
        for number, row in enumerate(self._reader.stream(query)):
            if number % BREATH == 0:
                time.sleep(0)  # lookups are answered meanwhile
            found.update(read_warned(row["account_id"], row["alerts"], since))
        return Warnings(since, tuple(found))

    def _read_headers(self, header: SnapshotHeader) -> list[SnapshotHeader]:
        """The last snapshots up to this one, the oldest first."""
        newest = self._reader.headers(header.company, limit=TREND * 4)
        known = [one for one in newest if one.snapshot_id <= header.snapshot_id]
        return known[:TREND][::-1]
