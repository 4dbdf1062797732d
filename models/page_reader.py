"""What the pages read of the snapshot store beside the scores."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from models.health import Health
from models.life import Life, Outcome
from models.snapshot_reader import SnapshotReader
from models.store_row import read_health, read_life, unpack
from models.store_table import (
    ACCOUNT_BOARD,
    ACCOUNT_LIFE,
    ACCOUNT_SCORE,
    OUTCOME,
    SNAPSHOT_DOCUMENT,
)

_LIFE = tuple(column for column in ACCOUNT_LIFE.c if column.name != "snapshot_id")


class PageReader:
    """Documents, boards, lives and outcomes of published snapshots.

    Parameters
    ----------
    reader : SnapshotReader
    """

    def __init__(self, reader: SnapshotReader) -> None:
        self._reader = reader

    def document(self, snapshot_id: str, name: str) -> Any:  # Any: JSON
        """A document about the whole company; None when it was not published."""
        table = SNAPSHOT_DOCUMENT.c
        return self._body(
            select(table.body).where(table.snapshot_id == snapshot_id, table.name == name)
        )

    def board(self, snapshot_id: str, account_id: str) -> Any:  # Any: JSON
        """What an account's page shows beside its score; None when it was not published."""
        table = ACCOUNT_BOARD.c
        return self._body(
            select(table.body).where(
                table.snapshot_id == snapshot_id, table.account_id == account_id
            )
        )

    def health(self, snapshot_id: str, account_id: str) -> Health | None:
        """An account's health in any kept snapshot, to tell what moved it; None where none is."""
        score = ACCOUNT_SCORE.c
        query = select(score.health).where(
            score.snapshot_id == snapshot_id, score.account_id == account_id
        )
        found = list(self._reader.parsed(query, lambda row: read_health(row["health"])))
        return found[0] if found else None

    def lives(self, snapshot_id: str) -> list[Life]:
        """Every account that ever was a customer, by id; empty for any but the newest snapshot."""
        query = select(*_LIFE).where(ACCOUNT_LIFE.c.snapshot_id == snapshot_id)
        return list(self._reader.parsed(query.order_by("account_id"), read_life))

    def outcomes(self, snapshot_id: str) -> list[Outcome]:
        """What became of the probabilities of a snapshot, as far as it is known, by account id."""
        query = select(OUTCOME).where(OUTCOME.c.snapshot_id == snapshot_id)
        return [Outcome(**row) for row in self._reader.stream(query.order_by("account_id"))]

    def _body(self, query: Select[Any]) -> Any:  # Any: JSON
        found = list(self._reader.parsed(query, lambda row: unpack(row["body"])))
        return found[0] if found else None
