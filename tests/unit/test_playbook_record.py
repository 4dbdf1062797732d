"""The work with playbooks: tasks from actions, what is overdue, and warnings acted on in time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from features.errors import InputError
from models.playbook_action import PlaybookAction
from models.playbook_record import Task, Warned, list_tasks, measure_playbooks

START = date(2026, 5, 4)


def day(number: int) -> date:
    return START + timedelta(days=number)


def act(status: str, at: int, *, account: str = "a", due: int | None = None) -> PlaybookAction:
    """An action so many days after the start."""
    return PlaybookAction(
        account_id=account,
        playbook="listen",
        status=status,  # type: ignore[arg-type]  # the test chooses
        due_on=None if due is None else day(due),
        snapshot_id="s",
        key_id=None,
        created_at=datetime.combine(day(at), datetime.min.time(), UTC),
    )


def test_a_task_runs_from_its_start_to_its_end() -> None:
    found = list_tasks([act("done", 5), act("started", 0, due=7)])
    assert found == [Task("a", "listen", "done", day(0), day(7), day(5))]


def test_what_is_started_again_after_its_end_is_another_task() -> None:
    actions = [act("started", 0, due=7), act("dismissed", 1), act("started", 9, due=16)]
    assert [(one.status, one.started_on) for one in list_tasks(actions)] == [
        ("dismissed", day(0)),
        ("started", day(9)),
    ]


def test_what_is_started_again_while_open_gets_another_day() -> None:
    (task,) = list_tasks([act("started", 0, due=7), act("started", 6, due=20)])
    assert (task.started_on, task.due_on) == (day(0), day(20))


def test_an_open_task_past_its_day_is_overdue_and_an_ended_one_never_is() -> None:
    tasks = list_tasks(
        [
            act("started", 0, due=7),
            act("started", 1, account="b", due=7),
            act("done", 9, account="b"),
            act("done", 3, account="c"),
        ]
    )
    assert [task.is_overdue(day(8)) for task in tasks] == [True, False, False]
    found = measure_playbooks(tasks, [], today=day(8))
    assert (found.started, found.done, found.open, found.overdue) == (2, 2, 1, 1)
    assert found.in_time_share is None


def warned(account: str, severity: str = "urgent", playbook: str | None = "listen") -> Warned:
    return Warned(account, "rule", None, severity, playbook, day(0))  # type: ignore[arg-type]  # as above


def test_a_warning_counts_as_acted_on_in_time_by_its_own_playbook_and_severity() -> None:
    tasks = list_tasks(
        [
            act("started", 7, account="in time", due=9),
            act("started", 8, account="late", due=9),
            act("started", 28, account="soon", due=30),
            act("dismissed", 1, account="dismissed"),
        ]
    )
    warnings = [
        warned("in time"),
        warned("in time"),  # a second snapshot shows it too
        warned("late"),
        warned("nobody"),
        warned("dismissed"),
        warned("soon", "soon"),
        warned("watched", "watch"),
        warned("no playbook", playbook=None),
    ]
    found = measure_playbooks(tasks, warnings, today=day(40))
    assert (found.in_time, found.due_warnings) == (2, 5)
    assert found.in_time_share == 0.4


def test_a_warning_whose_time_has_not_passed_is_not_counted_against_anybody() -> None:
    assert measure_playbooks([], [warned("a")], today=day(7)).due_warnings == 0
    assert measure_playbooks([], [warned("a")], today=day(8)).due_warnings == 1


def test_an_action_without_its_day_or_with_a_wrong_status_is_refused() -> None:
    with pytest.raises(InputError, match="started needs a day"):
        act("started", 0)
    with pytest.raises(InputError, match="use one of started, done, dismissed"):
        act("planned", 0)
