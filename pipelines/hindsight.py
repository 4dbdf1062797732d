"""What became of the probabilities that earlier snapshots published."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from features.hindsight import read_outcomes
from features.source import Source
from models.life import Outcome
from models.snapshot_reader import SnapshotReader
from models.store import SnapshotStore
from models.track_reader import Pending, read_pending
from pipelines.home import Home

_KEY = ["basis", "as_of", "key"]


def find_outcomes(source: Source, home: Home, company: str) -> tuple[Outcome, ...]:
    """The outcomes that are known by the data's end and were not put down before.

    A renewal is told by its contract, churn by the account, both by the rules of the labels and
    from the day on which the label is known. What a correction took out of the tables never is.

    Parameters
    ----------
    source : Source
        Its connection stays as it is.
    home : Home
        Where the snapshots are.
    company : str
    """
    with SnapshotStore(home.store_url) as store:
        pending = (
            read_pending(SnapshotReader(store), company, until=source.data_end)
            if store.is_made
            else []
        )
    if not pending:
        return ()
    asked = pd.DataFrame(pending, columns=Pending._fields)
    asked["as_of"] = asked["as_of"].astype("datetime64[s]")
    known = read_outcomes(source, sorted({one.as_of for one in pending}))
    found = asked.merge(known, on=_KEY, how="inner", validate="many_to_one")
    columns: list[list[Any]] = [  # Any: cells of the frame
        found[name].tolist() for name in ("snapshot_id", "account_id", "lost", "worked_on")
    ]
    days: list[date] = [day.date() for day in found["known_on"]]
    return tuple(
        Outcome(
            snapshot_id=snapshot_id, account_id=account, lost=lost, known_on=day, worked_on=acted
        )
        for snapshot_id, account, lost, acted, day in zip(*columns, days, strict=True)
    )
