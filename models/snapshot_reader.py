"""What the service reads of snapshots: whole ones, what came before, and an account's history."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, false, func, select, true

from models.account_score import AccountScore, Basis, State, Tier
from models.snapshot import SnapshotHeader
from models.store import SnapshotStore
from models.store_row import Row, read_header, read_score
from models.store_table import ACCOUNT_SCORE, SNAPSHOT

SCORE = ACCOUNT_SCORE.c
Parsed = TypeVar("Parsed")
FETCHED = 500  # rows of a query at a time


@dataclass(frozen=True, slots=True)
class Past:
    """What an earlier snapshot said of an account.

    Parameters
    ----------
    basis, loss_probability, risk_tier
        As in `AccountScore`.
    contributions : dict of str to float
        Log-odds by feature group.
    contract_id : str or None
        The contract to decide then.
    """

    basis: Basis | None
    loss_probability: float | None
    risk_tier: Tier | None
    contributions: dict[str, float]
    contract_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An account in one of the snapshots of its history; fields as in `AccountScore`."""

    snapshot_id: str
    as_of: date
    created_at: datetime
    state: State
    basis: Basis | None
    churn_probability: float | None
    renewal_likelihood: float | None
    loss_probability: float | None
    risk_tier: Tier | None
    currency: str | None
    arr: float | None
    arr_at_risk: float | None
    health_score: float | None
    backfilled: bool = False


class SnapshotReader:
    """Reads of the snapshot store that the service makes off its event loop.

    Parameters
    ----------
    store : SnapshotStore
        Its `InputError` and `TransientError` may come from any read. It is asked for its current
        snapshot first: that checks its version, and where there is none there is nothing to read.
    """

    def __init__(self, store: SnapshotStore) -> None:
        self.store = store

    @property
    def collation(self) -> str | None:
        """Under which the database compares texts by code point; None when it always does."""
        return "C" if self.store.database.url.get_backend_name() == "postgresql" else None

    def headers(self, company: str, *, limit: int | None) -> list[SnapshotHeader]:
        """A company's snapshots, the newest first; all without a limit."""
        newest = (
            select(SNAPSHOT)
            .where(SNAPSHOT.c.company == company)
            .order_by(SNAPSHOT.c.snapshot_id.desc())
        )
        return list(self.parsed(newest.limit(limit), read_header))

    def before(self, header: SnapshotHeader) -> SnapshotHeader | None:
        """The company's snapshot that was published before this one; None for the oldest."""
        query = (
            select(SNAPSHOT)
            .where(
                SNAPSHOT.c.snapshot_id < header.snapshot_id, SNAPSHOT.c.company == header.company
            )
            .order_by(SNAPSHOT.c.snapshot_id.desc())
            .limit(1)
        )
        found = list(self.parsed(query, read_header))  # to its end, which closes it
        return found[0] if found else None

    def scores(self, snapshot_id: str, *, limit: int | None = None) -> Iterator[AccountScore]:
        """The accounts of a snapshot in ranking order, read as they are taken."""
        query = select(ACCOUNT_SCORE).where(SCORE.snapshot_id == snapshot_id).order_by(SCORE.rank)
        return self.parsed(query.limit(limit), read_score)

    def selected(self, query: Select[Any]) -> list[AccountScore]:
        """Accounts that a query over the whole rows of `ACCOUNT_SCORE` finds."""
        return list(self.parsed(query, read_score))

    def past(self, snapshot_id: str, where: ColumnElement[bool] | None = None) -> dict[str, Past]:
        """What a snapshot says of its accounts, by account id; only of some where that is asked."""
        query = select(
            SCORE.account_id,
            SCORE.basis,
            SCORE.loss_probability,
            SCORE.risk_tier,
            SCORE.contributions,
            SCORE.contract_id,
        ).where(SCORE.snapshot_id == snapshot_id, true() if where is None else where)
        return dict(self.parsed(query, _read_past))

    def history(self, company: str, account_id: str, *, limit: int) -> list[Moment]:
        """An account in the newest of the company's snapshots that hold it, the newest first."""
        ids = self._kept(company)
        query = (
            select(
                *(SCORE[item.name] for item in fields(Moment) if item.name in SCORE),
                SNAPSHOT.c.as_of,
                SNAPSHOT.c.created_at,
                func.coalesce(SNAPSHOT.c.backfilled, false()).label("backfilled"),
            )
            .join(SNAPSHOT)
            # Named one by one, the snapshots let the primary key find the rows.
            .where(SCORE.snapshot_id.in_(ids), SCORE.account_id == account_id)
            .order_by(SCORE.snapshot_id.desc())
            .limit(limit)
        )
        return [Moment(**row) for row in self.stream(query)]

    def last_known(
        self, company: str, ids: Sequence[str], *, is_external: bool
    ) -> AccountScore | None:
        """An account as the newest of the company's snapshots that holds it tells it.

        Parameters
        ----------
        company : str
        ids : sequence of str
            Forms of one id.
        is_external : bool
            Whether they are the CRM's.
        """
        column = SCORE.external_id if is_external else SCORE.account_id
        kept = SCORE.snapshot_id.in_(self._kept(company))
        query = select(ACCOUNT_SCORE).where(kept, column.in_(ids))
        found = self.selected(query.order_by(SCORE.snapshot_id.desc()).limit(1))
        return found[0] if found else None

    def _kept(self, company: str) -> list[str]:
        """Ids of all the company's snapshots."""
        kept = select(SNAPSHOT.c.snapshot_id).where(SNAPSHOT.c.company == company)
        return [row["snapshot_id"] for row in self.stream(kept)]

    def stream(self, query: Select[Any]) -> Generator[Row]:
        """Rows as of one moment, fetched in parts as they are taken."""
        database = self.store.database
        with database.read() as connection:
            parts = connection.execution_options(yield_per=FETCHED)
            with parts.execute(query) as found, database.damage_named():
                yield from found.mappings()

    def parsed(self, query: Select[Any], parse: Callable[[Row], Parsed]) -> Iterator[Parsed]:
        """The same, each row as what it holds."""
        with closing(self.stream(query)) as rows:  # its cursor too, where a row cannot be read
            for row in rows:
                with self.store.database.damage_named():
                    found = parse(row)
                yield found


def _read_past(row: Row) -> tuple[str, Past]:
    contributions = json.loads(row["contributions"])
    plain = (row["basis"], row["loss_probability"], row["risk_tier"])
    past = Past(*plain, contributions, row["contract_id"])
    return row["account_id"], past
