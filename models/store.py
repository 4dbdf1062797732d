"""The snapshot store: score runs publish into it, the service reads from it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from features.errors import InputError, Problem
from models.account_score import AccountScore, Tier, ranking_key
from models.database import Database
from models.snapshot import Snapshot, SnapshotHeader
from models.snapshot_check import validate_snapshot
from models.store_schema import (
    SCHEMA_VERSION,
    add_columns,
    can_upgrade,
    check_schema,
    read_version,
)
from models.store_table import (
    ACCOUNT_SCORE,
    CURRENT_SNAPSHOT,
    METADATA,
    SNAPSHOT,
    STORE_SCHEMA,
    header_row,
    read_header,
    read_score,
    score_row,
)

SCHEMA_LOCK = 0x6B656570  # any number that no other program uses as an advisory lock
DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # in code point order, so that ids sort as numbers do
ID_DIGITS = 13
NOISE_BITS = 20
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

    def publish(self, snapshot: Snapshot) -> str:
        """Write a snapshot, make it the current one, and return its id.

        Two publishes at once follow one another. When anything fails, nothing has changed.

        Parameters
        ----------
        snapshot : Snapshot
            Its accounts are ranked here.

        Returns
        -------
        str
            13 characters; later snapshots have greater ids.

        Raises
        ------
        InputError, InvariantError
            The snapshot cannot be stored, see `validate_snapshot`; or another version's store.
        TransientError
            The store is away, or another publish held it for too long.
        """
        validate_snapshot(snapshot)
        ranked = sorted(snapshot.scores, key=ranking_key)
        with self.database.write() as connection:
            self._make_schema(connection)
            _hold_pointer(connection)
            snapshot_id = next_snapshot_id(
                connection.scalar(select(func.max(SNAPSHOT.c.snapshot_id)))
            )
            connection.execute(insert(SNAPSHOT), header_row(snapshot_id, snapshot))
            if ranked:
                rows = [score_row(snapshot_id, rank, one) for rank, one in enumerate(ranked, 1)]
                connection.execute(insert(ACCOUNT_SCORE), rows)
            connection.execute(update(CURRENT_SNAPSHOT).values(snapshot_id=snapshot_id))
        return snapshot_id

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
                self._make_schema(connection)

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
            self._make_schema(connection)
            current = _hold_pointer(connection)
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
            self._make_schema(connection)
            current = _hold_pointer(connection)
            ids = sorted(connection.scalars(select(SNAPSHOT.c.snapshot_id)), reverse=True)
            removed = [snapshot_id for snapshot_id in ids[keep:] if snapshot_id != current]
            for table in (ACCOUNT_SCORE, SNAPSHOT):
                connection.execute(delete(table).where(table.c.snapshot_id.in_(removed)))
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
        rows = self._read(query)
        return read_score(rows[0]) if rows else None

    def current_account(self, account_id: str) -> tuple[SnapshotHeader, AccountScore | None] | None:
        """The served snapshot with one account of it, read as of one moment.

        Returns
        -------
        tuple of SnapshotHeader and AccountScore, or None
            None when no snapshot was published; a None account when the snapshot lacks it.
        """
        rows = self._read(CURRENT_ACCOUNT, {"account_id": account_id})
        if not rows:
            return None
        score = {
            column.name: rows[0][SCORE_PREFIX + column.name] for column in ACCOUNT_SCORE.columns
        }
        found = read_score(score) if score["account_id"] is not None else None
        return read_header(rows[0]), found

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
        return [read_score(row) for row in self._read(query)]

    def tiers(self, snapshot_id: str) -> dict[str, tuple[Tier, int]]:
        """Risk tier and `tier_runs_below` by account id, for the accounts that have a tier."""
        score = ACCOUNT_SCORE.c
        query = select(score.account_id, score.risk_tier, score.tier_runs_below).where(
            score.snapshot_id == snapshot_id, score.risk_tier.is_not(None)
        )
        return {
            row["account_id"]: (row["risk_tier"], row["tier_runs_below"])
            for row in self._read(query)
        }

    def _read_header(self, query: Select[Any]) -> SnapshotHeader | None:
        rows = self._read(query)
        return read_header(rows[0]) if rows else None

    def _read(
        self, query: Select[Any], values: dict[str, str] | None = None
    ) -> Sequence[RowMapping]:
        if not self.database.exists():
            return []
        with self.database.read() as connection:
            self._has_schema = self._has_schema or check_schema(connection)
            return connection.execute(query, values).mappings().all() if self._has_schema else []

    def _make_schema(self, connection: Connection) -> None:
        self.database.lock(connection, SCHEMA_LOCK)
        add_columns(connection, read_version(connection))
        if not check_schema(connection):
            METADATA.create_all(connection)
            connection.execute(insert(STORE_SCHEMA), {"slot": 1, "version": SCHEMA_VERSION})
            connection.execute(insert(CURRENT_SNAPSHOT), {"slot": 1, "snapshot_id": None})


def _version_of(header: SnapshotHeader, model: str) -> object:
    return (header.models.get(model) or {}).get("version")


def next_snapshot_id(newest: str | None, *, clock_ms: int | None = None) -> str:
    """An id greater than the newest one, even when the clock was set back.

    Parameters
    ----------
    newest : str or None
        The greatest id of the store; None for the first.
    clock_ms : int or None
        Milliseconds since 1970; None asks the clock.
    """
    now = time.time_ns() // 1_000_000 if clock_ms is None else clock_ms
    number = (now << NOISE_BITS) | secrets.randbits(NOISE_BITS)
    if newest is not None:
        number = max(number, _id_number(newest) + 1)
    places = range(ID_DIGITS - 1, -1, -1)
    return "".join(DIGITS[number // len(DIGITS) ** place % len(DIGITS)] for place in places)


def _id_number(snapshot_id: str) -> int:
    number = 0
    for digit in snapshot_id:
        number = number * len(DIGITS) + DIGITS.index(digit)
    return number


def _hold_pointer(connection: Connection) -> str | None:
    """The id of the current snapshot; other writers wait until this transaction ends."""
    return connection.scalar(select(CURRENT_SNAPSHOT.c.snapshot_id).with_for_update())
