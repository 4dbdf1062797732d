"""The snapshot that is served, and those that readers of a list still need."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from typing import TypeVar

from features.errors import InputError, TransientError
from models.account_score import AccountScore
from models.row_filter import RowFilter
from models.snapshot import SnapshotHeader
from models.snapshot_reader import SnapshotReader
from models.store import SnapshotStore
from models.track_reader import find_judged, read_track_record
from models.track_record import Acts, Maturity, TrackRecord
from serving.change import Changes, find_changes
from serving.entry import weigh
from serving.fault import log_failure
from serving.rendering import find_before, render_entry
from serving.selection import Selection
from serving.settings import Settings
from serving.shelf import DAY_S, HeldShelf, Memory, Shelf
from serving.stored_shelf import StoredShelf

logger = logging.getLogger(__name__)

MB = 1_000_000
SAMPLE = 200  # accounts from which the memory of all is told
READERS = 4  # threads that read the store; lookups in memory use none
BREATH = 20  # accounts after which a loading thread lets the event loop run
Found = TypeVar("Found")


class Shelves:
    """Keeps the current snapshot in memory, and looks whether there is a newer one.

    What requests see is swapped in one step when it is complete. While the store is away, the
    snapshot that was read last goes on being served.

    Parameters
    ----------
    settings : Settings
        How often to look, and how much memory accounts may take.
    store : SnapshotStore
        Read in threads of this object's own.

    Attributes
    ----------
    prepare : callable or None
        Called in a thread with each newer snapshot before it is served, so that the first who asks
        for what is made of all its accounts need not wait.
    """

    def __init__(self, settings: Settings, store: SnapshotStore) -> None:
        self.reader = SnapshotReader(store)
        self.store = store
        self.current: Shelf | None = None
        self.store_answers = True  # last time
        self.store_answered = True  # the time before
        self.prepare: Callable[[Shelf], None] | None = None
        self._memory = settings.memory_mb * MB
        self._stale_after_days = settings.stale_after_days
        self._refresh_s = settings.refresh_s
        self._pool = ThreadPoolExecutor(READERS, "store")
        self._changes: Memory[Changes] = Memory()
        self._judged: Memory[Maturity | None] = Memory()
        self._records: Memory[TrackRecord | None] = Memory()
        self._refreshing: asyncio.Task[None] | None = None

    async def get(self) -> Shelf | None:
        """The current snapshot; None when none was published.

        Raises
        ------
        InputError, TransientError
            The store cannot be read, and nothing was read before.
        """
        if self.current is None:
            await self.refresh()
        elif self._refresh_s == 0:
            with suppress(InputError, TransientError):
                await self.refresh()
        return self.current

    async def find(self, snapshot_id: str) -> Shelf | None:
        """A snapshot by its id; one that is not served any more is read by request.

        None when it is not there, or of another company than the current one.
        """
        current = await self.get()
        if current is None or current.snapshot_id == snapshot_id:
            return current
        header = await self.run(lambda: self.store.header(snapshot_id))
        if header is None or header.company != current.header.company:
            return None
        return StoredShelf(header, self.reader)

    async def changes(
        self,
        shelf: Shelf,
        since: str,
        selection: Selection,
        allowed: RowFilter,
        *,
        points: float,
    ) -> Changes | None:
        """What changed in a list since an earlier snapshot; None when that is not there any more.

        Parameters
        ----------
        shelf : Shelf
            The later snapshot.
        since : str
            Id of the earlier one.
        selection, allowed
            What the caller asks for and may see, in each snapshot by its own columns.
        points : float
            Share 0-1 from which a probability has changed.
        """
        earlier = await self.find(since)
        if earlier is None:
            return None

        def compare() -> Changes:
            before = earlier.outlines(selection, allowed)
            return find_changes(before, shelf.outlines(selection, allowed), points=points)

        key = (shelf.snapshot_id, since, selection.fingerprint, allowed.fingerprint, points)
        found = self._changes.peek(key)
        if found is None:
            found = await self.run(compare)
            self._changes.put(key, found)
        return found

    async def track_record(
        self, shelf: Shelf, allowed: RowFilter, read_acts: Callable[[date, date], Acts | None]
    ) -> TrackRecord | None:
        """What became of an earlier snapshot, over the accounts that a caller may see.

        None where it is too early. What is known changes with a publish alone, which moves the
        pointer; what people put down here is asked for each time.

        Parameters
        ----------
        shelf : Shelf
        allowed : RowFilter
        read_acts : callable
            What they put down between two days; None where that cannot be read. It may block.
        """
        company, until = shelf.header.company, shelf.header.data_end or date.max

        def find() -> TrackRecord | None:
            judged = self._judged.get(shelf.snapshot_id, lambda: find_judged(self.reader, company))
            if judged is None:
                return None
            acts = read_acts(judged.as_of, until)
            return self._records.get(
                (judged, allowed.fingerprint, acts),
                lambda: read_track_record(self.reader, judged, acts=acts, admits=allowed.admits),
            )

        return await self.run(find)

    def get_company(self) -> str | None:
        """Whose snapshot is served; None without one."""
        return self.current.header.company if self.current else None

    def is_stale(self, shelf: Shelf) -> bool:
        """Whether a snapshot is older than the settings allow, or else its configuration."""
        days = self._stale_after_days
        allowed_s = shelf.fresh_s if days is None else days * DAY_S
        return time.time() - shelf.as_of_s > allowed_s

    async def watch(self) -> None:
        """Look for a newer snapshot again and again, until cancelled."""
        while True:
            try:
                await self.refresh()
            except (InputError, TransientError) as fault:
                if self.store_answered:
                    logger.error("the snapshot store cannot be read: %s", fault)
            except Exception as failure:  # noqa: BLE001  a damaged snapshot must not end the watch
                log_failure(failure)
            await asyncio.sleep(self._refresh_s or 1.0)

    async def refresh(self) -> None:
        """Look once; whoever asks meanwhile waits for the same look.

        Raises
        ------
        InputError, TransientError
            The store cannot be read, and nothing was read before.
        """
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.ensure_future(self._look())
        await asyncio.shield(self._refreshing)

    async def ask(self, shelf: Shelf, work: Callable[[], Found]) -> Found:
        """The outcome of work on a snapshot: done at once in memory, else in a thread."""
        return work() if shelf.held else await self.run(work)

    async def run(self, work: Callable[[], Found]) -> Found:
        """The outcome of work that blocks on the store, done in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """End the threads and close the store."""
        self._pool.shutdown(cancel_futures=True)
        self.store.close()

    async def _look(self) -> None:
        self.store_answered, self.store_answers = self.store_answers, False
        header = await self.run(self.store.current)
        if header is None:
            # A store that held a snapshot and holds none was taken away: what was read stays.
            self.store_answers = self.current is None
            return
        if self.current is None or self.current.snapshot_id != header.snapshot_id:
            self.current = await self.run(lambda: self._make_ready(header))
            logger.info("serving snapshot %s of %d accounts", header.snapshot_id, header.accounts)
        self.store_answers = True

    def _make_ready(self, header: SnapshotHeader) -> Shelf:
        shelf = self._load(header)
        if self.prepare is not None and shelf.held:
            self.prepare(shelf)
        return shelf

    def _load(self, header: SnapshotHeader) -> Shelf:
        earlier = self.reader.before(header)
        before = find_before(header, earlier)
        sample = [
            render_entry(score, None, None)
            for score in self.reader.scores(header.snapshot_id, limit=SAMPLE)
        ]
        needed = sum(map(weigh, sample)) / max(1, len(sample)) * header.accounts
        if needed > self._memory:
            logger.warning(
                "snapshot %s needs about %d MB, more than the %d set aside: it is read by request",
                header.snapshot_id, needed / MB, self._memory / MB,
            )  # fmt: skip
            return StoredShelf(header, self.reader, earlier)
        past = {} if earlier is None else self.reader.past(earlier.snapshot_id)
        entries = [
            render_entry(score, before, past.get(score.account_id))
            for score in _breathing(self.reader.scores(header.snapshot_id))
        ]
        if len(entries) != header.accounts:
            raise TransientError(f"snapshot {header.snapshot_id} was removed while it was read")
        return HeldShelf(header, entries)


def _breathing(scores: Iterator[AccountScore]) -> Iterator[AccountScore]:
    """The same accounts, with pauses in which other threads run at once."""
    for number, score in enumerate(scores):
        if number % BREATH == 0:
            time.sleep(0)
        yield score
