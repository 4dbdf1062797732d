"""The snapshot store: score runs publish into it, the service reads from it."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import RowMapping, Select, and_, bindparam, select, tuple_, update

from features.errors import InputError, Problem
from models.account_score import AccountScore, Tier
from models.alert import Alert
from models.database import Database
from models.publication import (
    PublishRules,
    hold_pointer,
    remove_snapshots,
    write_past,
    write_publication,
)
from models.settings import PublishSettings, RetentionSettings
from models.snapshot import Snapshot, SnapshotHeader
from models.snapshot_check import validate_snapshot
from models.snapshot_diff import POINT, SnapshotDiff, Trace, compare_snapshots
from models.store_row import read_alerts, read_header, read_score
from models.store_schema import (
    SCHEMA_VERSION,
    can_upgrade,
    check_schema,
    make_schema,
    read_version,
)
from models.store_table import ACCOUNT_SCORE, CURRENT_SNAPSHOT, SNAPSHOT, TRACE
from models.tier_change import TIER_CHANGE, TierChange

Parsed = TypeVar("Parsed")
SCORE_PREFIX = "score_"  # both tables have a snapshot_id and a currency
CURRENT_ACCOUNT = (
    select(
        SNAPSHOT, *(column.label(SCORE_PREFIX + column.name) for column in ACCOUNT_SCORE.columns)
    )
    .join(CURRENT_SNAPSHOT)
    .outerjoin(
        ACCOUNT_SCORE,
        and_(
            ACCOUNT_SCORE.c.snapshot_id == SNAPSHOT.c.snapshot_id,
            ACCOUNT_SCORE.c.account_id == bindparam("account_id"),
        ),
    )
)


class SnapshotStore:
    """Published snapshots and the one pointer to the snapshot that is served.

    Readers see the old snapshot or the new one, whole. Reading makes nothing: a store that was
    never written holds no snapshot.

    Parameters
    ----------
    url : str
        ``sqlite:///folder/store.db`` or ``postgresql+psycopg://user@host/name``.
    lock_wait_s : float
        Seconds that a publish waits for another one before it gives up.

    Raises
    ------
    InputError
        The URL is none of the two; on first use, when another version of Keepwell made the store.
    TransientError
        On any use: the store is locked or away.
    """

    def __init__(self, url: str, *, lock_wait_s: float = 10.0) -> None:
        self.database = Database(url, lock_wait_s=lock_wait_s)
        self._has_schema = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every open connection."""
        self.database.close()

    @property
    def is_made(self) -> bool:
        """Whether there are tables of this version to be read.

        Raises
        ------
        InputError
            They are of another version.
        """
        if not self.database.exists():
            return False
        with self.database.read() as connection:
            self._has_schema = self._has_schema or check_schema(connection)
        return self._has_schema

    def publish(
        self,
        snapshot: Snapshot,
        *,
        gate: PublishSettings | None = None,
        force: bool = False,
        retention: RetentionSettings | None = None,
    ) -> str:
        """Write a snapshot, make it the current one, and return its id.

        In one transaction with it stand the changes of tiers and the removal of what has had its
        time. Two publishes at once follow one another. When anything fails, nothing has changed.

        Parameters
        ----------
        snapshot : Snapshot
            Its accounts are ranked here.
        gate : PublishSettings or None
            How far it may be from the served snapshot of the same company; None: no matter.
        force : bool
            Publish all the same, and write the reasons against it into the header.
        retention : RetentionSettings or None
            Which older snapshots go; None: none. The one that was served until now stays.

        Returns
        -------
        str
            13 characters; later snapshots have greater ids.

        Raises
        ------
        InputError, InvariantError
            The snapshot cannot be stored, see `validate_snapshot`; or a gate holds it back, with
            every reason, see `judge_publish`; or another version's store.
        TransientError
            The store is away, or another publish held it for too long.
        """
        validate_snapshot(snapshot)
        with self.database.write() as connection:
            make_schema(self.database, connection)
            rules = PublishRules(gate, force, retention)
            return write_publication(self.database, connection, snapshot, rules)

    def backfill(self, snapshot: Snapshot) -> str | None:
        """Write a snapshot of a past date, and return its id, which sorts by that date.

        What is served stays, no gate compares the two, and no tier counts as changed.

        Parameters
        ----------
        snapshot : Snapshot
            With an as-of date, marked as backfilled.

        Returns
        -------
        str or None
            None where the company has a snapshot of that date already: it stays as it is.

        Raises
        ------
        InputError, InvariantError, TransientError
            As for `publish`.
        """
        validate_snapshot(snapshot)
        with self.database.write() as connection:
            make_schema(self.database, connection)
            return write_past(connection, snapshot)

    def upgrade(self) -> None:
        """Bring a store that an earlier version made up to date; its snapshots stay as they are.

        Nothing happens to one that is up to date, or that is not there.

        Raises
        ------
        InputError
            Too old for that, or made by a later version.
        """
        if not self.database.exists():
            return
        with self.database.read() as connection:
            version = read_version(connection)
        if version not in (None, SCHEMA_VERSION):
            with self.database.write() as connection:
                make_schema(self.database, connection)

    def served_company(self) -> str | None:
        """Whose ranking is served, also in a store that is still to be upgraded; None: nobody's."""
        if not self.database.exists():
            return None
        with self.database.read() as connection:
            version = read_version(connection)
            if version is None:
                return None
            if not can_upgrade(version):
                check_schema(connection)
            query = select(SNAPSHOT.c.company).join(CURRENT_SNAPSHOT)
            return connection.scalar(query)

    def bring_back(self, company: str, model: str, version: str) -> str | None:
        """Serve again the newest ranking that a version of a model made, and return its id.

        Parameters
        ----------
        company, model, version : str
            As the snapshot names them.

        Returns
        -------
        str or None
            None when there is no such snapshot (any more) or another company is served: what is
            served stays.
        """
        if not self.database.exists():
            return None
        with self.database.write() as connection:
            make_schema(self.database, connection)
            current = hold_pointer(connection)
            stored = select(SNAPSHOT).where(SNAPSHOT.c.company == company)
            rows = connection.execute(stored.order_by(SNAPSHOT.c.snapshot_id.desc())).mappings()
            found = [read_header(row) for row in rows]
            made = [h.snapshot_id for h in found if _version_of(h, model) == version]
            if not made or all(header.snapshot_id != current for header in found):
                return None
            connection.execute(update(CURRENT_SNAPSHOT).values(snapshot_id=made[0]))
        return made[0]

    def prune(self, keep: int) -> list[str]:
        """Remove all but the newest snapshots and return the ids of those removed.

        Parameters
        ----------
        keep : int
            How many stay, at least 1; the current one always stays.
        """
        if keep < 1:
            rule = f"must be at least 1, not {keep}"
            raise InputError([Problem("store", "keep", rule, remedy="keep one snapshot or more")])
        with self.database.write() as connection:
            make_schema(self.database, connection)
            current = hold_pointer(connection)
            ids = sorted(connection.scalars(select(SNAPSHOT.c.snapshot_id)), reverse=True)
            removed = [snapshot_id for snapshot_id in ids[keep:] if snapshot_id != current]
            remove_snapshots(connection, removed)
        return removed

    def current(self) -> SnapshotHeader | None:
        """The served snapshot, or None when none was published."""
        return self._read_header(select(SNAPSHOT).join(CURRENT_SNAPSHOT))

    def header(self, snapshot_id: str) -> SnapshotHeader | None:
        """A snapshot by its id, or None when it is not (or no longer) there."""
        return self._read_header(select(SNAPSHOT).where(SNAPSHOT.c.snapshot_id == snapshot_id))

    def account(self, snapshot_id: str, account_id: str) -> AccountScore | None:
        """One account of a snapshot, or None when either is not there."""
        query = select(ACCOUNT_SCORE).where(
            ACCOUNT_SCORE.c.snapshot_id == snapshot_id, ACCOUNT_SCORE.c.account_id == account_id
        )
        found = self._read(query, read_score)
        return found[0] if found else None

    def current_account(self, account_id: str) -> tuple[SnapshotHeader, AccountScore | None] | None:
        """The served snapshot with one account of it, read as of one moment.

        Returns
        -------
        tuple of SnapshotHeader and AccountScore, or None
            None when no snapshot was published; a None account when the snapshot lacks it.
        """
        found = self._read(CURRENT_ACCOUNT, _read_current, {"account_id": account_id})
        return found[0] if found else None

    def ranking(
        self, snapshot_id: str, *, limit: int, after: int | None = None
    ) -> list[AccountScore]:
        """Accounts of a snapshot in ranking order, see `ranking_key`.

        Parameters
        ----------
        snapshot_id : str
            Of any snapshot that is still there.
        limit : int
            How many at most.
        after : int or None
            The `rank` of the last account already seen; None from the top.
        """
        query = (
            select(ACCOUNT_SCORE)
            .where(ACCOUNT_SCORE.c.snapshot_id == snapshot_id, ACCOUNT_SCORE.c.rank > (after or 0))
            .order_by(ACCOUNT_SCORE.c.rank)
            .limit(limit)
        )
        return self._read(query, read_score)

    def tiers(self, snapshot_id: str) -> dict[str, tuple[Tier, int]]:
        """Risk tier and `tier_runs_below` by account id, for the accounts that have a tier."""
        score = ACCOUNT_SCORE.c
        query = select(score.account_id, score.risk_tier, score.tier_runs_below).where(
            score.snapshot_id == snapshot_id, score.risk_tier.is_not(None)
        )
        return {name: (tier, runs) for name, tier, runs in self._read(query, _read_tuple)}

    def alerts(self, snapshot_id: str) -> dict[str, tuple[Alert, ...]]:
        """Warnings of a snapshot by account id, for the accounts that have any."""
        score = ACCOUNT_SCORE.c
        query = select(score.account_id, score.alerts).where(
            score.snapshot_id == snapshot_id, score.alerts.is_not(None)
        )
        return {name: read_alerts(stored) for name, stored in self._read(query, _read_tuple)}

    def traces(self, snapshot_id: str) -> list[Trace] | None:
        """What of each account is compared between snapshots; None when it is not there."""
        query = select(*TRACE).where(ACCOUNT_SCORE.c.snapshot_id == snapshot_id)
        found = self._read(query, _read_trace)
        # After the accounts: both are there, or neither was.
        return found if self.header(snapshot_id) is not None else None

    def diff(self, before_id: str, after_id: str, *, points: float = POINT) -> SnapshotDiff | None:
        """What changed between two snapshots, see `compare_snapshots`; None when one is gone."""
        before, after = self.traces(before_id), self.traces(after_id)
        if before is None or after is None:
            return None
        return compare_snapshots(before, after, points=points)

    def tier_changes(
        self, *, after: tuple[str, str] | None = None, limit: int = 1000
    ) -> list[TierChange]:
        """The outbox: changes of tiers in the order of publishing, then by account id.

        Parameters
        ----------
        after : (snapshot id, account id) or None
            The last change already taken; None from the oldest.
        limit : int
            How many at most.
        """
        change = TIER_CHANGE.c
        order = (change.snapshot_id, change.account_id)
        query = select(TIER_CHANGE).order_by(*order).limit(limit)
        if after is not None:
            query = query.where(tuple_(*order) > tuple_(*after))
        return self._read(query, _read_change)

    def _read_header(self, query: Select[Any]) -> SnapshotHeader | None:
        found = self._read(query, read_header)
        return found[0] if found else None

    def _read(
        self,
        query: Select[Any],
        parse: Callable[[RowMapping], Parsed],
        values: dict[str, str] | None = None,
    ) -> list[Parsed]:
        if not self.database.exists():
            return []
        with self.database.read() as connection:
            self._has_schema = self._has_schema or check_schema(connection)
            if not self._has_schema:
                return []
            with self.database.damage_named():
                return [parse(row) for row in connection.execute(query, values).mappings()]


def _read_current(row: RowMapping) -> tuple[SnapshotHeader, AccountScore | None]:
    score = {column.name: row[SCORE_PREFIX + column.name] for column in ACCOUNT_SCORE.columns}
    return read_header(row), read_score(score) if score["account_id"] is not None else None


def _version_of(header: SnapshotHeader, model: str) -> object:
    return (header.models.get(model) or {}).get("version")


def _read_tuple(row: RowMapping) -> tuple[Any, ...]:  # Any: a column each
    return tuple(row.values())


def _read_trace(row: RowMapping) -> Trace:
    return Trace._make(row.values())


def _read_change(row: RowMapping) -> TierChange:
    return TierChange(**row)
