"""Changed tiers are told at least once: tried again, dead, stopped, replayed, by one at a time."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from standardwebhooks import Webhook, WebhookVerificationError

from features.errors import InputError, TransientError
from models.lease import LENGTH, Lease
from models.row_filter import RowFilter
from models.service_store import ServiceStore
from models.service_table import WEBHOOK_TARGET
from models.snapshot import Snapshot
from models.store import SnapshotStore
from models.webhook import Target, make_message, make_target
from models.webhook_address import AllowList
from models.webhook_store import WebhookStore
from pipelines.webhook_delivery import BACK_OFF_S, FAILING_FOR, IN_A_ROW, Deliverer, Told
from pipelines.webhook_post import Outcome, Postman
from tests.integration.company import due, snapshot
from tests.integration.publisher import ACCOUNTS, marked_snapshot
from tests.integration.receiver import HOST, receiving, trusting

ROOT = Path(__file__).parents[2]
URL = f"https://{HOST}/hooks?token=geheim"
DAY = timedelta(days=1)
DOWN = Outcome("answered 500")


class World:
    """Both stores, a clock to set, and a post that answers by a script."""

    def __init__(self, changes: SnapshotStore, service: ServiceStore) -> None:
        self.changes = changes
        self.hooks = WebhookStore(service)
        self.now = datetime.now(UTC)
        self.script: list[Outcome] = []
        self.always = Outcome()
        self.got: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, public_only: bool = False
    ) -> Outcome:
        """Note a message, and answer by the script."""
        assert (url, public_only) == (URL, False)
        self.got.append(json.loads(body))
        self.headers.append(headers)
        return self.script.pop(0) if self.script else self.always

    def deliverer(self) -> Deliverer:
        """A deliverer as a process of its own would have it."""
        return Deliverer(
            self.hooks, self.changes, self.post, clock=lambda: self.now, chance=lambda: 0.5
        )

    def run(self) -> Told:
        """What one run did."""
        return self.deliverer().run()

    def add(self, of: dict[str, list[str]] | None = None) -> Target:
        """A new target, told of what changes from now on."""
        served = self.changes.current()
        target = make_target(
            "crm", URL, RowFilter(of or {}), now=self.now,
            told_up_to=served.snapshot_id if served else None,
        )  # fmt: skip
        self.hooks.add(target)
        return target

    def told(self) -> list[tuple[str, str | None, str | None]]:
        """Account, tier before and tier after of what came through or was tried."""
        data = [one["data"] for one in self.got]
        return [(one["account_id"], one["previous_tier"], one["risk_tier"]) for one in data]


@pytest.fixture
def world(tmp_path: Path, service: ServiceStore) -> World:
    """With one snapshot; the service store on each database in turn."""
    changes = SnapshotStore(f"sqlite:///{tmp_path}/snapshots.db", lock_wait_s=20)
    made = World(changes, service)
    changes.publish(before())
    return made


def before() -> Snapshot:
    """Three accounts, one of them in the high tier."""
    return snapshot(due("A1", 0.9), due("A2", 0.1, segment="mid"), due("A3", 0.1))


def after() -> Snapshot:
    """The first two have changed their tiers, and the third is gone."""
    return snapshot(due("A1", 0.1), due("A2", 0.9, segment="mid"))


CHANGED = [("A1", "high", "low"), ("A2", "low", "high"), ("A3", "low", None)]


def test_what_changed_after_a_target_was_added_is_told_once(world: World) -> None:
    target = world.add()
    assert world.run() == Told()
    snapshot_id = world.changes.publish(after())
    assert world.run() == Told(queued=3, sent=3)
    assert sorted(world.told()) == CHANGED
    one = next(one for one in world.got if one["data"]["account_id"] == "A1")
    assert one == {
        "type": "account.tier_changed",
        "timestamp": one["timestamp"],
        "data": {
            "company": "demo",
            "account_id": "A1",
            "external_id": "001A1",
            "snapshot_id": snapshot_id,
            "previous_tier": "high",
            "risk_tier": "low",
        },
    }
    moment = datetime.fromisoformat(one["timestamp"])
    assert abs(moment - datetime.now(UTC)) < timedelta(minutes=5)
    assert world.run() == Told()
    assert world.hooks.counts()[target.target_id] == {"waiting": 0, "sent": 3, "dead": 0}


def test_a_message_is_signed_for_its_target(world: World) -> None:
    target = world.add()
    world.changes.publish(after())
    world.run()
    for headers, body in zip(world.headers, world.got, strict=True):
        text = json.dumps(body, separators=(",", ":"))
        assert Webhook(target.secret).verify(text, dict(headers)) == body
        with pytest.raises(Exception, match="No matching signature"):
            Webhook(world.add().secret).verify(text, dict(headers))


def test_a_new_secret_and_the_old_one_both_verify_until_that_ends(world: World) -> None:
    old = world.add()
    new = world.hooks.rotate(old.target_id, now=world.now, overlap=DAY)
    assert new.secret != old.secret

    def send() -> tuple[str, dict[str, str]]:
        """Body and headers of a message that is sent now."""
        assert world.deliverer().ping(old.target_id) == Outcome()
        return json.dumps(world.got[-1], separators=(",", ":")), dict(world.headers[-1])

    message = send()
    for secret in (new.secret, old.secret):
        assert Webhook(secret).verify(*message)["type"] == "ping"
    with world.hooks.store.write() as connection:
        connection.execute(update(WEBHOOK_TARGET).values(old_secret_until=world.now))
    message = send()
    assert Webhook(new.secret).verify(*message)["type"] == "ping"
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(old.secret).verify(*message)


def test_a_secret_that_ended_is_kept_no_longer(world: World) -> None:
    target = world.add()
    world.hooks.rotate(target.target_id, now=world.now, overlap=DAY)
    for days, kept in ((0, target.secret), (2, None)):
        world.now += days * DAY
        world.run()
        assert world.hooks.target(target.target_id).old_secret == kept


def test_a_secret_replaced_twice_leaves_two_and_one_that_leaked_leaves_one(world: World) -> None:
    first = world.add()
    second = world.hooks.rotate(first.target_id, now=world.now, overlap=DAY)
    third = world.hooks.rotate(first.target_id, now=world.now, overlap=DAY)
    assert third.secrets(world.now) == (third.secret, second.secret)
    last = world.hooks.rotate(first.target_id, now=world.now, overlap=0 * DAY)
    assert last.secrets(world.now) == (last.secret,)
    assert world.hooks.target(first.target_id) == last
    with pytest.raises(InputError, match="there is no target wh_0"):
        world.hooks.rotate("wh_0", now=world.now, overlap=DAY)


def test_the_id_of_a_message_is_that_of_its_change_on_every_try(world: World) -> None:
    world.add()
    world.changes.publish(after())
    world.always = DOWN
    world.run()
    world.now += timedelta(seconds=BACK_OFF_S[0])
    world.always = Outcome()
    world.run()
    ids: dict[str, set[str]] = {}
    for headers, body in zip(world.headers, world.got, strict=True):
        ids.setdefault(body["data"]["account_id"], set()).add(headers["webhook-id"])
    assert all(len(one) == 1 for one in ids.values())
    assert len(set.union(*ids.values())) == 3
    changes = world.changes.tier_changes()
    assert {make_message(one).message_id for one in changes} == set.union(*ids.values())


def test_a_target_is_told_of_what_its_row_filter_admits(world: World) -> None:
    world.add({"segment": ["mid"]})
    world.changes.publish(after())
    assert world.run() == Told(queued=1, sent=1)
    assert world.told() == [("A2", "low", "high")]


def test_what_failed_is_tried_again_later_and_later_then_dead_then_replayed(world: World) -> None:
    target = world.add({"segment": ["mid"]})
    world.changes.publish(after())
    world.always = DOWN
    assert world.run() == Told(queued=1, failed=1, waiting=1)
    for number, wait_s in enumerate(BACK_OFF_S, 1):
        world.now += timedelta(seconds=wait_s - 1)
        assert world.run() == Told(waiting=1)
        world.now += timedelta(seconds=1)
        is_last = number == len(BACK_OFF_S)
        assert world.run() == Told(failed=1, dead=int(is_last), waiting=int(not is_last))
    assert world.run() == Told()
    (fault,) = world.hooks.faults(target.target_id)
    assert (fault["state"], fault["fault"], fault["tries"]) == ("dead", "answered 500", 9)
    world.always = Outcome()
    assert world.run() == Told()  # dead is dead, until somebody says otherwise
    assert world.hooks.replay(target.target_id, world.now) == 1
    assert world.run() == Told(sent=1)
    assert len({headers["webhook-id"] for headers in world.headers}) == 1
    assert world.hooks.faults(target.target_id) == []


def test_the_wait_has_jitter_and_is_never_shorter_than_the_receiver_asks(world: World) -> None:
    world.add({"segment": ["mid"]})
    world.changes.publish(after())
    for chance, wait_s, share in ((0.0, 0.0, 0.75), (1.0, 0.0, 1.25), (0.5, 5000.0, None)):
        world.always = Outcome("answered 503", wait_s=wait_s)
        deliverer = Deliverer(
            world.hooks,
            world.changes,
            world.post,
            clock=lambda: world.now,
            chance=partial(float, chance),
        )
        tries = len(world.got)
        deliverer.run()
        assert len(world.got) == tries + 1
        wait = timedelta(seconds=wait_s if share is None else BACK_OFF_S[tries] * share)
        world.now += wait - timedelta(milliseconds=1)
        world.run()
        assert len(world.got) == tries + 1
        world.now += timedelta(milliseconds=1)


def test_a_target_that_is_down_is_left_alone_after_a_few_failures(world: World) -> None:
    world.changes.publish(snapshot(*(due(f"B{n}", 0.1) for n in range(9))))
    world.add()
    world.changes.publish(snapshot(*(due(f"B{n}", 0.9) for n in range(9))))
    world.always = DOWN
    assert world.run() == Told(queued=9, failed=IN_A_ROW, waiting=9)
    world.always = Outcome()
    assert world.run() == Told(sent=9 - IN_A_ROW, waiting=IN_A_ROW)


def test_one_message_that_is_refused_does_not_keep_the_others_waiting(world: World) -> None:
    world.add()
    world.changes.publish(after())
    world.script = [DOWN]
    assert world.run() == Told(queued=3, failed=1, sent=2, waiting=1)


def test_410_stops_a_target_until_a_ping_comes_through(world: World) -> None:
    target = world.add()
    world.changes.publish(after())
    world.script = [Outcome("answered 410", is_gone=True)]
    told = world.run()
    assert told == Told(queued=3, failed=1, dead=3, stopped=(target.target_id,))
    counts = world.hooks.counts()[target.target_id]
    assert (counts["dead"], counts["waiting"]) == (told.dead, told.waiting) == (3, 0)
    world.changes.publish(before())
    assert world.run() == Told()
    assert world.hooks.target(target.target_id).stopped == "gone"
    with pytest.raises(InputError, match=r"is stopped \(gone\); mend it, then: keepwell webhooks"):
        world.hooks.replay(target.target_id, world.now)
    assert world.deliverer().ping(target.target_id) == Outcome()
    assert world.got[-1]["type"] == "ping"
    assert world.hooks.target(target.target_id).stopped is None
    assert world.run() == Told(queued=3, sent=3)  # what changed while it was stopped
    assert world.hooks.replay(target.target_id, world.now) == 3
    assert world.run() == Told(sent=3)


def test_a_ping_that_fails_changes_nothing(world: World) -> None:
    target = world.add()
    world.hooks.stop(target.target_id, "gone")
    world.always = DOWN
    assert world.deliverer().ping(target.target_id) == DOWN
    assert world.hooks.target(target.target_id).stopped == "gone"


def test_a_ping_that_is_answered_410_stops_nothing(world: World) -> None:
    target = world.add()
    world.always = Outcome("answered 410", is_gone=True)
    assert world.deliverer().ping(target.target_id).is_gone
    assert world.hooks.target(target.target_id).stopped is None
    world.changes.publish(after())
    world.always = Outcome()
    assert world.run() == Told(queued=3, sent=3)


def test_a_target_that_came_through_the_api_is_never_private(world: World, tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver:
        served = world.changes.current()
        told_up_to = served.snapshot_id if served else None
        ours, theirs = (
            make_target("crm", receiver.url, now=world.now, told_up_to=told_up_to, via_api=via_api)
            for via_api in (False, True)
        )
        for target in (ours, theirs):
            world.hooks.add(target)
            assert world.hooks.target(target.target_id) == target
        world.changes.publish(after())
        allowed = AllowList([HOST, "127.0.0.0/8"])
        postman = Postman(allowed, resolve=lambda *_: ["127.0.0.1"], context=trusting(tmp_path))
        deliverer = Deliverer(world.hooks, world.changes, postman.post, clock=lambda: world.now)
        assert deliverer.run() == Told(queued=6, sent=3, failed=3, waiting=3)
        faults = world.hooks.faults(theirs.target_id)
        assert {fault["fault"] for fault in faults} == {"address is not public"}
        assert deliverer.ping(theirs.target_id) == Outcome("address is not public")
        assert deliverer.ping(ours.target_id) == Outcome()
        assert len(receiver.got) == 4


def test_a_target_through_which_nothing_comes_for_days_is_stopped(world: World) -> None:
    target = world.add()
    world.changes.publish(after())
    world.always = DOWN
    world.run()
    world.now += FAILING_FOR
    assert world.run().stopped == ()
    world.now += DAY
    told = world.run()
    assert (told.stopped, told.dead) == ((target.target_id,), 3)
    kept = world.hooks.target(target.target_id)
    assert kept.stopped == "failing"
    assert world.hooks.counts()[target.target_id] == {"waiting": 0, "sent": 0, "dead": 3}


def test_one_that_comes_through_begins_the_days_anew(world: World) -> None:
    target = world.add()
    world.changes.publish(after())
    world.script = [DOWN]
    world.run()
    assert world.hooks.target(target.target_id).failing_since is None


def test_a_replay_since_a_snapshot_sends_all_that_changed_after_it_again(world: World) -> None:
    first = world.changes.current()
    assert first is not None
    world.changes.publish(after())
    target = world.add()
    second = world.changes.publish(before())
    assert world.run() == Told(queued=3, sent=3)
    assert world.hooks.replay(target.target_id, world.now, since=second) == 0
    assert world.hooks.replay(target.target_id, world.now, since=first.snapshot_id) == 3
    assert world.run() == Told(queued=3, sent=6)  # those from before it was added too


def test_what_was_sent_or_is_dead_is_forgotten_after_a_month(world: World) -> None:
    target = world.add()
    world.changes.publish(after())
    world.script = [DOWN]
    world.run()
    world.now += 31 * DAY
    world.always = DOWN
    world.run()
    assert world.hooks.counts()[target.target_id] == {"waiting": 1, "sent": 0, "dead": 0}


def test_a_target_that_is_removed_is_told_nothing_more(world: World) -> None:
    target = world.add()
    world.changes.publish(after())
    world.always = DOWN
    world.run()
    world.hooks.remove(target.target_id)
    assert world.run() == Told()
    assert world.hooks.counts() == {}
    for act in (world.hooks.remove, world.hooks.target):
        with pytest.raises(InputError, match="there is no target wh_"):
            act(target.target_id)


def test_of_two_at_once_one_sends(world: World, store_url: str) -> None:
    world.add()
    world.changes.publish(after())
    inside, go_on = threading.Event(), threading.Event()

    def post(url: str, headers: Mapping[str, str], body: bytes, *, public_only: bool) -> Outcome:
        assert not public_only
        inside.set()
        assert go_on.wait(30)
        return world.post(url, headers, body)

    with ServiceStore(store_url, lock_wait_s=20) as other, ThreadPoolExecutor(1) as pool:
        first = Deliverer(WebhookStore(other), world.changes, post, clock=lambda: world.now)
        running = pool.submit(first.run)
        assert inside.wait(30)
        assert world.run() == Told(busy=True)
        go_on.set()
        assert running.result(30) == Told(queued=3, sent=3)
    assert len(world.got) == 3


def test_the_lease_of_one_that_died_is_taken_over_when_it_is_over(world: World) -> None:
    world.add()
    world.changes.publish(after())
    died = world.deliverer()
    assert died.lease.take()
    assert world.run() == Told(busy=True)
    world.now += LENGTH
    assert world.run() == Told(queued=3, sent=3)


def test_who_lost_its_lease_sends_nothing_more(world: World) -> None:
    world.add()
    world.changes.publish(after())

    def post(url: str, headers: Mapping[str, str], body: bytes, *, public_only: bool) -> Outcome:
        assert not public_only
        world.now += LENGTH  # it hung for so long that another one took over
        other = Lease(world.hooks.store, "webhooks", clock=lambda: world.now)
        assert other.take()
        return world.post(url, headers, body)

    slow = Deliverer(world.hooks, world.changes, post, clock=lambda: world.now)
    assert slow.run() == Told(queued=3, sent=1, waiting=2)
    assert world.run() == Told(busy=True)


def test_a_lease_is_renewed_and_given_up(service: ServiceStore) -> None:
    now = [datetime.now(UTC)]
    mine, other = (Lease(service, "work", clock=lambda: now[0]) for _ in range(2))
    assert not mine.hold()
    assert mine.take()
    for _ in range(5):
        now[0] += LENGTH * 0.7
        assert mine.hold()
        assert not other.take()
    mine.release()
    other.release()  # of one that holds nothing
    assert other.take()
    assert Lease(service, "other work", clock=lambda: now[0]).take()


def test_what_was_sent_and_not_noted_is_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add({"segment": ["mid"]})
    world.changes.publish(after())

    def fail(*_: object) -> None:
        raise TransientError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(WebhookStore, "note_sent", fail)
        with pytest.raises(TransientError):
            world.run()
    assert world.run() == Told(sent=1)
    assert world.headers[0]["webhook-id"] == world.headers[1]["webhook-id"]


def test_a_fault_while_queueing_queues_all_of_a_snapshot_or_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add()
    world.changes.publish(after())
    world.changes.publish(before())
    real, calls = make_message, []

    def fail_late(change: Any) -> object:
        calls.append(change)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(change)

    with monkeypatch.context() as broken:
        broken.setattr("models.webhook_store.make_message", fail_late)
        with pytest.raises(KeyboardInterrupt):
            world.run()
    assert sum(count["waiting"] for count in world.hooks.counts().values()) == 3
    assert world.run() == Told(queued=3, sent=6)


def test_a_publish_that_is_killed_tells_nothing_and_a_whole_one_tells_all(
    world: World, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/snapshots.db"
    world.changes.publish(marked_snapshot(0))
    world.add()
    for _ in range(3):
        served = world.changes.current()
        assert served is not None
        (last,) = world.changes.ranking(served.snapshot_id, limit=1)
        number = str(int(last.region or 0) + 1)  # whose tiers are others than the last one's
        command = [sys.executable, "-m", "tests.integration.publisher", url, number]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as publisher:
            assert publisher.stdout is not None
            for _ in range(3):
                publisher.stdout.readline()  # within the second publish
            publisher.send_signal(signal.SIGKILL)
        with world.changes.database.write():
            pass  # waits until the dead writer's lock is gone
        world.got.clear()
        world.run()
        header = world.changes.current()
        assert header is not None
        told = [one["data"]["snapshot_id"] for one in world.got]
        assert all(world.changes.header(one) is not None for one in set(told))
        assert all(told.count(one) == ACCOUNTS for one in set(told))
        assert header.snapshot_id in told


def test_no_secret_is_logged_listed_or_shown(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    target = world.add()
    world.changes.publish(after())
    world.always = Outcome("answered 410", is_gone=True)
    with caplog.at_level(logging.DEBUG):
        world.run()
    shown = f"{caplog.text} {target!r} {target.to_json()} {world.hooks.faults(target.target_id)}"
    assert target.target_id in caplog.text
    for secret in (target.secret, target.secret.removeprefix("whsec_"), "geheim", "A1"):
        assert secret not in shown.replace(target.target_id, "")


def test_over_tls_500s_then_success_then_the_signature_holds(world: World, tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver:
        served = world.changes.current()
        target = make_target(
            "crm", receiver.url, now=world.now, told_up_to=served.snapshot_id if served else None
        )
        world.hooks.add(target)
        world.changes.publish(after())
        postman = Postman(
            AllowList([HOST]), resolve=lambda *_: ["127.0.0.1"], context=trusting(tmp_path)
        )
        deliverer = Deliverer(
            world.hooks, world.changes, postman.post, clock=lambda: world.now, chance=lambda: 0.5
        )
        receiver.script = [500, (302, "Location", "https://elsewhere.example/")]
        assert deliverer.run() == Told(queued=3, sent=1, failed=2, waiting=2)
        world.now += timedelta(seconds=BACK_OFF_S[0])
        assert deliverer.run() == Told(sent=2)
        assert len(receiver.got) == 5
        for got in receiver.got:
            assert Webhook(target.secret).verify(got.body, got.headers)
        assert set(receiver.asked_for) == {HOST}


def test_a_name_is_asked_for_with_each_message_and_a_change_of_mind_is_refused(
    world: World, tmp_path: Path
) -> None:
    with receiving(tmp_path) as receiver:
        served = world.changes.current()
        target = make_target(
            "crm", receiver.url, now=world.now, told_up_to=served.snapshot_id if served else None
        )
        world.hooks.add(target)
        world.changes.publish(after())
        answers = [["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1"]]
        postman = Postman(
            AllowList([HOST]), resolve=lambda *_: answers.pop(0), context=trusting(tmp_path)
        )
        deliverer = Deliverer(world.hooks, world.changes, postman.post, clock=lambda: world.now)
        assert deliverer.run() == Told(queued=3, sent=2, failed=1, waiting=1)
        (fault,) = world.hooks.faults(target.target_id)
        assert fault["fault"] == "address is not public"
