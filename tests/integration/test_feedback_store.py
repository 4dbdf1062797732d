"""Feedback is written once, however often its request comes, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from features.errors import InputError
from models.feedback import DISPOSITIONS, FEEDBACK_REASONS, LOSSES, Feedback, LossReason
from models.feedback_store import Attempt, FeedbackStore, Reply
from models.playbook_action import PlaybookAction
from models.service_store import ServiceStore
from models.service_table import IDEMPOTENCY_KEY
from models.track_record import Act

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)
REPLY = Reply(201, b'{"feedback_id":"1"}')
ATTEMPT = Attempt("0123abcz", "retry-1", "hash of the request")


@pytest.fixture
def said(service: ServiceStore) -> FeedbackStore:
    """An empty store of feedback, on each database in turn."""
    return FeedbackStore(service)


def feedback(**changes: Any) -> Feedback:
    fields: dict[str, Any] = {
        "snapshot_id": "1m803jec5jhpb",
        "account_id": "A1",
        "key_id": "0123abcz",
        "disposition": "disagree",
        "reason": "usage_is_seasonal",
        "note": "Schools are closed 🏫; O'Brien knows",
        "created_at": NOW,
    }
    return Feedback(**{**fields, **changes})


def test_feedback_comes_back_as_it_was_the_newest_first(said: FeedbackStore) -> None:
    first = feedback(key_id=None, reason=None, note=None)
    second = feedback(disposition="snooze", snooze_until=date(2026, 12, 24), created_at=NOW + DAY)
    other = feedback(account_id="A2")
    for entry in (first, second, other):
        assert said.add(entry, REPLY) == REPLY
    assert said.feedback("A1") == [second, first]
    assert said.feedback("A1", limit=1) == [second]
    assert said.feedback("A3") == []


def test_the_newest_reason_of_a_loss_comes_first(said: FeedbackStore) -> None:
    first = LossReason(account_id="A1", reason="price", key_id=None, created_at=NOW)
    second = replace(first, reason="competitor", loss_reason_id="2", created_at=NOW + DAY)
    for entry in (first, second):
        said.add(entry, REPLY)
    assert said.loss_reasons("A1") == [second, first]
    assert said.loss_reasons("A2") == []
    assert said.latest_loss_reasons() == {"A1": "competitor"}


def step(**changes: Any) -> PlaybookAction:
    fields: dict[str, Any] = {
        "account_id": "A1",
        "playbook": "listen",
        "status": "done",
        "snapshot_id": "1m803jec5jhpb",
        "key_id": None,
        "created_at": NOW,
    }
    return PlaybookAction(**{**fields, **changes})


def test_work_is_found_by_account_and_day_between_two_days(said: FeedbackStore) -> None:
    today = NOW.date()
    said.add(feedback(disposition="acted"), REPLY)
    said.add(feedback(account_id="A2"), REPLY)
    for action in (
        step(),
        step(status="started", due_on=today, created_at=NOW - DAY),
        step(status="dismissed", account_id="A3"),
        step(account_id="A4", created_at=datetime(2026, 11, 27, tzinfo=UTC)),
    ):
        said.add(action, REPLY)
    both = {Act("A1", today), Act("A1", today - DAY)}
    assert said.acts(today - DAY, today + DAY) == both
    assert said.acts(today, today + 2 * DAY) == {Act("A1", today), Act("A4", today + DAY)}
    assert said.acts(today, today) == frozenset()
    assert said.acts(date.min, date.max) == both | {Act("A4", today + DAY)}


def test_past_work_is_written_once(said: FeedbackStore) -> None:
    first, second = step(action_id="1"), step(action_id="2", created_at=NOW + DAY)
    said.add_past([first])
    said.add_past([replace(first, note="again"), second])
    assert said.playbook_actions() == [second, first]


def test_a_store_that_was_never_written_holds_nothing(said: FeedbackStore) -> None:
    assert said.acts(NOW.date(), NOW.date() + DAY) == frozenset()
    assert said.feedback("A1") == []
    assert said.loss_reasons("A1") == []


def test_a_repeated_attempt_gets_the_first_answer_and_writes_nothing(said: FeedbackStore) -> None:
    first = feedback()
    assert said.add(first, REPLY, ATTEMPT) == REPLY
    again = said.add(feedback(created_at=NOW + DAY / 2), Reply(201, b"{}"), ATTEMPT)
    assert again == replace(REPLY, repeated=True)
    assert said.feedback("A1") == [first]


def test_an_idempotency_key_belongs_to_one_request(said: FeedbackStore) -> None:
    first = feedback()
    said.add(first, REPLY, ATTEMPT)
    assert said.add(feedback(), REPLY, replace(ATTEMPT, request_hash="another")) is None
    assert said.feedback("A1") == [first]


def test_an_idempotency_key_belongs_to_its_key(said: FeedbackStore) -> None:
    for key_id in ("0123abcz", "9876zyxw", None):
        assert said.add(feedback(), REPLY, replace(ATTEMPT, key_id=key_id)) == REPLY
    assert len(said.feedback("A1")) == 3
    repeated = said.add(feedback(), REPLY, replace(ATTEMPT, key_id=None))
    assert repeated == replace(REPLY, repeated=True)


def test_without_an_idempotency_key_each_request_writes(said: FeedbackStore) -> None:
    for _ in range(2):
        assert said.add(feedback(), REPLY) == REPLY
    assert len(said.feedback("A1")) == 2


def test_an_idempotency_key_is_forgotten_after_a_day(
    said: FeedbackStore, service: ServiceStore
) -> None:
    said.add(feedback(), REPLY, ATTEMPT)
    late = feedback(created_at=NOW + DAY)
    assert said.add(late, REPLY, replace(ATTEMPT, request_hash="another")) == REPLY
    with service.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(IDEMPOTENCY_KEY)) == 1


def test_of_one_attempt_sent_many_times_at_once_one_is_written(
    said: FeedbackStore, store_url: str
) -> None:
    start = threading.Barrier(4)

    def send(number: int) -> Reply | None:
        with ServiceStore(store_url, lock_wait_s=20) as service:
            start.wait()
            reply = Reply(201, f"answer {number}".encode())
            return FeedbackStore(service).add(feedback(), reply, ATTEMPT)

    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(send, range(4)))
    assert None not in replies
    assert len({reply.body for reply in replies if reply}) == 1
    assert sorted(reply.repeated for reply in replies if reply) == [False, True, True, True]
    assert len(said.feedback("A1")) == 1


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"disposition": "maybe"}, "disposition"),
        ({"reason": "because"}, "reason"),
        ({"disposition": "snooze"}, "snooze_until"),
        ({"snooze_until": date(2026, 12, 24)}, "snooze_until"),
        ({"note": "x" * 2001}, "note"),
        ({"note": "a\x00"}, "note"),
        ({"note": "\ud800"}, "note"),
    ],
)
def test_feedback_that_cannot_be_kept_is_refused(changes: dict[str, Any], column: str) -> None:
    with pytest.raises(InputError) as caught:
        feedback(**changes)
    assert [problem.column for problem in caught.value.problems] == [column]


def test_every_word_of_the_lists_is_taken() -> None:
    for disposition in DISPOSITIONS:
        until = date(2026, 12, 24) if disposition == "snooze" else None
        feedback(disposition=disposition, snooze_until=until)
    for reason in FEEDBACK_REASONS:
        feedback(reason=reason)
    for loss in LOSSES:
        LossReason(account_id="A1", reason=loss, key_id=None, created_at=NOW)
    with pytest.raises(InputError, match="is not in the list; use one of price"):
        LossReason(account_id="A1", reason="bad luck", key_id=None, created_at=NOW)  # type: ignore[arg-type]
