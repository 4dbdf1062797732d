"""A score run that is repeated for the same day counts once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from models.store import SnapshotStore
from models.tier import Thresholds, assign_tier
from pipelines.scoring import read_tiers
from tests.integration.company import due, snapshot

THRESHOLDS = Thresholds(high=0.5, medium=0.2)


def test_a_tier_is_not_left_by_running_again_on_the_same_day(tmp_path: Path) -> None:
    # A is below the threshold of its tier for the first run.
    first = snapshot(due("A", 0.45, risk_tier="high", tier_runs_below=1))
    with SnapshotStore(f"sqlite:///{tmp_path}/store.db") as store:
        store.publish(first)
        last = store.current()
        assert last is not None
        assert last.as_of is not None
        again = read_tiers(store, last, last.as_of)["A"]
        later = read_tiers(store, last, last.as_of + timedelta(days=7))["A"]
    for _ in range(3):
        assert assign_tier(0.45, THRESHOLDS, previous=again[0], runs_below=again[1]) == ("high", 1)
    tier, runs = later
    assert assign_tier(0.45, THRESHOLDS, previous=tier, runs_below=runs) == ("medium", 0)
