"""The steps of one publish, all in the transaction that the store opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from features.errors import InputError, Problem
from models.account_score import AccountScore, ranking_key
from models.database import Database
from models.life import Outcome
from models.publish_gate import compare_with_served, judge_publish
from models.settings import PublishSettings, RetentionSettings
from models.snapshot import Snapshot
from models.snapshot_diff import Trace, trace_account
from models.snapshot_id import least_snapshot_id, next_snapshot_id, past_snapshot_id
from models.snapshot_retention import outlived_snapshots
from models.store_row import Packed, header_row, life_row, pack, score_row
from models.store_table import (
    ACCOUNT_BOARD,
    ACCOUNT_LIFE,
    ACCOUNT_SCORE,
    CURRENT_SNAPSHOT,
    OF_A_SNAPSHOT,
    OF_THE_NEWEST,
    OUTCOME,
    SNAPSHOT,
    SNAPSHOT_DOCUMENT,
    TRACE,
)
from models.tier_change import KEEP_DAYS, TIER_CHANGE, find_tier_changes


@dataclass(frozen=True, slots=True)
class PublishRules:
    """What a publish is held to.

    Parameters
    ----------
    gate : PublishSettings or None
        How far a snapshot may be from the served one of the same company; None: no matter.
    force : bool
        Publish all the same, and write the reasons against it into the header.
    retention : RetentionSettings or None
        Which older snapshots go; None: none. The one that was served until now stays.
    """

    gate: PublishSettings | None = None
    force: bool = False
    retention: RetentionSettings | None = None


def write_publication(
    database: Database, connection: Connection, snapshot: Snapshot, rules: PublishRules
) -> str:
    """Judge and write a snapshot with all that comes with it, and move the pointer to it.

    Returns
    -------
    str
        Its id.

    Raises
    ------
    InputError
        A gate holds it back: every reason, see `judge_publish`; or the served snapshot is damaged.
    """
    ranked = sorted(snapshot.scores, key=ranking_key)
    new = [trace_account(score) for score in ranked]
    served_id = _served_by(connection, snapshot.company)
    with database.damage_named():
        served = [] if served_id is None else _read_traces(connection, served_id)
    against: list[Problem] = []
    if rules.gate is not None and served_id is not None:
        against = judge_publish(compare_with_served(served, new), rules.gate)
    if against and not rules.force:
        raise InputError(against)
    snapshot_id = next_snapshot_id(connection.scalar(select(func.max(SNAPSHOT.c.snapshot_id))))
    forced = [str(replace(problem, remedy="")) for problem in against]
    header = header_row(snapshot_id, snapshot, previous_id=served_id, forced=forced)
    connection.execute(insert(SNAPSHOT), header)
    _write_scores(connection, snapshot_id, ranked)
    _write_pages(connection, snapshot_id, snapshot)
    changes = []
    if served_id is not None:
        changes = find_tier_changes(snapshot_id, snapshot.company, served, new)
    if changes:
        connection.execute(insert(TIER_CHANGE), [change.to_row() for change in changes])
    connection.execute(update(CURRENT_SNAPSHOT).values(snapshot_id=snapshot_id))
    if rules.retention is not None:
        kept = frozenset(filter(None, (snapshot_id, served_id)))
        _retire(connection, rules.retention, kept=kept, now=snapshot.created_at)
    return snapshot_id


def write_past(connection: Connection, snapshot: Snapshot) -> str | None:
    """Write a snapshot of a past date beside those that are there: nothing else changes.

    What is served stays, no tier has changed today, and boards and lives are the newest one's.

    Returns
    -------
    str or None
        Its id; None where the company has a snapshot of that date already.
    """
    assert snapshot.as_of is not None  # a past date is one
    hold_pointer(connection)
    same = (SNAPSHOT.c.company == snapshot.company, SNAPSHOT.c.as_of == snapshot.as_of)
    if connection.scalar(select(SNAPSHOT.c.snapshot_id).where(*same).limit(1)) is not None:
        return None
    taken = set(connection.scalars(select(SNAPSHOT.c.snapshot_id)))
    snapshot_id = past_snapshot_id(snapshot.as_of, taken)
    connection.execute(insert(SNAPSHOT), header_row(snapshot_id, snapshot))
    _write_scores(connection, snapshot_id, sorted(snapshot.scores, key=ranking_key))
    _write_documents(connection, snapshot_id, snapshot)
    return snapshot_id


def _write_scores(connection: Connection, snapshot_id: str, ranked: Sequence[AccountScore]) -> None:
    rows = [score_row(snapshot_id, rank, one) for rank, one in enumerate(ranked, 1)]
    if rows:
        connection.execute(insert(ACCOUNT_SCORE), rows)


def _write_documents(connection: Connection, snapshot_id: str, snapshot: Snapshot) -> None:
    rows = [
        {"snapshot_id": snapshot_id, "name": name, "body": pack(document)}
        for name, document in snapshot.documents.items()
    ]
    if rows:
        connection.execute(insert(SNAPSHOT_DOCUMENT), rows)


def hold_pointer(connection: Connection) -> str | None:
    """The id of the current snapshot; other writers wait until this transaction ends."""
    return connection.scalar(select(CURRENT_SNAPSHOT.c.snapshot_id).with_for_update())


def remove_snapshots(connection: Connection, ids: Sequence[str]) -> None:
    """Remove snapshots with their accounts."""
    for table in (*OF_A_SNAPSHOT, SNAPSHOT):
        connection.execute(delete(table).where(table.c.snapshot_id.in_(ids)))


def _body(board: object) -> bytes:
    return bytes(board) if isinstance(board, Packed) else pack(board)


def _write_pages(connection: Connection, snapshot_id: str, snapshot: Snapshot) -> None:
    """What the pages show beside the scores; of boards and lives only the newest are kept."""
    for table in OF_THE_NEWEST:
        connection.execute(delete(table))
    own = {"snapshot_id": snapshot_id}
    _write_documents(connection, snapshot_id, snapshot)
    rows: dict[Table, list[dict[str, object]]] = {
        ACCOUNT_BOARD: [
            own | {"account_id": account, "body": _body(board)}
            for account, board in snapshot.boards.items()
        ],
        ACCOUNT_LIFE: [life_row(snapshot_id, life) for life in snapshot.lives],
    }
    for table, written in rows.items():
        if written:
            connection.execute(insert(table), written)
    _write_outcomes(connection, snapshot.outcomes)


def _write_outcomes(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """Put down what became of earlier probabilities; what was put down before stays as it is."""
    kept = set(connection.scalars(select(SNAPSHOT.c.snapshot_id)))
    known = set(connection.execute(select(OUTCOME.c.snapshot_id, OUTCOME.c.account_id)).all())
    new = [
        asdict(one)
        for one in outcomes
        if one.snapshot_id in kept and (one.snapshot_id, one.account_id) not in known
    ]
    if new:
        connection.execute(insert(OUTCOME), new)


def _served_by(connection: Connection, company: str) -> str | None:
    """The id of the current snapshot where it is of this company; else None."""
    current = hold_pointer(connection)
    found = connection.scalar(select(SNAPSHOT.c.company).where(SNAPSHOT.c.snapshot_id == current))
    return current if found == company else None


def _read_traces(connection: Connection, snapshot_id: str) -> list[Trace]:
    query = select(*TRACE).where(ACCOUNT_SCORE.c.snapshot_id == snapshot_id)
    return [Trace._make(row) for row in connection.execute(query)]


def _retire(
    connection: Connection, rules: RetentionSettings, *, kept: frozenset[str], now: datetime
) -> None:
    """Remove the snapshots that have had their time, and old rows of the outbox."""
    query = select(SNAPSHOT.c.snapshot_id, SNAPSHOT.c.created_at)
    created = dict(connection.execute(query).all())
    gone = outlived_snapshots(created, rules, kept=kept, now=now)
    remove_snapshots(connection, gone)
    past = now - timedelta(days=KEEP_DAYS)
    ends = (least_snapshot_id(int(past.timestamp() * 1000)), min(created.keys() - {*gone}))
    connection.execute(delete(TIER_CHANGE).where(TIER_CHANGE.c.snapshot_id < min(ends)))
