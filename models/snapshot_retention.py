"""Which snapshots have had their time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from models.settings import RetentionSettings


def outlived_snapshots(
    created: Mapping[str, datetime],
    rules: RetentionSettings,
    *,
    kept: frozenset[str],
    now: datetime,
) -> list[str]:
    """Ids of the snapshots to be removed, sorted.

    Parameters
    ----------
    created : mapping of str to datetime
        When each snapshot of the store was made, by id; ids sort in the order of publishing.
    rules : RetentionSettings
        A snapshot goes when it is beyond the number or beyond the days.
    kept : frozenset of str
        Ids that stay whatever the rules say: the served snapshot and the one before.
    now : datetime
        From which days are counted back.
    """
    newest = sorted(created, reverse=True)
    gone = set(newest[rules.snapshots :]) if rules.snapshots is not None else set()
    if rules.days is not None:
        oldest = now - timedelta(days=rules.days)
        gone |= {name for name, moment in created.items() if moment < oldest}
    return sorted(gone - kept)
