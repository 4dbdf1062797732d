"""Were we right? The answer, and to whom it is given."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from features.errors import TransientError
from models.feedback import Disposition, Feedback
from models.feedback_store import FeedbackStore, Reply
from models.key_store import KeyStore
from models.life import Outcome
from models.playbook_action import PlaybookAction, PlaybookStatus
from models.row_filter import RowFilter
from models.service_store import ServiceStore
from models.store import SnapshotStore
from serving.application import Service
from tests.integration.client import ask, serve
from tests.integration.company import due, snapshot
from tests.integration.markup import Page

SHOWN = (
    due("A", 0.8, 300.0, segment="smb"),
    due("B", 0.6, 100.0, segment="mid"),
    due("C", 0.2, 100.0, segment="mid"),
)


JUDGED = date(2026, 5, 1)


def publish(store: SnapshotStore, known: str) -> str:
    """An old snapshot, and a new one that knows what became of some of its accounts."""
    old = replace(snapshot(*SHOWN, as_of=JUDGED), capacity=1, backfilled=True)
    old_id = store.backfill(old)
    assert old_id is not None
    outcomes = tuple(
        Outcome(
            snapshot_id=old_id, account_id=name, lost=name in "AB",
            known_on=date(2026, 10, 1), worked_on=name == "B",
        )
        for name in known
    )  # fmt: skip
    store.publish(replace(snapshot(*SHOWN), outcomes=outcomes))
    return old_id


@pytest.mark.parametrize("memory_mb", [64, 0])
def test_what_became_of_the_high_tier_is_told(
    store_url: str, store: SnapshotStore, memory_mb: int
) -> None:
    old_id = publish(store, "ABC")
    app = serve(store_url, memory_mb=memory_mb)
    told = ask(app, "/v1/track-record").json()
    app.close()
    record = told["record"]
    assert told["currency"] == "EUR"
    assert (record["snapshot_id"], record["as_of"]) == (old_id, "2026-05-01")
    assert (record["backfilled"], record["unknown"]) == (True, 0)
    assert record["total"]["expected"] == pytest.approx(1.6)
    assert record["high"] == {
        "accounts": 2, "lost": 2, "expected": pytest.approx(1.4), "arr": 400.0, "arr_lost": 400.0
    }  # fmt: skip
    assert (record["high_worked_on"]["accounts"], record["high_left_alone"]["accounts"]) == (1, 1)
    assert (record["top"]["accounts"], record["arr_lost_in_top"]) == (1, 0.75)


def test_it_is_too_early_while_much_is_not_known(store_url: str, store: SnapshotStore) -> None:
    publish(store, "A")
    app = serve(store_url)
    assert ask(app, "/v1/track-record").json()["record"] is None
    app.close()


def test_a_key_with_a_row_filter_gets_the_record_of_its_accounts(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "service")]
    with SnapshotStore(urls[0]) as store:
        publish(store, "ABC")
    with ServiceStore(urls[1]) as service:
        keys = KeyStore(service)
        only = RowFilter({"segment": ["mid"]})
        made = keys.create("crm", ("scores:read",), only, now=datetime.now(UTC))
        app = serve(urls[0], service_store_url=urls[1])
        assert app.guards.keys is not None
        app.guards.keys.refresh()
        told = ask(app, "/v1/track-record", headers={"Authorization": f"Bearer {made.token}"})
        app.close()
    record = told.json()["record"]
    assert (record["total"]["accounts"], record["total"]["arr_lost"]) == (2, 100.0)
    assert (record["top"]["accounts"], record["top"]["lost"]) == (1, 1)


def say(service: ServiceStore, *entries: Feedback | PlaybookAction) -> None:
    for entry in entries:
        FeedbackStore(service).add(entry, Reply(201, b""))


def acted(account_id: str, day: date, disposition: Disposition = "acted") -> Feedback:
    moment = datetime.combine(day, time(9), UTC)
    return Feedback(
        snapshot_id="s", account_id=account_id, key_id=None, disposition=disposition,
        created_at=moment,
    )  # fmt: skip


def step(account_id: str, day: date, status: PlaybookStatus) -> PlaybookAction:
    moment = datetime.combine(day, time(9), UTC)
    due_on = day if status == "started" else None
    return PlaybookAction(
        account_id=account_id, playbook="listen", status=status, due_on=due_on, snapshot_id="s",
        key_id=None, created_at=moment,
    )  # fmt: skip


def parts(app: Service) -> tuple[int, int, bool]:
    """Accounts of the high tier that were worked on, and not, and whether what was said counts."""
    record = ask(app, "/v1/track-record").json()["record"]
    tallies = (record["high_worked_on"]["accounts"], record["high_left_alone"]["accounts"])
    return (*tallies, record["said_counted"])


@pytest.mark.parametrize(
    ("entry", "counts"),
    [
        (step("A", JUDGED, "started"), True),
        (step("A", date(2026, 9, 30), "done"), True),
        (acted("A", date(2026, 6, 1)), True),
        (step("A", date(2026, 4, 30), "started"), False),
        (step("A", date(2026, 10, 1), "done"), False),  # it was known by then what became of A
        (step("A", date(2026, 6, 1), "dismissed"), False),
        (acted("A", date(2026, 6, 1), "agree"), False),
        (acted("C", date(2026, 6, 1)), False),  # of the low tier
    ],
)
def test_what_people_put_down_between_the_scores_and_the_outcome_counts_as_work(
    tmp_path: Path, entry: Feedback | PlaybookAction, counts: bool
) -> None:
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "service")]
    with SnapshotStore(urls[0]) as store:
        publish(store, "ABC")
    app = serve(urls[0], service_store_url=urls[1])
    assert app.guards.keys is not None
    app.guards.keys.refresh()
    assert parts(app) == (1, 1, True)
    with ServiceStore(urls[1]) as service:
        say(service, entry)
    assert parts(app) == ((2, 0, True) if counts else (1, 1, True))
    app.close()


def test_without_the_service_store_the_table_alone_tells_and_the_answer_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "service")]
    with SnapshotStore(urls[0]) as store:
        publish(store, "ABC")
    alone = serve(urls[0])
    assert parts(alone) == (1, 1, False)
    told = "worked on is only what the company's own tables tell"
    assert told in Page(ask(alone, "/").text).words
    alone.close()
    with ServiceStore(urls[1]) as service:
        say(service, acted("A", date(2026, 6, 1)))
    app = serve(urls[0], service_store_url=urls[1])
    assert app.guards.keys is not None
    app.guards.keys.refresh()
    assert parts(app) == (2, 0, True)
    assert told not in Page(ask(app, "/").text).words

    def fail(*_: object) -> None:
        raise TransientError("the service store is away")

    with monkeypatch.context() as patched:
        patched.setattr(ServiceStore, "rows", fail)
        assert parts(app) == (1, 1, False)
    assert parts(app) == (2, 0, True)
    app.close()


def test_the_record_follows_the_store_without_a_restart(
    store_url: str, store: SnapshotStore
) -> None:
    store.publish(snapshot(*SHOWN))
    app = serve(store_url)
    assert ask(app, "/v1/track-record").json()["record"] is None
    old_id = publish(store, "ABC")
    assert ask(app, "/v1/track-record").json()["record"]["snapshot_id"] == old_id
    later = replace(snapshot(*SHOWN[1:], as_of=date(2026, 6, 1)), capacity=1, backfilled=True)
    later_id = store.backfill(later)
    assert later_id is not None
    # Nothing is known of it before a score run puts it down, in the transaction of its publish.
    assert ask(app, "/v1/track-record").json()["record"]["snapshot_id"] == old_id
    outcomes = tuple(
        Outcome(snapshot_id=later_id, account_id=name, lost=False, known_on=date(2026, 10, 1),
                worked_on=False)
        for name in "BC"
    )  # fmt: skip
    store.publish(replace(snapshot(*SHOWN), outcomes=outcomes))
    record = ask(app, "/v1/track-record").json()["record"]
    assert (record["snapshot_id"], record["total"]["lost"]) == (later_id, 0)
    assert "scores of Jun 1, 2026" in Page(ask(app, "/").text).words
    app.close()
