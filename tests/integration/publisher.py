"""A process that publishes whole snapshots for ever, until it is killed.

Every account of one snapshot bears the same mark in ``region``, in its board and in its life, and
the same tier, which changes at each publish; a document bears the mark too. So a mixture or a part
of two snapshots is seen at once.
"""

from __future__ import annotations

import itertools
import sys
from datetime import date

from models.life import Life, Outcome
from models.settings import RetentionSettings
from models.snapshot import Snapshot
from models.store import SnapshotStore
from tests.integration.company import due, snapshot

ACCOUNTS = 300
DOCUMENT = "mark"
KEEP = RetentionSettings(snapshots=3)


def marked_snapshot(number: int, *, after: str | None = None) -> Snapshot:
    """A snapshot whose accounts all bear its number; its tiers are those of no neighbour.

    Parameters
    ----------
    number : int
    after : str or None
        Id of an earlier snapshot of which it tells what became of all accounts.
    """
    loss, mark, day = 0.9 if number % 2 else 0.1, str(number), date(2026, 11, 1)
    names = [f"A{n:03}" for n in range(ACCOUNTS)]
    outcomes = [] if after is None else names
    return snapshot(
        *(due(name, loss, region=mark) for name in names),
        documents={DOCUMENT: mark},
        boards={name: {DOCUMENT: mark} for name in names},
        lives=tuple(Life(account_id=name, region=mark, started_on=day) for name in names),
        outcomes=tuple(
            Outcome(
                snapshot_id=after or "", account_id=name, lost=True, known_on=day, worked_on=False
            )
            for name in outcomes
        ),
    )


def publish_for_ever(url: str, first: int) -> None:
    """Say ``begin`` on stdout before each publish and the id after it."""
    with SnapshotStore(url, lock_wait_s=30) as store:
        last = None
        for number in itertools.count(first):
            made = marked_snapshot(number, after=last)
            print("begin", flush=True)
            last = store.publish(made, retention=KEEP)
            print(last, flush=True)


if __name__ == "__main__":
    publish_for_ever(sys.argv[1], int(sys.argv[2]))
