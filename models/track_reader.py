"""What a track record is made of, read from the snapshot store."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from sqlalchemy import func, select

from models.account_score import Basis
from models.page_reader import PageReader
from models.snapshot_reader import SCORE, SnapshotReader
from models.store_table import OUTCOME, SNAPSHOT
from models.track_record import Acts, Claim, Maturity, TrackRecord, choose_judged, make_record


def find_judged(reader: SnapshotReader, company: str) -> Maturity | None:
    """The company's latest snapshot of which nearly everything is known; None: it is too early."""
    return choose_judged(read_maturity(reader, company))


def read_track_record(
    reader: SnapshotReader,
    judged: Maturity,
    *,
    acts: Acts | None,
    admits: Callable[[Claim], bool],
) -> TrackRecord | None:
    """The record of a snapshot.

    Parameters
    ----------
    reader : SnapshotReader
    judged : Maturity
        The snapshot, as `find_judged` gives it.
    acts, admits
        As for `make_record`; the row filter is asked by the columns of that snapshot.

    Returns
    -------
    TrackRecord or None
        None: it was removed meanwhile.
    """
    claims = read_claims(reader, judged.snapshot_id)
    outcomes = PageReader(reader).outcomes(judged.snapshot_id)
    return make_record(judged, claims, outcomes, acts=acts, admits=admits) if claims else None


def read_maturity(reader: SnapshotReader, company: str) -> list[Maturity]:
    """How much is known of each of the company's snapshots with a date, in no order."""
    counted = (
        select(OUTCOME.c.snapshot_id, func.count().label("known"))
        .group_by(OUTCOME.c.snapshot_id)
        .subquery()
    )
    names = ("snapshot_id", "as_of", "backfilled", "capacity", "claims", "models")
    query = (
        select(*(SNAPSHOT.c[name] for name in names), func.coalesce(counted.c.known, 0))
        .outerjoin(counted, counted.c.snapshot_id == SNAPSHOT.c.snapshot_id)
        # One of an older Keepwell did not count its claims; one without a date never tells.
        .where(
            SNAPSHOT.c.company == company,
            SNAPSHOT.c.as_of > date.min,
            SNAPSHOT.c.claims.is_not(None),
        )
    )
    found = (tuple(row.values()) for row in reader.stream(query))
    return [
        Maturity(name, as_of, bool(backfilled), capacity, claims, known, _churn_days(models))
        for name, as_of, backfilled, capacity, claims, models, known in found
    ]


def _churn_days(models: str) -> int | None:
    """Lead and horizon of the churn model, from a snapshot's models as they are stored."""
    churn = json.loads(models).get("churn") or {}
    lead, horizon = churn.get("lead_days"), churn.get("horizon_days")
    return None if lead is None or horizon is None else lead + horizon


def read_claims(reader: SnapshotReader, snapshot_id: str) -> list[Claim]:
    """The probabilities of a snapshot, in ranking order."""
    query = (
        select(*(SCORE[name] for name in Claim._fields))
        .where(SCORE.snapshot_id == snapshot_id, SCORE.loss_probability.is_not(None))
        .order_by(SCORE.rank)
    )
    return [Claim(**row) for row in reader.stream(query)]


class Pending(NamedTuple):
    """A probability of which it is not put down yet what became of it.

    Parameters
    ----------
    snapshot_id : str
    as_of : date
        Of the snapshot that published it.
    account_id : str
    basis : str
        As in `AccountScore`.
    key : str or None
        What it speaks of: the contract for a renewal, the account for churn.
    """

    snapshot_id: str
    as_of: date
    account_id: str
    basis: Basis
    key: str | None


def read_pending(reader: SnapshotReader, company: str, *, until: date) -> list[Pending]:
    """The company's probabilities, of as-of dates before a day, that are not known yet."""
    found = []
    for one in read_maturity(reader, company):
        if one.as_of >= until or one.known >= one.claims:
            continue
        known = {outcome.account_id for outcome in PageReader(reader).outcomes(one.snapshot_id)}
        query = select(SCORE.account_id, SCORE.basis, SCORE.contract_id).where(
            SCORE.snapshot_id == one.snapshot_id, SCORE.loss_probability.is_not(None)
        )
        for row in reader.stream(query):
            if row["account_id"] not in known:
                key = row["contract_id"] if row["basis"] == "renewal" else row["account_id"]
                plain = (one.snapshot_id, one.as_of, row["account_id"], row["basis"])
                found.append(Pending(*plain, key))
    return found
