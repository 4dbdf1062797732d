"""What the pages show is published with the scores, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from models.alert import Alert
from models.growth import GrowthReason
from models.health import Health, HealthFactor
from models.life import Life, Outcome
from models.page_reader import PageReader
from models.snapshot_reader import SnapshotReader
from models.store import SnapshotStore
from models.store_row import pack_quickly
from tests.integration.company import due, snapshot

FACTOR = HealthFactor("seat_utilisation", "outcome", 48.0, 1.0, 0.48, "share", "48 % of seats used")
HEALTH = Health(
    score=48.0, outcome=48.0, experience=None, coverage=0.8, profile="default", factors=(FACTOR,)
)
ALERT = Alert(
    rule="key_user_gone",
    subject="U1",
    severity="urgent",
    status="opened",
    text="a key user was last seen 21 days ago",
    value=21.0,
    unit="days",
    first_seen=date(2026, 10, 5),
    playbook="new-contact",
)
GONE = Life(account_id="A9", started_on=date(2024, 1, 1), left_on=date(2025, 1, 1), arr=1200.0)
HERE = Life(
    account_id="A8",
    started_on=date(2024, 1, 1),
    value_by_day_30=True,
    modules_used=(),
    modules_tried=("data",),
    contacts={"onboarding": (0, 0), "midlife": (3, 40)},
)


def read(store: SnapshotStore) -> PageReader:
    return PageReader(SnapshotReader(store))


def test_health_alerts_and_playbooks_come_back_with_the_account(store: SnapshotStore) -> None:
    score = replace(
        due("A1", 0.4),
        health=HEALTH,
        alerts=(ALERT,),
        playbooks=("new-contact", "onboard"),
        growth=(GrowthReason("seats_full", 0.95), GrowthReason("health", 81.0)),
        north_star=31.0,
        north_star_change=-0.5,
        rescored_probability=0.3,
        rescored_contributions={"people": 0.25},
    )
    snapshot_id = store.publish(snapshot(score))
    assert store.account(snapshot_id, "A1") == score


def test_the_health_of_any_kept_snapshot_can_be_asked_for(store: SnapshotStore) -> None:
    first = store.publish(snapshot(due("A1", 0.4, health=HEALTH), due("A2", 0.4)))
    store.publish(snapshot(due("A1", 0.4)))
    assert read(store).health(first, "A1") == HEALTH
    assert read(store).health(first, "A2") is None
    assert read(store).health(first, "nobody") is None


def test_documents_boards_and_lives_are_read_back_equal(store: SnapshotStore) -> None:
    board = {"people": [{"user_id": "U1", "role": "champion"}]}
    snapshot_id = store.publish(
        replace(
            snapshot(due("A1", 0.4)),
            documents={"forecast": {"grr": [0.9, None]}},
            boards={"A1": board},
            lives=(HERE, GONE),
        )
    )
    assert read(store).document(snapshot_id, "forecast") == {"grr": [0.9, None]}
    assert read(store).document(snapshot_id, "cohorts") is None
    assert read(store).board(snapshot_id, "A1") == board
    assert read(store).board(snapshot_id, "A2") is None
    assert read(store).lives(snapshot_id) == [HERE, GONE]


def test_boards_that_came_packed_are_read_back_equal_and_no_number_is_null(
    store: SnapshotStore,
) -> None:
    packed = pack_quickly({"modules": ["数据", 1, 0.25, float("nan")], "people": None})
    snapshot_id = store.publish(replace(snapshot(due("A1", 0.4)), boards={"A1": packed}))
    assert read(store).board(snapshot_id, "A1") == {
        "modules": ["数据", 1, 0.25, None],
        "people": None,
    }


def test_boards_and_lives_are_kept_for_the_newest_snapshot_alone(store: SnapshotStore) -> None:
    full = replace(
        snapshot(due("A1", 0.4)), documents={"forecast": 1}, boards={"A1": 1}, lives=(GONE,)
    )
    first, second = store.publish(full), store.publish(full)
    assert read(store).board(first, "A1") is None
    assert read(store).lives(first) == []
    assert read(store).document(first, "forecast") == 1
    assert read(store).board(second, "A1") == 1


def test_what_became_of_a_probability_is_put_down_once_and_goes_with_its_snapshot(
    store: SnapshotStore,
) -> None:
    first = store.publish(snapshot(due("A1", 0.4)))
    known = Outcome(
        snapshot_id=first, account_id="A1", lost=True, known_on=date(2026, 11, 1), worked_on=False
    )
    later = replace(known, lost=False)
    lost = replace(known, snapshot_id="0" * 13)
    for outcomes in ((known, lost), (later,), ()):
        store.publish(replace(snapshot(due("A1", 0.4)), outcomes=outcomes))
    assert read(store).outcomes(first) == [known]
    assert read(store).outcomes("0" * 13) == []
    store.prune(1)
    assert read(store).outcomes(first) == []
