"""A process that publishes whole snapshots for ever, until it is killed.

Every account of one snapshot bears the same mark in ``region`` and the same tier, which changes at
each publish, so that a mixture or a part of two snapshots is seen at once.
"""

from __future__ import annotations

import itertools
import sys

from models.settings import RetentionSettings
from models.snapshot import Snapshot
from models.store import SnapshotStore
from tests.integration.company import due, snapshot

ACCOUNTS = 300
KEEP = RetentionSettings(snapshots=3)


def marked_snapshot(number: int) -> Snapshot:
    """A snapshot whose accounts all bear its number; its tiers are those of no neighbour."""
    loss = 0.9 if number % 2 else 0.1
    return snapshot(*(due(f"A{n:03}", loss, region=str(number)) for n in range(ACCOUNTS)))


def publish_for_ever(url: str, first: int) -> None:
    """Say ``begin`` on stdout before each publish and the id after it."""
    with SnapshotStore(url, lock_wait_s=30) as store:
        for number in itertools.count(first):
            made = marked_snapshot(number)
            print("begin", flush=True)
            print(store.publish(made, retention=KEEP), flush=True)


if __name__ == "__main__":
    publish_for_ever(sys.argv[1], int(sys.argv[2]))
