"""A snapshot read by request: one that is not served any more, or that is too large for memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, select

from features.errors import TransientError
from features.salesforce import other_form
from models.account_score import Basis, State, Tier
from models.row_filter import RowFilter
from models.snapshot import SnapshotHeader
from models.snapshot_reader import SCORE, SnapshotReader
from models.store_table import ACCOUNT_SCORE
from serving.entry import OUTLINE, Entry, Outline
from serving.rendering import find_before, render_entry, share_text
from serving.selection import Selection
from serving.shelf import Family, Portfolio, Shelf, group_families, sum_up

IDS = 500  # of one query; databases take some thousands


class RemovedError(TransientError):
    """A snapshot was removed while it was read; whoever asks again reads the one that is served."""


class StoredShelf(Shelf):
    """A snapshot whose accounts stay in the store.

    Parameters
    ----------
    header : SnapshotHeader
        Of the snapshot.
    reader : SnapshotReader
        Asked by every method.
    earlier : SnapshotHeader or None
        The snapshot before, for what changed since.
    """

    held = False

    def __init__(
        self,
        header: SnapshotHeader,
        reader: SnapshotReader,
        earlier: SnapshotHeader | None = None,
    ) -> None:
        super().__init__(header)
        self._reader = reader
        self._before = find_before(header, earlier)

    def find(self, account_id: str) -> Entry | None:
        """See `Shelf`."""
        return self.find_many([account_id], external=False)[0]

    def find_external(self, external_id: str) -> Entry | None:
        """See `Shelf`."""
        return self.find_many([external_id], external=True)[0]

    def find_many(self, ids: Sequence[str], *, external: bool) -> list[Entry | None]:
        """See `Shelf`."""
        asked = set(ids)
        if external:
            asked |= {other for one in ids if (other := other_form(one))}
        column = SCORE.external_id if external else SCORE.account_id
        wanted = sorted(asked)
        found: dict[str, list[Entry]] = {}
        for start in range(0, len(wanted), IDS):
            for entry in self._entries(column.in_(wanted[start : start + IDS])):
                name = entry.external_id if external else entry.account_id
                found.setdefault(name or "", []).append(entry)
        if len(found) < len(asked):
            self._check_kept()
        # An id that two accounts share finds neither of them.
        single = {name: entries[0] for name, entries in found.items() if len(entries) == 1}
        if not external:
            return [single.get(one) for one in ids]
        return [single.get(one) or single.get(other_form(one) or "") for one in ids]

    def page(
        self, selection: Selection, allowed: RowFilter, *, start: int, limit: int
    ) -> Sequence[Entry]:
        """See `Shelf`."""
        query = self._select(select(ACCOUNT_SCORE), selection, allowed)
        scores = self._reader.selected(query.limit(limit).offset(start))
        self._check_kept()
        return [render_entry(score, None, None) for score in scores]

    def outlines(self, selection: Selection, allowed: RowFilter) -> Iterator[Outline]:
        """See `Shelf`; read as they are taken."""
        columns = [SCORE[name] for name in OUTLINE]
        for row in self._reader.stream(self._select(select(*columns), selection, allowed)):
            yield Outline(*map(share_text, row.values()))
        self._check_kept()

    def portfolio(self, allowed: RowFilter) -> Portfolio:
        """See `Shelf`."""
        columns = [SCORE[name] for name in Counted._fields]
        query = self._select(select(*columns), Selection(), allowed)
        counted = [Counted(*map(share_text, row.values())) for row in self._reader.stream(query)]
        self._check_kept()
        return sum_up(counted)

    def families(self, selection: Selection, allowed: RowFilter) -> list[Family]:
        """See `Shelf`."""
        return group_families(self.outlines(selection, allowed))

    def _entries(self, where: ColumnElement[bool]) -> Iterator[Entry]:
        query = select(ACCOUNT_SCORE).where(SCORE.snapshot_id == self.snapshot_id, where)
        before = self._before
        past = {} if before is None else self._reader.past(before.snapshot_id, where)
        for score in self._reader.selected(query):
            yield render_entry(score, before, past.get(score.account_id))

    def _check_kept(self) -> None:
        """Raise where the snapshot was removed while it was read: what is missing says nothing.

        A list would else end early, and accounts would seem to be gone.

        Raises
        ------
        RemovedError
            The snapshot is not there any more.
        """
        if self._reader.store.header(self.snapshot_id) is None:
            raise RemovedError(f"snapshot {self.snapshot_id} was removed while it was read")

    def _select(self, query: Select[Any], selection: Selection, allowed: RowFilter) -> Select[Any]:
        return query.where(
            SCORE.snapshot_id == self.snapshot_id,
            allowed.clause(ACCOUNT_SCORE),
            selection.clause(ACCOUNT_SCORE),
        ).order_by(*selection.order_by(ACCOUNT_SCORE, self._reader.collation))


class Counted(NamedTuple):
    """What is counted and summed of an account; fields as in `AccountScore`."""

    state: State
    basis: Basis | None
    risk_tier: Tier | None
    arr: float | None
    arr_at_risk: float | None
    arr_under_notice: float | None
